"""Inputs and outputs written in Python; no exception is lost, and nothing crashes."""

import gc
import os
import threading
import time
import unittest

import libmirror
from libmirror import Code, Copy, Layer, Packet, PacketInput, PacketOutput, decapsulate

import support


class Listed(PacketInput):
    """Packets of a list, `at_once` in each batch."""

    def __init__(self, frames, at_once=3) -> None:
        self.frames, self.at_once, self.closed = list(frames), at_once, 0

    def receive(self, capacity, timeout):
        if not self.frames:
            raise EOFError
        size = min(capacity, self.at_once)
        batch, self.frames = self.frames[:size], self.frames[size:]
        return batch

    def close(self) -> None:
        self.closed += 1


class Kept(PacketOutput):
    """Keeps what it is given."""

    layer = Layer.UDP

    def __init__(self) -> None:
        self.copies, self.flushed, self.closed = [], 0, 0

    def send(self, copies):
        self.copies.extend(copies)

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed += 1


class Callbacks(support.ContextCase):
    def tap(self, source, sink, **options):
        self.input = self.context.callback_input(source)
        self.output = self.context.callback_output(sink)
        return self.context.tap(self.input, self.output, source="web", **options)

    def test_way_of_a_packet(self) -> None:
        source, sink = Listed([Packet(support.WEB, 5), support.OTHER] * 4), Kept()
        with self.tap(source, sink) as tap:
            self.assertTrue(tap.run())
        self.assertEqual(len(sink.copies), 4)
        copy: Copy = sink.copies[0]
        self.assertEqual((copy.time_ns, copy.vni, copy.udp_port), (5, 7, 4789))
        self.assertEqual((str(copy.source), str(copy.destination)), ("10.0.0.3", "10.0.9.9"))
        self.assertEqual(copy.source_port, libmirror.source_port(support.WEB))
        self.assertEqual(decapsulate(copy.data).inner, support.WEB)
        self.assertGreaterEqual(sink.flushed, 1)

    def test_inner_frames_are_left_as_they_are(self) -> None:
        source, sink = Listed([Packet(support.WEB, checksum=(34, 16)), support.WEB]), Kept()
        sink.layer = Layer.INNER
        with self.tap(source, sink) as tap:
            self.assertTrue(tap.run())
        unfinished, finished = sink.copies
        self.assertEqual((unfinished.data, unfinished.checksum), (support.WEB, (34, 16)))
        self.assertEqual((finished.data, finished.checksum), (support.WEB, None))
        self.assertEqual((unfinished.gso_type, unfinished.gso_size, unfinished.segments), (0, 0, 1))

    def test_closed_once(self) -> None:
        source, sink = Listed([]), Kept()
        tap = self.tap(source, sink)
        self.input.close()
        self.output.close()
        self.assertEqual((source.closed, sink.closed), (0, 0))
        tap.close()
        tap.close()
        self.assertEqual((source.closed, sink.closed), (1, 1))
        del tap
        gc.collect()
        self.assertEqual((source.closed, sink.closed), (1, 1))

    def test_exception_in_receive(self) -> None:
        class Broken(Listed):
            def receive(self, capacity, timeout):
                raise ZeroDivisionError("in receive")

        for at_once in (False, True):
            with self.tap(Broken([]), Kept()) as tap:
                with self.assertRaisesRegex(ZeroDivisionError, "in receive"):
                    tap.run(at_once=at_once)

    def test_exception_in_send(self) -> None:
        class Broken(Kept):
            def send(self, copies):
                raise KeyboardInterrupt

        with self.tap(Listed([support.WEB] * 9), Broken()) as tap:
            self.assertRaises(KeyboardInterrupt, tap.run)
            self.assertEqual(tap.stats.failed_other.packets, 3)
            self.assertEqual(tap.output_error.code, Code.BACKEND)
            self.assertIn("KeyboardInterrupt", tap.output_error.text)

    def test_exceptions_elsewhere(self) -> None:
        class Broken(Kept):
            def flush(self):
                raise OSError("in flush")

            def close(self):
                raise OSError("in close")

        with self.assertRaisesRegex(OSError, "in close"):
            with self.tap(Listed([]), Broken()) as tap:
                self.assertRaisesRegex(OSError, "in flush", tap.run)
            self.input.close()
            self.output.close()

    def test_too_many_packets(self) -> None:
        class Broken(Listed):
            def receive(self, capacity, timeout):
                return [support.WEB] * (capacity + 1)

        with self.tap(Broken([]), Kept(), batch=8) as tap:
            self.assertRaisesRegex(ValueError, "returned 9 packets, room was for 8", tap.run)

    def test_refusals(self) -> None:
        answers = [(1, Code.LINK_DOWN), None, 0]

        class Choosy(Kept):
            def send(self, copies):
                return answers.pop(0)

        with self.tap(Listed([support.WEB] * 4, 4), Choosy()) as tap:
            tap.step()
            self.assertEqual(tap.stats.sent.packets, 3)
            self.assertEqual(tap.stats.failed_link_down.packets, 1)
            verdict = tap.submit(support.WEB)[0]
            self.assertEqual(verdict.output_status, Code.AGAIN)

    def test_wrong_refusal(self) -> None:
        class Broken(Kept):
            def send(self, copies):
                return len(copies) + 5

        with self.tap(Listed([support.WEB] * 4), Broken()) as tap:
            tap.run()
            self.assertEqual(tap.stats.received.packets, 4)

    def test_what_an_input_says(self) -> None:
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)

        class Talking(Listed):
            link_type = libmirror.LinkType.RAW

            def fileno(self):
                return read_end

        opened = self.context.callback_input(Talking([]))
        self.assertEqual(opened.fileno(), read_end)
        self.assertEqual(opened.link_type, libmirror.LinkType.RAW)

    def test_interrupted_while_it_waits(self) -> None:
        class Waiting(PacketInput):
            def receive(self, capacity, timeout):
                time.sleep(0.02 if timeout is None else min(timeout, 0.02))
                return []

        with self.tap(Waiting(), Kept()) as tap:
            for at_once in (False, True):
                threading.Timer(0.1, tap.interrupt).start()
                self.assertFalse(tap.run(at_once=at_once))


