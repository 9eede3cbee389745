"""Inputs and outputs: where packets come from and copies go."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Iterable, List, NamedTuple, Optional, Tuple

from . import _calls
from ._buffers import PinnedWritable
from ._library import lib, new, octets, types
from ._native import Handle, Native
from .backend import InputSlots, OutputSlots, PacketInput, PacketOutput, callback_struct
from .constants import Code, Layer, LinkType
from .errors import from_report
from .packets import Frame, Packet, Packets, packet_from_c

if TYPE_CHECKING:
    from .context import Context


SLICE_NS = 100_000_000  # how long a call without limit waits in C: then Python sees signals


class _Endpoint(Handle):
    """What inputs and outputs have in common."""

    _what = ""

    def __init__(
        self, context: "Context", uri: str, argument: Any = None, pins: Iterable[Any] = ()
    ) -> None:
        """`argument` is what the backend's C interface asks for; see `Context.open_input`."""
        pointer = ctypes.POINTER(getattr(types, f"mirror_{self._what}"))()
        function = getattr(lib, f"mirror_{self._what}_open")
        with context._native as owner:
            _calls.call(function, owner, octets(uri), argument, ctypes.byref(pointer))
        release = getattr(lib, f"mirror_{self._what}_close")
        self._native = Native(self._what, pointer, release, [context._native], pins)
        self._uri = uri

    @property
    def uri(self) -> str:
        """As it was opened."""
        return self._uri

    def _ask(self, function: Any, *out: Any) -> bool:
        """Calls function(self, *out); False if the backend does not know."""
        with self._native as pointer:
            status = function(pointer, *(ctypes.byref(each) for each in out))
        if status == Code.UNSUPPORTED:
            return False
        _calls.check(status, self._uri)
        return True


class Input(_Endpoint):
    """Where packets come from. One thread at a time, except `interrupt`."""

    _what = "input"

    def receive(self, count: int = 64, timeout: Optional[float] = None) -> List[Packet]:
        """Reads up to `count` packets, without a tap; waits up to `timeout` seconds (None: without
        limit) for the first one, and returns none if there is none. Raises EndOfInput and
        Interrupted."""
        wait = SLICE_NS if timeout is None else int(timeout * 1e9)
        array = (types.mirror_packet * count)()
        while True:
            packets = self._receive(array, wait)
            if packets or timeout is not None:
                return packets

    def _receive(self, array: Any, wait: int) -> List[Packet]:
        received = ctypes.c_uint32()
        with self._native as pointer:
            status, report = _calls.attempt(
                lib.mirror_input_receive, pointer, array, len(array), wait, ctypes.byref(received)
            )
            if status not in (Code.OK, Code.AGAIN):
                raise from_report(report, status)
            try:
                return [packet_from_c(array[i]) for i in range(received.value)]
            finally:
                lib.mirror_input_release(pointer)

    def interrupt(self) -> None:
        """Makes a call that waits for packets, now or next, end. Any thread."""
        with self._native as pointer:
            lib.mirror_input_interrupt(pointer)

    def fileno(self) -> int:
        """A descriptor that polls readable when there are packets."""
        descriptor = ctypes.c_int32()
        with self._native as pointer:
            status = lib.mirror_input_descriptor(pointer, ctypes.byref(descriptor))
        _calls.check(status, self._uri)
        return descriptor.value

    @property
    def link_type(self) -> Optional[LinkType]:
        """Of the packets to come; None: unknown."""
        value = ctypes.c_uint32()
        return LinkType(value.value) if self._ask(lib.mirror_input_link_type, value) else None

    @property
    def progress(self) -> Optional[Tuple[int, int]]:
        """How far a finite input has come and how long it is, in octets; None: unknown."""
        done, total = ctypes.c_uint64(), ctypes.c_uint64()
        known = self._ask(lib.mirror_input_progress, done, total)
        return (done.value, total.value) if known else None

    @property
    def drops(self) -> Optional[int]:
        """Packets that the system dropped before they came here; None: unknown."""
        packets = ctypes.c_uint64()
        return packets.value if self._ask(lib.mirror_input_drops, packets) else None


class Output(_Endpoint):
    """Where copies go. One thread at a time."""

    _what = "output"

    def flush(self) -> None:
        """Pushes out what was gathered."""
        with self._native as pointer:
            _calls.call(lib.mirror_output_flush, pointer)


class PcapOutput(Output):
    """A capture file."""

    def __init__(self, context: "Context", path: str, thread: bool) -> None:
        argument = new("mirror_pcap_output")
        argument.thread = thread
        super().__init__(context, f"pcap:{path}", ctypes.byref(argument))


class MemoryInput(Input):
    """Packets in memory."""

    def __init__(self, context: "Context", frames: Iterable[Frame], link_type: int) -> None:
        packets = Packets.of(frames, link_type=link_type)
        argument = new("mirror_memory_input")
        argument.link_type, argument.count = link_type, len(packets)
        argument.packets = packets.array
        super().__init__(context, "memory:", ctypes.byref(argument), [packets])


class MemoryCopy(NamedTuple):
    """A copy in memory."""

    data: memoryview  # into the output's buffer
    source_port: int
    time_ns: int


class MemoryOutput(Output):
    """Copies in a buffer of `capacity` octets; `count` of them at most."""

    def __init__(self, context: "Context", capacity: int, count: int, layer: Layer) -> None:
        self._buffer = bytearray(capacity)
        self._places: Any = (types.mirror_memory_copy * count)()
        self._state = new("mirror_memory_output")
        pinned = PinnedWritable(self._buffer)
        self._state.layer, self._state.buffer = layer, pinned.address
        self._state.capacity, self._state.capacity_copies = capacity, count
        self._state.copies = self._places
        pins = [pinned, self._state, self._places]
        super().__init__(context, "memory:", ctypes.byref(self._state), pins)

    def __len__(self) -> int:
        return int(self._state.count)

    @property
    def copies(self) -> List[MemoryCopy]:
        """The copies up to now. They are views: `clear` lets others take their place."""
        view = memoryview(self._buffer).toreadonly()
        return [self._copy(view, place) for place in self._places[: len(self)]]

    @staticmethod
    def _copy(view: memoryview, place: Any) -> MemoryCopy:
        data = view[place.offset : place.offset + place.length]
        return MemoryCopy(data, place.source_port, place.time_ns)

    def clear(self) -> None:
        """Makes room for new copies."""
        self._state.used = self._state.count = 0


class CallbackInput(Input):
    """A `PacketInput` as input."""

    def __init__(self, context: "Context", source: PacketInput) -> None:
        slots = InputSlots(source)
        argument, pins = callback_struct("mirror_callback_input", slots)
        argument.link_type = source.link_type
        super().__init__(context, "callback:", ctypes.byref(argument), [*pins, source])
        self._native.and_then(source.close)


class CallbackOutput(Output):
    """A `PacketOutput` as output."""

    def __init__(self, context: "Context", sink: PacketOutput) -> None:
        argument, pins = callback_struct("mirror_callback_output", OutputSlots(sink))
        argument.layer = sink.layer
        super().__init__(context, "callback:", ctypes.byref(argument), [*pins, sink])
        self._native.and_then(sink.close)
