"""Plans: what a commit published, for judging packets without counting or sending."""

from __future__ import annotations

import ctypes
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional, Tuple, Union

from . import _calls
from ._buffers import PinnedWritable
from ._library import lib, new, types
from ._native import Handle, Native
from .capture import Capture
from .constants import Direction, Isa, Structure
from .packets import Frame, Keys, Packets, batches
from .verdict import Explanation, Verdict, verdict_from_c

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from .context import Context

_BATCH = 256


@dataclass(frozen=True)
class PlanInfo:
    """What a plan consists of."""

    sources: int
    compiled_lists: int  # distinct ones in the context
    compilations: int  # since the context was created
    rules: int
    memory: int  # octets


@dataclass(frozen=True)
class ListInfo:
    """The compiled rule list of one source and direction."""

    isa: Isa
    structure_ipv4: Structure
    structure_ipv6: Structure
    rules_ipv4: int
    rules_ipv6: int
    shadowed: int  # rules that an earlier one hides wholly, left out
    slower: bool  # a faster structure did not fit into list_memory
    memory: int  # octets
    build_ns: int


class Plan(Handle):
    """All rule lists of a context as they were committed; any number of threads may use it.

    Wherever a source is asked for, give its id or its handle (`Context.source_handle`), which
    saves the look-up.
    """

    def __init__(self, context: "Context") -> None:
        pointer = ctypes.POINTER(types.mirror_plan)()
        with context._native as owner:
            _calls.check(lib.mirror_plan_acquire(owner, ctypes.byref(pointer)))
        self._context = context
        self._native = Native("plan", pointer, lib.mirror_plan_release, [context._native])

    @property
    def generation(self) -> int:
        """Which commit published it; each commit has a higher number."""
        with self._native as pointer:
            return int(lib.mirror_plan_generation(pointer))

    @property
    def info(self) -> PlanInfo:
        """What it consists of."""
        info = new("mirror_plan_info")
        with self._native as pointer:
            _calls.check(lib.mirror_plan_info_get(pointer, ctypes.byref(info)))
        return PlanInfo(
            info.sources, info.compiled_lists, info.compilations, info.rules, info.memory
        )

    def list_info(self, source: Union[str, int], direction: Direction) -> ListInfo:
        """What the rules that packets of a source meet were compiled into."""
        info = new("mirror_list_info")
        with self._native as pointer:
            status = lib.mirror_plan_list_info(
                pointer, self._handle(source), direction, ctypes.byref(info)
            )
        _calls.check(status, f"source {source!r}")
        return ListInfo(
            Isa(info.isa),
            Structure(info.structure_ipv4),
            Structure(info.structure_ipv6),
            info.rules_ipv4,
            info.rules_ipv6,
            info.shadowed,
            bool(info.slower),
            info.memory,
            info.build_ns,
        )

    def match(
        self,
        packets: Union[Packets, Iterable[Frame], Frame],
        source: Union[str, int] = 0,
        direction: Optional[Direction] = None,
    ) -> List[Verdict]:
        """One verdict for each packet. `source` and `direction`: of packets that name none."""
        prepared = self._prepare(packets, source, direction)
        verdicts = (types.mirror_verdict * len(prepared))()
        with self._native as pointer:
            status = lib.mirror_plan_match(pointer, prepared.array, len(prepared), verdicts)
            _calls.check(status, "packets")
            return [verdict_from_c(each) for each in verdicts]

    def judge(
        self,
        packets: Iterable[Frame],
        source: Union[str, int] = 0,
        direction: Optional[Direction] = None,
    ) -> Iterator[Tuple[Any, Verdict]]:
        """Each packet of a stream with its verdict: of a `Capture` as soon as it has come, other
        streams are read 256 packets ahead."""
        handle = self._handle(source)
        ready: Iterator[List[Any]] = (
            packets.batches() if isinstance(packets, Capture) else batches(packets, _BATCH)
        )
        for batch in ready:
            yield from zip(batch, self.match(batch, handle, direction))

    def explain(
        self,
        packet: Frame,
        source: Union[str, int] = 0,
        direction: Optional[Direction] = None,
    ) -> Explanation:
        """Judges one packet and records why."""
        prepared = self._prepare([packet], source, direction)
        pointer = ctypes.POINTER(types.mirror_explanation)()
        with self._native as plan:
            _calls.call(lib.mirror_plan_explain, plan, prepared.array, ctypes.byref(pointer))
            return Explanation(self._native, pointer)

    def match_keys(
        self,
        source: Union[str, int],
        direction: Direction,
        keys: Keys,
        out: "Optional[WriteableBuffer]" = None,
    ) -> Any:
        """Classifies prepared keys: the index of the first rule that matches each, or NO_RULE.

        Returns `out`, or a new array("I"). `rule_verdict` tells what an index stands for.
        """
        function = lib.mirror_plan_match_keys4 if keys.family == 4 else lib.mirror_plan_match_keys6
        return self._indices(function, source, direction, keys.address, len(keys), out)

    def match_packets(
        self,
        source: Union[str, int],
        direction: Direction,
        packets: Union[Packets, Iterable[Frame]],
        out: "Optional[WriteableBuffer]" = None,
    ) -> Any:
        """The same for packets, all of one source and direction."""
        prepared = Packets.of(packets)
        function = lib.mirror_plan_match_packets
        return self._indices(function, source, direction, prepared.array, len(prepared), out)

    def rule_verdict(self, source: Union[str, int], direction: Direction, index: int) -> Verdict:
        """What an index of `match_keys` or `match_packets` stands for."""
        verdict = types.mirror_verdict()
        with self._native as pointer:
            status = lib.mirror_plan_rule_verdict(
                pointer, self._handle(source), direction, index, ctypes.byref(verdict)
            )
            _calls.check(status, f"rule {index} of source {source!r}")
            return verdict_from_c(verdict)

    def _indices(
        self,
        function: Any,
        source: Union[str, int],
        direction: Direction,
        what: Any,
        count: int,
        out: "Optional[WriteableBuffer]",
    ) -> Any:
        result: Any = array("I", bytes(4 * count)) if out is None else out
        pinned = PinnedWritable(result)
        if pinned.length < 4 * count:
            raise ValueError(f"out has {pinned.length} octets, expected {4 * count}")
        first = ctypes.cast(pinned.address, ctypes.POINTER(ctypes.c_uint32))
        with self._native as pointer:
            status = function(pointer, self._handle(source), direction, what, count, first)
        _calls.check(status, f"source {source!r}")
        return result

    def _prepare(self, packets: Any, source: Any, direction: Optional[Direction]) -> Packets:
        if isinstance(packets, Packets):
            return packets
        return Packets.of(packets, source=self._handle(source), direction=direction)

    def _handle(self, source: Union[str, int]) -> int:
        return self._context.source_handle(source) if isinstance(source, str) else source
