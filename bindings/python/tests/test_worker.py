"""Workers: threads of the library that run a tap."""

import gc
import os
import select
import time
import unittest
from typing import Any

import libmirror
from libmirror import Code

import support
from test_backend import Kept, Listed


class Waiting(Listed):
    """Waits when its list is empty."""

    def receive(self, capacity: int, timeout: Any) -> Any:
        if self.frames:
            return super().receive(capacity, timeout)
        time.sleep(0.01)
        return []


class Broken(Listed):
    def receive(self, capacity: int, timeout: Any) -> Any:
        raise libmirror.MirrorError(Code.LINK_DOWN, "the cable is out")


class Workers(support.ContextCase):
    def tap(self, packets: Any) -> libmirror.Tap:
        source = self.context.callback_input(packets)
        self.kept = Kept()
        return self.context.tap(source, self.context.callback_output(self.kept), source="web")

    def ended(self, worker: libmirror.Worker, seconds: float) -> bool:
        return bool(select.select([worker], [], [], seconds)[0])

    def test_ends_with_its_input(self) -> None:
        tap = self.tap(Listed([support.WEB] * 10))
        worker = tap.start(cpu=min(os.sched_getaffinity(0)), name="web")
        self.assertTrue(self.ended(worker, 10))
        self.assertTrue(worker.stop())
        self.assertTrue(worker.stop())
        self.assertEqual((tap.stats.sent.packets, len(self.kept.copies)), (10, 10))
        self.assertEqual(self.kept.flushed, 1)

    def test_is_stopped(self) -> None:
        tap = self.tap(Waiting([support.WEB] * 10))
        worker = tap.start()
        self.assertFalse(self.ended(worker, 0.1))
        self.assertIsNone(worker.drops)
        self.assertIsNone(worker.output_error)
        self.assertRaisesRegex(RuntimeError, "in use", tap.submit, support.WEB)
        self.assertRaisesRegex(RuntimeError, "in use", tap.start)
        self.assertFalse(worker.stop())
        self.assertTrue(tap.submit(support.WEB)[0].mirrored)

    def test_output_error(self) -> None:
        source = self.context.callback_input(Waiting([support.WEB] * 10))
        full = self.context.memory_output(0, 0)
        worker = self.context.tap(source, full, source="web").start()
        for _ in range(100):
            if worker.output_error:
                break
            time.sleep(0.05)
        self.assertEqual(worker.output_error.code, Code.NO_BUFFER)
        worker.stop()

    def test_drops(self) -> None:
        with self.context.open_output("udp:") as output:
            try:
                source = self.context.open_input("afpacket:lo")
            except libmirror.MirrorError as error:
                raise unittest.SkipTest(str(error))
            with self.context.tap(source, output, source="web") as tap, tap.start() as worker:
                self.assertEqual(worker.drops, 0)

    def test_fails_with_its_input(self) -> None:
        worker = self.tap(Broken([])).start()
        self.assertTrue(self.ended(worker, 10))
        with self.assertRaises(libmirror.MirrorError):
            worker.stop()

    def test_no_such_cpu(self) -> None:
        tap = self.tap(Listed([support.WEB]))
        with self.assertRaisesRegex(libmirror.MirrorError, "cannot run on CPU 1000000"):
            tap.start(cpu=1000000)
        self.assertEqual(len(tap.submit(support.WEB)), 1)

    def test_is_stopped_by_the_garbage_collector(self) -> None:
        tap = self.tap(Waiting([]))
        tap.start()
        gc.collect()
        self.assertTrue(tap.submit(support.WEB)[0].mirrored)


if __name__ == "__main__":
    unittest.main()
