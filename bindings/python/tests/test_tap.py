"""Taps over the built-in backends: memory, pcap, packets of the caller's."""

import os
import tempfile
import threading
import unittest
from pathlib import Path

import libmirror
from libmirror import AUTO, INGRESS, Capture, Code, Layer, decapsulate

import support


class InOneCall(unittest.TestCase):
    def test_run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copies = Path(folder, "copies.pcap")
            files = [f"pcap:{support.CAPTURE}", f"pcap:{copies}"]
            stats = libmirror.run(support.CONFIGURATION, "eni-03", *files)
            self.assertEqual((stats.received.packets, stats.sent.packets), (56, 48))
            with Capture(str(copies)) as capture:
                self.assertEqual(sum(1 for _ in capture), 48)

    def test_refusals(self) -> None:
        with self.assertRaisesRegex(libmirror.ModelError, "eni-99"):
            libmirror.run(
                str(support.CONFIGURATION), "eni-99", f"pcap:{support.CAPTURE}", "pcap:/dev/null"
            )
        self.assertRaises(libmirror.CaptureError, libmirror.run, "none.json", None, "a:", "b:")


class Memory(support.ContextCase):
    def test_run(self) -> None:
        frames = [support.WEB, support.OTHER, support.REFUSED, b"short"]
        seen = []
        output = self.context.memory_output(layer=Layer.UDP)
        tap = self.context.tap(
            self.context.memory_input(frames), output, source="web",
            on_packet=lambda packet, verdict: seen.append((packet.data, verdict.kind.name)),
        )
        self.assertTrue(tap.run())
        kinds = ["MIRRORED", "UNMATCHED", "REJECTED", "UNPARSABLE"]
        self.assertEqual(seen, list(zip(frames, kinds)))
        copy = output.copies[0]
        inner = decapsulate(copy.data)
        self.assertEqual((inner.inner, inner.vni), (support.WEB, 7))
        self.assertEqual(copy.source_port, libmirror.source_port(support.WEB))
        self.assertTrue(copy.data.readonly)
        self.assertEqual(len(output), 1)

    def test_counters(self) -> None:
        frames = [support.WEB, support.WEB, support.OTHER]
        output = self.context.memory_output()
        tap = self.context.tap(self.context.memory_input(frames), output, source="web")
        self.assertTrue(tap.run(at_once=True))
        self.assertEqual(tap.stats.received.packets, 3)
        self.assertEqual(tap.stats.mirrored, libmirror.Count(2, 2 * len(support.WEB)))
        self.assertEqual(tap.stats[libmirror.Counter.SENT].packets, 2)
        self.assertEqual(self.context.source_stats("web", INGRESS), tap.stats)
        self.assertEqual(self.context.session_stats("web").mirrored.packets, 2)
        self.assertEqual(self.context.target_stats("web").sent.packets, 2)
        self.assertEqual(self.context.rule_stats("web", INGRESS, 2).mirrored.packets, 2)
        self.assertRaises(libmirror.NotFoundError, self.context.session_stats, "nowhere")

    def test_submit(self) -> None:
        output = self.context.memory_output()
        with self.context.tap(None, output, source="web") as tap:
            verdicts = tap.submit([support.WEB, support.OTHER])
            self.assertEqual([verdict.mirrored for verdict in verdicts], [True, False])
            self.assertIsNone(tap.output_error)
            self.assertRaises(libmirror.MirrorError, tap.step)

    def test_output_full(self) -> None:
        output = self.context.memory_output(capacity=200, count=9)
        with self.context.tap(None, output, source="web") as tap:
            verdicts = tap.submit([support.WEB] * 3)
            self.assertEqual(verdicts[2].output_status, Code.NO_BUFFER)
            self.assertEqual(tap.output_error.code, Code.NO_BUFFER)
            self.assertEqual(tap.stats.failed_no_buffer.packets, 2)
            output.clear()
            self.assertEqual(tap.submit(support.WEB)[0].output_status, Code.OK)

    def test_steps(self) -> None:
        source = self.context.memory_input([support.WEB] * 5)
        self.assertEqual(source.link_type, libmirror.LinkType.ETHERNET)
        self.assertEqual((source.progress, source.drops), (None, None))
        self.assertRaises(libmirror.UnsupportedError, source.fileno)
        self.assertEqual(source.uri, "memory:")
        with self.context.tap(source, self.context.memory_output(), source="web", batch=2) as tap:
            self.assertEqual([tap.step(), tap.step(0), tap.step(1.5)], [2, 2, 1])
            self.assertRaises(libmirror.EndOfInput, tap.step)

    def test_interrupt(self) -> None:
        source = self.context.memory_input([support.WEB])
        with self.context.tap(source, self.context.memory_output(), source="web") as tap:
            tap.interrupt()
            self.assertFalse(tap.run())
            source.interrupt()
            self.assertRaises(libmirror.Interrupted, tap.step)
            self.assertTrue(tap.run())

    def test_refused_options(self) -> None:
        output = self.context.memory_output()
        for wrong in ({"batch": 0}, {"source": "nowhere"}, {"fragment_entries": 2**31}):
            self.assertRaises(libmirror.MirrorError, self.context.tap, None, output, **wrong)
        output.close()
        with self.assertRaisesRegex(ValueError, "the output is closed"):
            self.context.tap(None, output)


