"""Inputs and outputs written in Python.

Derive from `PacketInput` or `PacketOutput`. An exception in a method ends the call that led to it,
such as `Tap.run`, and is raised there.
"""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple
from typing import Set, Union

from . import _callbacks
from ._declare import structs
from ._library import new, octets, text, types
from .constants import BACKEND_ABI, Capability, Code, GsoType, Layer, LinkType
from .errors import write_report
from .packets import Frame, IPAddress, Packets, address_from_c


class Copy(NamedTuple):
    """A copy on its way out."""

    data: bytes  # headers from the output's layer down, and the inner frame
    time_ns: int  # of the packet
    vni: int
    source: IPAddress  # of the outer packet
    destination: IPAddress
    source_port: int
    udp_port: int
    # Layer.INNER: what is left undone, as in Frame; `checksum` offsets count from data on
    gso_type: GsoType = GsoType.NONE
    gso_size: int = 0
    checksum: Optional[Tuple[int, int]] = None  # start and offset, if it is unfinished
    segments: int = 1


def _copy_from_c(copy: Any) -> Copy:
    outer = copy.outer.contents
    head = ctypes.string_at(copy.head, copy.head_length)
    body = ctypes.string_at(copy.body, copy.body_length) if copy.body_length else b""
    return Copy(
        head + body,
        copy.time_ns,
        outer.vni,
        address_from_c(outer.source, outer.family),
        address_from_c(outer.destination, outer.family),
        copy.source_port,
        outer.udp_port,
        GsoType(copy.gso_type),
        copy.gso_size,
        (copy.checksum_start, copy.checksum_offset) if copy.flags else None,
        copy.segments,
    )


class PacketInput:
    """An input of your own."""

    link_type: int = LinkType.ETHERNET

    def receive(self, capacity: int, timeout: Optional[float]) -> Iterable[Frame]:
        """At most `capacity` packets. Waits up to `timeout` seconds (None: without limit) for the
        first one; none means that there was nothing. Raise EOFError at the end."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Ends a `receive` that waits. Any thread, but no signal handler in C. (Without it a run
        ends too, when `receive` returns.)"""

    def fileno(self) -> Optional[int]:
        """A descriptor that polls readable when there are packets; None: there is none."""
        return None

    def progress(self) -> Optional[Tuple[int, int]]:
        """(done, total) in octets; None: unknown."""
        return None

    def drops(self) -> Optional[int]:
        """Packets lost before `receive`; None: unknown."""
        return None

    def close(self) -> None:
        """Ends it."""


class PacketOutput:
    """An output of your own."""

    layer: Layer = Layer.LINK

    def send(self, copies: Sequence[Copy]) -> Union[int, Tuple[int, Code], None]:
        """Takes copies, without waiting. Returns None: all were taken; n: the first n, the queue
        is full; or (n, code): copy n is refused for that reason, and those behind it come again."""
        raise NotImplementedError

    def flush(self) -> None:
        """Pushes out what was gathered."""

    def close(self) -> None:
        """Ends it."""


class InputSlots:
    """The functions of an input as the library calls them."""

    def __init__(self, source: PacketInput) -> None:
        self._source = source
        self._held: Any = None  # the packets that the library looks at
        self._interrupted = False

    def receive(
        self, packets: Any, capacity: int, timeout_ns: int, count: Any, report: Any
    ) -> int:
        count[0] = 0
        if self._interrupted:
            self._interrupted = False
            return Code.INTERRUPTED
        timeout = None if timeout_ns < 0 else timeout_ns / 1e9
        try:
            received = self._source.receive(capacity, timeout)
        except EOFError:
            return Code.END
        held = Packets(received, link_type=self._source.link_type)
        if len(held) > capacity:
            raise ValueError(f"receive returned {len(held)} packets, room was for {capacity}")
        self._held = held
        if not held:
            return Code.AGAIN
        ctypes.memmove(packets, held.array, ctypes.sizeof(held.array))
        count[0] = len(held)
        return Code.OK

    def release(self) -> None:
        self._held = None

    def interrupt(self) -> None:
        self._interrupted = True
        self._source.interrupt()

    def descriptor(self, fd: Any) -> int:
        return _answer(self._source.fileno(), fd)

    def link_type(self, link_type: Any) -> int:
        return _answer(self._source.link_type, link_type)

    def progress(self, done: Any, total: Any) -> int:
        known = self._source.progress()
        if known is None:
            return Code.UNSUPPORTED
        done[0], total[0] = known
        return Code.OK

    def drops(self, packets: Any) -> int:
        return _answer(self._source.drops(), packets)

    def close(self) -> None:
        self._held = None
        self._source.close()


def _answer(value: Optional[int], out: Any) -> int:
    if value is None:
        return Code.UNSUPPORTED
    out[0] = value
    return Code.OK


