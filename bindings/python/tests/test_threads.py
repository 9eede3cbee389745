"""Several threads: contexts, plans and taps side by side, and closing what another one uses."""

import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List

import libmirror
from libmirror import INGRESS, Packets

import support

THREADS = 4


def together(*functions: Callable[[], Any]) -> List[Any]:
    """Runs functions at the same time; their results, or their exceptions raised."""
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], Any]) -> Any:
        start.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [each.result() for each in [pool.submit(run, one) for one in functions]]


class Threads(support.ContextCase):
    def test_one_plan(self) -> None:
        handle = self.context.source_handle("web")
        packets = Packets([support.WEB, support.OTHER] * 50, source=handle, direction=INGRESS)
        plan = self.context.plan()

        def match() -> int:
            return sum(v.mirrored for _ in range(20) for v in plan.match(packets))

        self.assertEqual(together(*[match] * THREADS), [1000] * THREADS)

    def test_commits_under_running_taps(self) -> None:
        stop = threading.Event()

        def mirror() -> int:
            output = self.context.memory_output(1 << 16)
            tap = self.context.tap(None, output, source="web")
            while not stop.is_set():
                tap.submit([support.WEB] * 10)
                output.clear()
            return tap.stats.received.packets

        def change() -> int:
            try:
                for vni in range(200):
                    session = libmirror.Session("web", 1, "web", "web", ["web"], vni=vni)
                    with self.context.transaction() as transaction:
                        transaction.update_session(session)
                    self.context.sessions()
            finally:
                stop.set()
            return 0

        taps = together(change, *[mirror] * 2)[1:]
        self.assertEqual(
            self.context.source_stats("web", INGRESS).received.packets, sum(taps)
        )

    def test_contexts_side_by_side(self) -> None:
        def live() -> None:
            for _ in range(20):
                with libmirror.Context() as context:
                    support.add_web(context)
                    with context.plan() as plan:
                        self.assertTrue(plan.match(support.WEB, "web", INGRESS)[0].mirrored)

        together(*[live] * THREADS)

    def test_closed_by_another_thread(self) -> None:
        packets = [support.WEB] * 64

        def use(tap: libmirror.Tap) -> None:
            with self.assertRaisesRegex(ValueError, "the tap is closed"):
                while True:
                    tap.submit(packets)

        for _ in range(20):
            output = self.context.memory_output(0, 0)
            tap = self.context.tap(None, output, source="web")
            together(lambda: use(tap), tap.close, output.close)

    def test_one_tap_in_two_threads(self) -> None:
        tap = self.context.tap(None, self.context.memory_output(0, 0), source="web")

        def use() -> int:
            refused = 0
            for _ in range(300):
                try:
                    tap.submit([support.WEB] * 20)
                except RuntimeError:
                    refused += 1
            return refused

        refused = sum(together(use, use))
        self.assertEqual(tap.stats.received.packets, (600 - refused) * 20)

    def test_interrupt(self) -> None:
        from test_backend import Kept, Listed

        class Endless(Listed):
            def receive(self, capacity: int, timeout: Any) -> Any:
                return [support.WEB] * 10

        source = self.context.callback_input(Endless([]))
        tap = self.context.tap(source, self.context.callback_output(Kept()), source="web")
        threading.Timer(0.2, tap.interrupt).start()
        self.assertFalse(tap.run())

    def test_exceptions_stay_in_their_thread(self) -> None:
        def fail(packet: Any, verdict: Any) -> None:
            raise KeyError(threading.get_ident())

        def run() -> bool:
            output = self.context.memory_output(0, 0)
            tap = self.context.tap(None, output, source="web", on_packet=fail)
            for _ in range(50):
                with self.assertRaises(KeyError) as caught:
                    tap.submit(support.WEB)
                self.assertEqual(caught.exception.args, (threading.get_ident(),))
            return True

        self.assertEqual(together(*[run] * THREADS), [True] * THREADS)


if __name__ == "__main__":
    unittest.main()
