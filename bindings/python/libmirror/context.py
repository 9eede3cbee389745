"""Contexts: everything that belongs together."""

from __future__ import annotations

import ctypes
import logging
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

from . import _callbacks, _calls
from ._buffers import Pinned
from ._library import lib, new, octets, text, types
from ._native import Handle, Native
from .backend import OpenInput, OpenOutput, PacketInput, PacketOutput, Registered
from .constants import Capability, Code, Direction, Isa, Layer, LinkType, Severity
from .endpoints import (
    CallbackInput, CallbackOutput, Input, MemoryInput, MemoryOutput, Output, PcapOutput,
)
from .errors import MirrorError, from_report
from .model import Filter, Quotas, Rule, Session, Source, Target
from .packets import Frame
from .plan import Plan
from .stats import Stats, new_stats, stats_from_c
from .tap import OnPacket, Tap
from .transaction import Transaction, collect_errors

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LEVELS: Dict[int, int] = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.INFO: logging.INFO,
}
_END_OF_VISIT = 1  # what a visitor returns after an exception


def log_callback(logger: logging.Logger) -> Any:
    """A log function for the library that hands its lines to a logger."""

    def log(user: Any, severity: int, line: bytes) -> None:
        logger.log(_LEVELS.get(severity, logging.INFO), "%s", text(line))

    return _callbacks.locked("mirror_log_fn", log)