class Registered(support.ContextCase):
    def setUp(self) -> None:
        super().setUp()
        self.opened = []
        self.sinks = []

        def open_input(body, argument):
            self.opened.append((body, argument))
            return Rich(argument)

        def open_output(body, argument):
            self.sinks.append(Kept())
            return self.sinks[-1]

        self.context.register_backend("mine", open_input=open_input, open_output=open_output)

    def test_by_uri(self) -> None:
        frames = [support.WEB] * 5
        source = self.context.open_input("mine:here", frames)
        self.assertEqual(self.opened, [("here", frames)])
        with self.context.tap(source, self.context.open_output("mine:"), source="web") as tap:
            tap.run()
            self.assertEqual(len(self.sinks[0].copies), 5)
        self.assertEqual((source.progress, source.drops), ((1, 2), 3))

    def test_several_at_a_time(self) -> None:
        first, second = (self.context.open_input("mine:", [b"x"] * n) for n in (1, 2))
        sizes = [sum(1 for _ in Steps(self.context, each)) for each in (second, first)]
        self.assertEqual(sizes, [2, 1])

    def test_capture(self) -> None:
        with libmirror.Capture("mine:", context=self.context, argument=[support.WEB]) as capture:
            self.assertEqual([packet.data for packet in capture], [support.WEB])

    def test_capture_keeps_directions(self) -> None:
        directions = [None, libmirror.INGRESS, libmirror.EGRESS]
        frames = [Packet(support.WEB, direction=each) for each in directions]
        with libmirror.Capture("mine:", context=self.context, argument=frames) as capture:
            self.assertEqual([packet.direction for packet in capture], directions)

    def test_capture_without_mac_addresses(self) -> None:
        class Raw(Listed):
            link_type = libmirror.LinkType.RAW

        self.context.register_backend("raw", open_input=lambda body, frames: Raw(frames))
        frames = [support.WEB[14:]]
        with libmirror.Capture("raw:", context=self.context, argument=frames) as capture:
            self.assertEqual(next(capture), Packet(frames[0], 0, 40, libmirror.LinkType.RAW))

    def test_listed(self) -> None:
        both = libmirror.Capability.INPUT | libmirror.Capability.OUTPUT
        self.assertEqual(self.context.backends["mine"], both)
        self.context.register_backend("in", open_input=lambda body, argument: Listed([]))
        self.assertEqual(self.context.backends["in"], libmirror.Capability.INPUT)
        self.assertRaises(libmirror.UnsupportedError, self.context.open_output, "in:")

    def test_refused_names(self) -> None:
        for name in ("mine", "Mine!", ""):
            with self.assertRaises(libmirror.MirrorError):
                self.context.register_backend(name, open_input=lambda body, argument: Listed([]))
        self.context.open_input("mine:", []).close()

    def test_exception_in_open(self) -> None:
        def fail(body, argument):
            raise PermissionError(body)

        self.context.register_backend("closed", open_input=fail, open_output=fail)
        self.assertRaisesRegex(PermissionError, "door", self.context.open_input, "closed:door")
        self.assertRaisesRegex(PermissionError, "door", self.context.open_output, "closed:door")

    def test_outlives_the_context_object(self) -> None:
        output = self.context.open_output("mine:")
        self.context.close()
        del self.context
        gc.collect()
        output.close()
        self.assertEqual(self.sinks[0].closed, 1)


class Rich(Listed):
    def __init__(self, frames) -> None:
        super().__init__(frames or [], 1)

    def progress(self):
        return 1, 2

    def drops(self):
        return 3


class Steps:
    """The batches of an input."""

    def __init__(self, context, source) -> None:
        self.tap = context.tap(source, context.memory_output(0, 0))

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self.tap.step()
        except libmirror.EndOfInput:
            raise StopIteration from None


if __name__ == "__main__":
    unittest.main()
