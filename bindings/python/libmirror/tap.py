"""Taps: the way from an input to an output; and a mirror in one call."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, List, Optional, Union

from . import _callbacks, _calls
from ._library import lib, new, octets, types
from ._native import Handle, Native
from .constants import Code, Direction
from .endpoints import SLICE_NS, Input, Output
from .errors import MirrorError, from_report, new_report
from .packets import Frame, Packet, Packets, packet_from_c
from .stats import Stats, new_stats, stats_from_c
from .verdict import Verdict, verdict_from_c
from .worker import Worker

if TYPE_CHECKING:
    from .context import Context

OnPacket = Callable[[Packet, Verdict], Any]


def _packet_callback(on_packet: OnPacket) -> Any:
    def call(user: Any, packet: Any, verdict: Any) -> None:
        on_packet(packet_from_c(packet.contents), verdict_from_c(verdict.contents))

    return _callbacks.guarded("mirror_packet_fn", call, _callbacks.answering(None))


class Tap(Handle):
    """Mirrors packets and counts them. One thread at a time; `interrupt` and `stats`: any."""

    def __init__(
        self,
        context: "Context",
        input: Optional[Input],
        output: Output,
        *,
        source: Optional[str] = None,
        direction: Direction = Direction.INGRESS,
        on_packet: Optional[OnPacket] = None,
        fragment_entries: int = 0,
        batch: int = 64,
    ) -> None:
        self._alone = threading.Lock()
        self._output = output
        options = new("mirror_tap_options")
        options.direction, options.batch = direction, batch
        options.fragment_entries = fragment_entries
        if source is not None:
            options.source_id = octets(source)
        if on_packet is not None:
            options.on_packet = _packet_callback(on_packet)
        self._native = self._create(context, input, output, options)

    @staticmethod
    def _create(context: "Context", input: Optional[Input], output: Output, options: Any) -> Native:
        pointer = ctypes.POINTER(types.mirror_tap)()
        parents = [each._native for each in (context, output, input) if each is not None]
        with ExitStack() as used:
            owner, options.output, *origin = [used.enter_context(each) for each in parents]
            options.input = origin[0] if origin else None
            _calls.call(
                lib.mirror_tap_create, owner, ctypes.byref(options), ctypes.byref(pointer)
            )
            native = Native("tap", pointer, lib.mirror_tap_destroy, parents, [options])
        return native

    def run(self, *, at_once: bool = False) -> bool:
        """Mirrors until the input ends (returns True) or `interrupt` is called (False).

        `at_once`: in one call of the library, which Ctrl-C and exceptions of callbacks do not end.
        """
        with self._use():
            status, report = self._run_at_once() if at_once else self._run()
        if status not in (Code.OK, Code.END, Code.INTERRUPTED):
            raise from_report(report, status)
        return bool(status != Code.INTERRUPTED)

    def _run_at_once(self) -> Any:
        with self._native as tap:
            return _calls.attempt(lib.mirror_tap_run, tap)

    def _run(self) -> Any:
        try:
            status, report = self._steps()
        except BaseException:
            self._flush_quietly()
            raise
        if status == Code.END:
            self._output.flush()
        else:
            self._flush_quietly()
        return status, report

    def _steps(self) -> Any:
        while True:
            with self._native as tap:
                status, report = _calls.attempt(lib.mirror_tap_step, tap, SLICE_NS, None)
            if status not in (Code.OK, Code.AGAIN):
                return status, report

    def _flush_quietly(self) -> None:
        """At an end that has a reason already: only that one is raised."""
        try:
            self._output.flush()
        except Exception:
            _callbacks.logger.warning("the output was not flushed", exc_info=True)

    def step(self, timeout: Optional[float] = None) -> int:
        """Mirrors one batch; returns how many packets it had. Waits up to `timeout` seconds (None:
        without limit) for it. Raises EndOfInput and Interrupted."""
        packets = ctypes.c_uint32()
        wait = -1 if timeout is None else int(timeout * 1e9)
        with self._use(), self._native as tap:
            status, report = _calls.attempt(
                lib.mirror_tap_step, tap, wait, ctypes.byref(packets)
            )
        if status not in (Code.OK, Code.AGAIN):
            raise from_report(report, status)
        return packets.value

    def submit(self, packets: Union[Packets, Iterable[Frame], Frame]) -> List[Verdict]:
        """Mirrors packets of yours and returns what became of each."""
        prepared = Packets.of(packets)
        verdicts = (types.mirror_verdict * len(prepared))()
        with self._use(), self._native as tap:
            _calls.check(lib.mirror_tap_submit(tap, prepared.array, len(prepared), verdicts))
            return [verdict_from_c(each) for each in verdicts]

    def interrupt(self) -> None:
        """Makes a run or step that waits, now or next, end. Any thread."""
        with self._native as tap:
            lib.mirror_tap_interrupt(tap)

    def start(self, *, cpu: Optional[int] = None, name: Optional[str] = None) -> Worker:
        """Runs the tap in a thread of the library, on one CPU if asked. Python need not run for it,
        but for what it calls. Until the worker is stopped the tap is its own."""
        if not self._alone.acquire(blocking=False):
            raise RuntimeError("the tap is in use, by another thread or by the caller of this")
        try:
            return Worker(self._native, self._alone.release, cpu, name)
        except BaseException:
            self._alone.release()
            raise

    @property
    def output_error(self) -> Optional[MirrorError]:
        """Why the output refused the last copy that it refused; None: it never did."""
        report = new_report()
        with self._native as tap:
            status = lib.mirror_tap_output_status(tap, ctypes.byref(report))
        return from_report(report, status) if status else None

    @property
    def stats(self) -> Stats:
        """The counters of this tap alone."""
        stats = new_stats()
        with self._native as tap:
            _calls.check(lib.mirror_tap_stats(tap, ctypes.byref(stats)))
        return stats_from_c(stats)

    @contextmanager
    def _use(self) -> Iterator[None]:
        """For one thread that is not inside the tap already."""
        if not self._alone.acquire(blocking=False):
            raise RuntimeError("the tap is in use, by another thread or by the caller of this")
        try:
            yield
        finally:
            self._alone.release()


def run(
    configuration: "Union[str, os.PathLike[str]]",
    source: Optional[str],
    input: str,
    output: str,
    *,
    direction: Direction = Direction.AUTO,
) -> Stats:
    """A mirror in one call of the library, from one URI to another, as a configuration file says.

    `source` and `direction` are those of packets that carry none. Returns what was counted when the
    input has ended. Ctrl-C does not end it: the input of an interface wants a `Tap`.
    """
    stats = new_stats()
    _calls.call(
        lib.mirror_run, os.fsencode(configuration), None if source is None else octets(source),
        direction, octets(input), octets(output), ctypes.byref(stats),
    )
    return stats_from_c(stats)
