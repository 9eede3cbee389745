"""Counters (stats.h)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ._library import new
from .constants import Counter


@dataclass(frozen=True)
class Count:
    """Packets, and their captured octets (of the cut_ counters: octets cut away)."""

    packets: int = 0
    octets: int = 0


@dataclass(frozen=True)
class Stats:
    """Counters of a source, session, target, rule or tap.

    received = mirrored + rejected + unmatched + unparsable + own + blocked + dropped_...,
    and mirrored + segments = sent + failed_... when nothing is running.
    """

    received: Count = Count()
    mirrored: Count = Count()
    rejected: Count = Count()
    unmatched: Count = Count()
    unparsable: Count = Count()
    own: Count = Count()
    blocked: Count = Count()
    dropped_oversize: Count = Count()
    dropped_sampled: Count = Count()
    dropped_rate: Count = Count()
    cut_by_length: Count = Count()
    cut_by_mtu: Count = Count()
    sent: Count = Count()
    failed_again: Count = Count()  # the output's queue was full
    failed_no_buffer: Count = Count()
    failed_link_down: Count = Count()
    failed_no_route: Count = Count()
    failed_too_long: Count = Count()
    failed_other: Count = Count()
    segments: Count = Count()  # copies of super-frames beyond the first of each
    not_segmented: Count = Count()
    checksum_open: Count = Count()

    def __getitem__(self, counter: Counter) -> Count:
        count: Count = getattr(self, counter.name.lower())
        return count


def new_stats() -> Any:
    """An empty mirror_stats."""
    return new("mirror_stats")


def stats_from_c(stats: Any) -> Stats:
    """What a mirror_stats says."""
    received = Count(stats.received.packets, stats.received.octets)
    counted = {
        each.name: Count(stats.counters[i].packets, stats.counters[i].octets)
        for i, each in enumerate(fields(Stats)[1:])  # in the order of Counter: tested
    }
    return Stats(received=received, **counted)