class OutputSlots:
    """The functions of an output as the library calls them."""

    def __init__(self, sink: PacketOutput) -> None:
        self._sink = sink

    def layer(self) -> int:
        return int(self._sink.layer)

    def send(self, copies: Any, count: int, accepted: Any, report: Any) -> int:
        accepted[0] = 0
        answer = self._sink.send([_copy_from_c(copies[i]) for i in range(count)])
        taken, code = answer if isinstance(answer, tuple) else (answer, Code.AGAIN)
        accepted[0] = count if taken is None else taken
        return Code.OK if accepted[0] == count else code

    def flush(self, report: Any) -> int:
        self._sink.flush()
        return Code.OK

    def interrupt(self) -> None:
        """Outputs have nothing that waits."""

    def close(self) -> None:
        self._sink.close()


Slots = Union[InputSlots, OutputSlots]


def _report(error: BaseException, arguments: Tuple[Any, ...]) -> int:
    """Says in the report, the last argument, what was raised."""
    return write_report(arguments[-1], error)


_with_report = ("slot_receive", "slot_send", "slot_flush")
_answers = {"slot_action": None, "slot_layer": 0}  # of the other kinds, after an exception


def slot(field: str, kind: str, find: Callable[[Any], Slots]) -> Any:
    """The callback for a slot: calls the method of that name of find(state)."""

    def method(state: Any, *arguments: Any) -> Any:
        return getattr(find(state), field)(*arguments)

    if kind in _with_report:
        return _callbacks.guarded(kind, method, _report)
    answer = _callbacks.answering(_answers.get(kind, Code.BACKEND))
    return _callbacks.guarded(kind, method, answer, always=kind == "slot_action")


def callback_struct(name: str, slots: Slots) -> Tuple[Any, List[Any]]:
    """The argument of a "callback:" input or output, and what must live as long as that."""
    struct = new(name)
    pins = []
    for field, kind in _slot_fields(name):
        callback = slot(field, kind, lambda state: slots)
        setattr(struct, field, callback)
        pins.append(callback)
    return struct, pins


def _slot_fields(name: str) -> List[Tuple[str, str]]:
    """Fields of a struct that are slots, with the names of their types."""
    struct = next(each for each in structs() if each.name == name)
    return [(each.name, each.base) for each in struct.fields if each.base.startswith("slot_")]


OpenInput = Callable[[str, Any], PacketInput]
OpenOutput = Callable[[str, Any], PacketOutput]


class Registered:
    """Backends in Python of one context: what the numbers in the library's hands stand for."""

    def __init__(self) -> None:
        self.names: Set[str] = set()
        self._pins: List[Any] = []  # callbacks
        self._numbers = itertools.count(1)
        self._things: Dict[int, Any] = {}  # arguments of open calls, and slots of instances

    def enter(self, thing: Any) -> Any:
        """A c_uint64 that stands for a thing."""
        number = next(self._numbers)
        self._things[number] = thing
        return ctypes.c_uint64(number)

    def leave(self, number: Any) -> None:
        """Forgets the thing."""
        self._things.pop(number.value, None)

    def find(self, state: int) -> Any:
        """What the number at an address stands for."""
        return self._things[ctypes.c_uint64.from_address(state).value]

    def table(
        self, name: str, open_input: Optional[OpenInput], open_output: Optional[OpenOutput]
    ) -> Any:
        """The mirror_backend for a name."""
        table = types.mirror_backend(size=ctypes.sizeof(types.mirror_backend), abi=BACKEND_ABI)
        table.name, table.state_size = octets(name), ctypes.sizeof(ctypes.c_uint64)
        callbacks = self._slots(open_input, open_output)
        for field, callback in callbacks.items():
            setattr(table, field, callback)
        if open_input:
            table.capabilities |= Capability.INPUT
        if open_output:
            table.capabilities |= Capability.OUTPUT
        self._pins.append(callbacks)
        return table

    def _slots(self, open_input: Any, open_output: Any) -> Dict[str, Any]:
        found = {
            field: slot(field, kind, self.find)
            for field, kind in _slot_fields("mirror_backend")
            if field != "send_each"  # send says it all: an output in Python keeps the order
        }
        found["open_input"] = self._open_slot(open_input, InputSlots)
        found["open_output"] = self._open_slot(open_output, OutputSlots)
        nothing = _callbacks.answering(None)
        found["close"] = _callbacks.guarded("slot_action", self._close, nothing, always=True)
        return found

    def _open_slot(self, factory: Any, slots: Any) -> Any:
        def open_it(state: int, how: Any, report: Any) -> int:
            argument = how.contents.argument
            given = self.find(argument) if argument else None
            made = slots(factory(text(how.contents.body), given))
            ctypes.c_uint64.from_address(state).value = self.enter(made).value
            return Code.OK

        return _callbacks.guarded("slot_open", open_it, _report)

    def _close(self, state: int) -> None:
        slots = self.find(state)
        self.leave(ctypes.c_uint64.from_address(state))
        slots.close()