class OnPacket(support.ContextCase):
    def tap(self, on_packet, frames=1) -> libmirror.Tap:
        source = self.context.memory_input([support.WEB] * frames)
        output = self.context.memory_output()
        return self.context.tap(source, output, source="web", on_packet=on_packet, batch=4)

    def test_exception_ends_the_run(self) -> None:
        seen = []

        def fail(packet: object, verdict: object) -> None:
            seen.append(packet)
            raise KeyError("from on_packet")

        tap = self.tap(fail, 100)
        self.assertRaisesRegex(KeyError, "from on_packet", tap.run)
        self.assertEqual(len(seen), 1)
        self.assertEqual(tap.stats.received.packets, 4)
        self.assertRaises(KeyError, tap.run, at_once=True)
        self.assertEqual(tap.stats.received.packets, 100)

    def test_not_entered_again(self) -> None:
        tap = self.tap(lambda packet, verdict: tap.step())
        self.assertRaisesRegex(RuntimeError, "in use", tap.run)

    def test_closed_in_its_own_callback(self) -> None:
        tap = self.tap(lambda packet, verdict: tap.close(), 9)
        self.assertRaisesRegex(ValueError, "the tap is closed", tap.run)

    def test_other_calls_in_a_callback(self) -> None:
        def look(packet: libmirror.Packet, verdict: object) -> None:
            with self.context.plan() as plan:
                found.append(plan.match(packet)[0].kind.name)
            with self.assertRaises(libmirror.NotFoundError):
                self.context.source_handle("nowhere")

        found = []
        self.assertTrue(self.tap(look, 3).run())
        self.assertEqual(found, ["MIRRORED"] * 3)


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.context = libmirror.Context()
        self.addCleanup(self.context.close)
        self.context.load(support.CONFIGURATION)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copies = os.path.join(folder.name, "copies.pcap")

    def test_a_thread_that_writes(self) -> None:
        sizes = []
        for thread in (False, True):
            with self.context.open_input(f"pcap:{support.CAPTURE}") as source:
                with self.context.pcap_output(self.copies, thread=thread) as output:
                    with self.context.tap(source, output, source="eni-03", direction=AUTO) as tap:
                        self.assertTrue(tap.run())
                    sizes.append(os.path.getsize(self.copies))
                    self.assertEqual(output.uri, f"pcap:{self.copies}")
        self.assertGreater(sizes[0], 24)
        self.assertEqual(sizes[0], sizes[1])

    def test_pcap_to_pcap(self) -> None:
        with self.context.open_input(f"pcap:{support.CAPTURE}") as source:
            done, total = source.progress
            self.assertLessEqual(done, total)
            with self.context.open_output(f"pcap:{self.copies}") as output:
                with self.context.tap(source, output, source="eni-03", direction=AUTO) as tap:
                    self.assertTrue(tap.run())
                    sent = tap.stats.sent.packets
                output.flush()
        with Capture(self.copies) as capture:
            self.assertEqual(capture.link_type, libmirror.LinkType.ETHERNET)
            copies = [decapsulate(packet.data, Layer.LINK) for packet in capture]
        self.assertEqual(len(copies), sent)
        self.assertEqual({copy.vni for copy in copies}, {1, 2})

    def test_closing_in_the_wrong_order(self) -> None:
        source = self.context.open_input(f"pcap:{support.CAPTURE}")
        output = self.context.open_output(f"pcap:{self.copies}")
        tap = self.context.tap(source, output, source="eni-03", direction=AUTO)
        self.context.close()
        output.close()
        source.close()
        with self.assertRaisesRegex(ValueError, "the output is closed"):
            output.flush()
        self.assertRaises(ValueError, tap.run)  # its output is closed
        tap.close()
        self.assertGreater(os.path.getsize(self.copies), 24)

    def test_missing_file(self) -> None:
        with self.assertRaises(libmirror.CaptureError) as caught:
            self.context.open_input("pcap:no/such/file")
        self.assertEqual(caught.exception.os_error, 2)
        with self.assertRaises(libmirror.CaptureError) as caught:
            self.context.open_input("nothing:here")
        self.assertEqual(caught.exception.code, Code.URI)


