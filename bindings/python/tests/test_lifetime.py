"""Nothing is released twice or too early, in whatever order objects go."""

import gc
import random
import tempfile
import unittest
import weakref
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

import libmirror
from libmirror import INGRESS, Capture
from libmirror._library import lib

import support
from test_backend import Kept, Listed

RELEASES = {
    "mirror_context_destroy": "mirror_context_create",
    "mirror_transaction_destroy": "mirror_transaction_begin",
    "mirror_plan_release": "mirror_plan_acquire",
    "mirror_explanation_destroy": "mirror_plan_explain",
    "mirror_tap_destroy": "mirror_tap_create",
    "mirror_input_close": "mirror_input_open",
    "mirror_output_close": "mirror_output_open",
}


class Ledger:
    """Counts what is made and released, and the order."""

    def __init__(self) -> None:
        self.made: "Counter[str]" = Counter()
        self.released: List[Any] = []
        self.saved: Dict[str, Any] = {}

    def __enter__(self) -> "Ledger":
        gc.collect()
        for release, make in RELEASES.items():
            self.watch(make, lambda status, arguments, name=release: self.enter(name, status))
            self.watch(release, lambda result, arguments, name=release: self.leave(name, arguments))
        return self

    def watch(self, name: str, then: Any) -> None:
        self.saved[name] = function = getattr(lib, name)

        def watched(*arguments: Any) -> Any:
            result = function(*arguments)
            then(result, arguments)
            return result

        setattr(lib, name, watched)

    def enter(self, name: str, status: int) -> None:
        if status == 0:
            self.made[name] += 1

    def leave(self, name: str, arguments: Any) -> None:
        self.released.append(name)

    def __exit__(self, *exception: object) -> None:
        for name, function in self.saved.items():
            setattr(lib, name, function)


def objects(chance: random.Random) -> List[Any]:
    """One of each, of one context."""
    context = libmirror.Context()
    support.add_web(context)
    plan = context.plan()
    source = context.callback_input(Listed([support.WEB] * 9))
    sink = context.callback_output(Kept())
    memory = context.memory_output()
    tap = context.tap(source, sink, source="web", on_packet=lambda packet, verdict: None)
    tap.step()
    explanation = plan.explain(support.WEB, "web", INGRESS)
    change = context.transaction()
    change.add_filter(libmirror.Filter("never"))
    others = [context.memory_input([support.WEB]), context.tap(None, memory, source="web")]
    made = [context, plan, source, sink, memory, tap, explanation, change, *others]
    chance.shuffle(made)
    return made


class RandomOrder(unittest.TestCase):
    def check(self, let_go: Any) -> None:
        with Ledger() as ledger:
            for seed in range(40):
                chance = random.Random(seed)
                let_go(objects(chance), chance)
            gc.collect()
            self.assertEqual(ledger.made, Counter(ledger.released))
            self.assertEqual(set(ledger.made), set(RELEASES))

    def test_dropped_one_by_one(self) -> None:
        def drop(made: List[Any], chance: random.Random) -> None:
            while made:
                made.pop()
                if chance.random() < 0.1:
                    gc.collect()

        self.check(drop)

    def test_closed_one_by_one(self) -> None:
        def close(made: List[Any], chance: random.Random) -> None:
            for each in made * 2:
                each.close()

        self.check(close)

    def test_garbage_in_cycles(self) -> None:
        def entangle(made: List[Any], chance: random.Random) -> None:
            for each in made:
                each.others = chance.sample(made, 4)
            del made[:]

        self.check(entangle)

    def test_callbacks_that_refer_to_their_owner(self) -> None:
        with Ledger() as ledger:
            context = libmirror.Context()
            support.add_web(context)
            holder: Dict[str, Any] = {}
            holder["tap"] = context.tap(
                None, context.memory_output(), source="web",
                on_packet=lambda packet, verdict: holder.clear(),
            )
            gone = weakref.ref(holder["tap"])
            del holder, context
            gc.collect()
            self.assertIsNone(gone())
            self.assertEqual(ledger.made, Counter(ledger.released))


class Order(support.ContextCase):
    def test_children_keep_parents(self) -> None:
        with Ledger() as ledger:
            context = libmirror.Context()
            support.add_web(context)
            output = context.memory_output()
            tap = context.tap(None, output, source="web")
            plan = context.plan()
            explanation = plan.explain(support.WEB, "web", INGRESS)
            del ledger.released[:]
            context.close()
            output.close()
            plan.close()
            self.assertEqual(ledger.released, [])
            self.assertIn("web", explanation.text)
            explanation.close()
            tap.close()
        order = ["mirror_explanation_destroy", "mirror_plan_release", "mirror_tap_destroy"]
        order += ["mirror_output_close", "mirror_context_destroy"]
        self.assertEqual(ledger.released, order)

    def test_failed_calls_leave_nothing(self) -> None:
        with Ledger() as ledger:
            for _ in range(3):
                self.assertRaises(libmirror.MirrorError, self.context.open_input, "pcap:none")
                self.assertRaises(ValueError, self.context.open_input, "a\0b")
            gc.collect()
        self.assertEqual((ledger.made, ledger.released), (Counter(), []))

    def test_verdicts_outlive_the_plan(self) -> None:
        with self.context.plan() as plan:
            verdict = plan.match(support.WEB, "web", INGRESS)[0]
        self.context.close()
        gc.collect()
        self.assertEqual(verdict.session_id, "web")

    def test_collection_inside_a_visitor(self) -> None:
        """Releases wait until the context is no longer locked."""
        gc.disable()
        self.addCleanup(gc.enable)
        from_c = libmirror.Filter.from_c.__func__

        with Ledger() as ledger:
            plan = self.context.plan()
            plan.itself = plan
            del plan
            seen: List[str] = []

            class Collecting(libmirror.Filter):
                @classmethod
                def from_c(cls, struct: Any) -> Any:
                    gc.collect()
                    seen.extend(ledger.released)
                    return from_c(cls, struct)

            self.context._objects("filter", Collecting, None)
            self.assertEqual(seen, [])
            self.assertEqual(ledger.released, ["mirror_plan_release"])

    def test_exception_in_a_visitor(self) -> None:
        class Broken(libmirror.Filter):
            @classmethod
            def from_c(cls, struct: Any) -> Any:
                raise MemoryError("in a visitor")

        with self.assertRaisesRegex(MemoryError, "in a visitor"):
            self.context._objects("filter", Broken, None)
        self.assertEqual(len(self.context.filters()), 1)


EXIT = """
import libmirror, sys
context = libmirror.Context()
context.load(sys.argv[1])
source = context.open_input("pcap:" + sys.argv[2])
output = context.open_output("pcap:" + sys.argv[3])
tap = context.tap(source, output, source="eni-03", direction=libmirror.AUTO)
tap.step()
context.itself = [context, tap]
"""


class EndOfProgram(unittest.TestCase):
    def test_outputs_are_flushed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copies = Path(folder, "copies.pcap")
            files = [support.CONFIGURATION, support.CAPTURE, copies]
            done = support.python("-c", EXIT, *files, cwd=support.PACKAGE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            with Capture(str(copies)) as capture:
                self.assertGreater(sum(1 for _ in capture), 10)