class Context(Handle):
    """A model of filters, sources, targets and sessions, and the plan made from it.

    `logger` gets what the library has to say ("libmirror" by default). `isa` and `list_memory` say
    how rule lists are compiled. Any thread may use a context.
    """

    def __init__(
        self,
        *,
        isa: Isa = Isa.AUTO,
        list_memory: Optional[int] = None,
        logger: logging.Logger = _callbacks.logger,
    ) -> None:
        options = new("mirror_context_options")
        options.isa, options.log = isa, log_callback(logger)
        if list_memory is not None:
            options.list_memory = list_memory
        pointer = ctypes.POINTER(types.mirror_context)()
        _calls.call(lib.mirror_context_create, ctypes.byref(options), ctypes.byref(pointer))
        self._registered = Registered()
        pins = [options, self._registered]
        self._native = Native("context", pointer, lib.mirror_context_destroy, pins=pins)

    @property
    def isa(self) -> Isa:
        """What rule lists are compiled for; never AUTO."""
        isa = ctypes.c_uint32()
        self._check(lib.mirror_context_isa, ctypes.byref(isa))
        return Isa(isa.value)

    # ---- the model ----

    def transaction(self) -> Transaction:
        """Opens a transaction; a context has one at most at a time."""
        return Transaction(self)

    def filters(self, filter_id: Optional[str] = None) -> List[Filter]:
        """All filters, or the one with that id; as they were committed."""
        return self._objects("filter", Filter, filter_id)

    def rules(self, filter_id: Optional[str] = None) -> List[Rule]:
        """The rules of a filter, by direction and priority; or of all filters."""
        return self._objects("rule", Rule, filter_id)

    def sources(self, source_id: Optional[str] = None) -> List[Source]:
        """All sources, or the one with that id."""
        return self._objects("source", Source, source_id)

    def targets(self, target_id: Optional[str] = None) -> List[Target]:
        """All targets, or the one with that id."""
        return self._objects("target", Target, target_id)

    def sessions(self, session_id: Optional[str] = None) -> List[Session]:
        """All sessions, or the one with that id."""
        return self._objects("session", Session, session_id)

    @property
    def vpc_connections(self) -> List[Tuple[str, str]]:
        """Pairs of VPCs that reach each other."""
        found = []

        def visit(user: Any, vpc_a: bytes, vpc_b: bytes) -> int:
            found.append((text(vpc_a), text(vpc_b)))
            return 0

        self._visit(lib.mirror_vpc_connections_visit, "mirror_vpc_visit_fn", visit)
        return found

    @property
    def quotas(self) -> Quotas:
        """The quotas; a transaction sets them."""
        quotas = new("mirror_quotas")
        self._call(lib.mirror_quotas_get, ctypes.byref(quotas))
        return Quotas.from_c(quotas)

    def source_handle(self, source_id: str) -> int:
        """The number by which packets name a source."""
        handle = ctypes.c_uint32()
        self._call(lib.mirror_source_handle, octets(source_id), ctypes.byref(handle))
        return handle.value

    def _objects(self, name: str, made: Any, object_id: Optional[str]) -> List[Any]:
        found: List[Any] = []

        def visit(user: Any, struct: Any) -> int:
            found.append(made.from_c(struct.contents))
            return 0

        function = getattr(lib, f"mirror_{name}s_visit")
        wanted = None if object_id is None else octets(object_id)
        self._visit(function, f"mirror_{name}_visit_fn", visit, wanted)
        return found

    def _visit(
        self, function: Any, kind: str, visit: Callable[..., int], *arguments: Any
    ) -> None:
        callback = _callbacks.locked(kind, visit, _END_OF_VISIT)
        what = " ".join(repr(text(each)) for each in arguments if each is not None)
        with self._native as pointer:
            status = function(pointer, *arguments, callback, None)
        _calls.check(status, what)

    # ---- configuration files ----

    def load(self, path: "Union[str, os.PathLike[str]]") -> None:
        """Replaces the whole model by what a JSON file says, or changes nothing: then the
        exception is about the first error and has all of them in `errors`."""
        self._replace(lib.mirror_configuration_load, os.fsencode(path))

    def parse(self, configuration: "Union[str, ReadableBuffer]", name: str = "<text>") -> None:
        """The same from a text; `name` stands for the file in messages."""
        data = configuration.encode() if isinstance(configuration, str) else configuration
        pinned = Pinned(data)
        address = ctypes.cast(pinned.address, ctypes.c_char_p)
        self._replace(lib.mirror_configuration_parse, address, pinned.length, octets(name))

    def format(self) -> str:
        """The model as JSON."""
        found, length = ctypes.c_void_p(), ctypes.c_uint64()
        with self._native as pointer:
            _calls.call(
                lib.mirror_configuration_format,
                pointer, ctypes.byref(found), ctypes.byref(length),
            )
            try:
                return ctypes.string_at(found.value or 0, length.value).decode()
            finally:
                lib.mirror_configuration_free(pointer, found)

    def save(self, path: "Union[str, os.PathLike[str]]") -> None:
        """Writes the model to a file: complete or not at all."""
        self._call(lib.mirror_configuration_save, os.fsencode(path))

    def _replace(self, function: Any, *arguments: Any) -> None:
        with self._native as pointer:
            status, report, errors = collect_errors(function, pointer, *arguments)
        if status:
            error: MirrorError = from_report(report, status)
            error.errors = errors or (error,)
            raise error

    # ---- packets ----

    def plan(self) -> Plan:
        """Takes hold of the plan published last."""
        return Plan(self)

    def open_input(self, uri: str, argument: Any = None) -> Input:
        """Opens an input such as "pcap:trace.pcap". `argument`: any object for a backend that was
        registered here, or what a backend in C asks for as a ctypes pointer."""
        return self._open(Input, uri, argument)  # type: ignore[no-any-return]

    def open_output(self, uri: str, argument: Any = None) -> Output:
        """Opens an output such as "pcap:copies.pcap"; as `open_input`."""
        return self._open(Output, uri, argument)  # type: ignore[no-any-return]

    def _open(self, made: Any, uri: str, argument: Any) -> Any:
        if argument is None or uri.split(":", 1)[0] not in self._registered.names:
            return made(self, uri, argument)
        number = self._registered.enter(argument)
        try:
            return made(self, uri, ctypes.byref(number))
        finally:
            self._registered.leave(number)

    def pcap_output(self, path: str, *, thread: bool = False) -> PcapOutput:
        """A capture file ("-": standard output). `thread`: a thread of its own writes."""
        return PcapOutput(self, path, thread)

    def memory_input(
        self, frames: Iterable[Frame], link_type: LinkType = LinkType.ETHERNET
    ) -> MemoryInput:
        """An input of packets in memory."""
        return MemoryInput(self, frames, link_type)

    def memory_output(
        self, capacity: int = 1 << 20, count: int = 1 << 12, layer: Layer = Layer.LINK
    ) -> MemoryOutput:
        """An output into a buffer of `capacity` octets, for `count` copies at most."""
        return MemoryOutput(self, capacity, count, layer)

    def callback_input(self, source: PacketInput) -> CallbackInput:
        """An input of your own."""
        return CallbackInput(self, source)

    def callback_output(self, sink: PacketOutput) -> CallbackOutput:
        """An output of your own."""
        return CallbackOutput(self, sink)

    def tap(
        self,
        input: Optional[Input],
        output: Output,
        *,
        source: Optional[str] = None,
        direction: Direction = Direction.INGRESS,
        on_packet: Optional[OnPacket] = None,
        fragment_entries: int = 0,
        batch: int = 64,
    ) -> Tap:
        """A tap from `input` (None: packets come by `Tap.submit`) to `output`.

        `source` and `direction` are those of packets that carry none. `on_packet` gets each packet
        with its verdict. `fragment_entries`: datagrams whose fragments are tracked.
        """
        return Tap(
            self, input, output, source=source, direction=direction, on_packet=on_packet,
            fragment_entries=fragment_entries, batch=batch,
        )

    def register_backend(
        self,
        name: str,
        *,
        open_input: Optional[OpenInput] = None,
        open_output: Optional[OpenOutput] = None,
    ) -> None:
        """Makes "name:body" a URI of this context. The functions get body and argument, and return
        a `PacketInput` or `PacketOutput`."""
        table = self._registered.table(name, open_input, open_output)
        self._call(lib.mirror_backend_register, ctypes.byref(table))
        self._registered.names.add(name)

    @property
    def backends(self) -> Dict[str, Capability]:
        """Names of all backends and what they can do."""
        found = {}

        def visit(user: Any, name: bytes, capabilities: int) -> int:
            found[text(name)] = Capability(capabilities)
            return 0

        self._visit(lib.mirror_backends_visit, "mirror_backend_visit_fn", visit)
        return found

    # ---- counters ----

    def source_stats(self, source_id: str, direction: Direction) -> Stats:
        """The counters of a source, over all taps."""
        return self._stats(lib.mirror_source_stats, octets(source_id), direction)

    def session_stats(self, session_id: str) -> Stats:
        """The counters of a session."""
        return self._stats(lib.mirror_session_stats, octets(session_id))

    def target_stats(self, target_id: str) -> Stats:
        """The counters of a target."""
        return self._stats(lib.mirror_target_stats, octets(target_id))

    def rule_stats(self, filter_id: str, direction: Direction, priority: int) -> Stats:
        """The counters of a rule."""
        return self._stats(lib.mirror_rule_stats, octets(filter_id), direction, priority)

    def _stats(self, function: Any, *arguments: Any) -> Stats:
        stats = new_stats()
        self._check(function, *arguments, ctypes.byref(stats))
        return stats_from_c(stats)

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._native as pointer:
            _calls.call(function, pointer, *arguments)

    def _check(self, function: Any, *arguments: Any) -> None:
        what = " ".join(text(each) for each in arguments if isinstance(each, bytes))
        with self._native as pointer:
            status = function(pointer, *arguments)
        _calls.check(status, what)


def isa_available(isa: Isa) -> bool:
    """Whether lists can be compiled for `isa` on this machine."""
    status = lib.mirror_isa_check(isa)
    if status != Code.UNSUPPORTED:
        _calls.check(status)
    return not status


def force_isa(isa: Isa) -> None:
    """What contexts created from now on in this process compile for."""
    _calls.check(lib.mirror_isa_force(isa), Isa(isa).name)