class Captures(unittest.TestCase):
    def test_iteration(self) -> None:
        with Capture(str(support.CAPTURE)) as capture:
            packets = list(capture)
            self.assertEqual(list(capture), [])
        self.assertEqual(len(packets), 56)
        self.assertEqual(packets[0].time_ns, 1735689600000000000)

    def test_direction_is_not_told(self) -> None:
        with Capture(str(support.CAPTURE)) as capture:
            self.assertEqual({packet.direction for packet in capture}, {None})

    def test_batches_of_an_input(self) -> None:
        with libmirror.Context() as context:
            packets = context.open_input(f"pcap:{support.CAPTURE}")
            sizes = [len(packets.receive(50)), len(packets.receive(50, timeout=0))]
            self.assertEqual(sizes, [50, 6])
            self.assertRaises(libmirror.EndOfInput, packets.receive)
            self.assertEqual(context.open_input(f"pcap:{support.CAPTURE}").receive(1)[0].length, 42)

    def test_only_the_first(self) -> None:
        capture = Capture(f"pcap:{support.CAPTURE}")
        self.assertEqual(next(capture).link_type, libmirror.LinkType.ETHERNET)
        capture.close()
        self.assertRaises(ValueError, lambda: [*capture, *capture])

    def test_damaged(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder, "cut.pcap")
            cut.write_bytes(support.CAPTURE.read_bytes()[:200])
            seen = []
            with Capture(str(cut)) as capture, self.assertRaises(libmirror.CaptureError) as caught:
                for packet in capture:
                    seen.append(packet)
        self.assertGreaterEqual(len(seen), 1)
        self.assertEqual(caught.exception.code, Code.DAMAGED)
        self.assertGreater(caught.exception.offset, 24)

    def test_interrupted_while_it_waits(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "pipe")
            os.mkfifo(pipe)
            writer = threading.Thread(target=self.write_header, args=(pipe,))
            writer.start()
            with Capture(pipe) as capture:
                threading.Timer(0.2, capture.interrupt).start()
                self.assertRaises(libmirror.Interrupted, next, capture)
            self.done.set()
            writer.join()

    def write_header(self, pipe: str) -> None:
        with open(pipe, "wb") as file:
            file.write(support.CAPTURE.read_bytes()[:24])
            file.flush()
            self.done.wait(10)

    def setUp(self) -> None:
        self.done = threading.Event()
