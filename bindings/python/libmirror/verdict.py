"""Verdicts and explanations."""

from __future__ import annotations

import ctypes
from typing import Any, List, NamedTuple, Optional, Union

from ._calls import check
from ._library import lib, new, optional_text, text, types
from ._native import Handle, Native
from .constants import Action, Code, Direction, DropReason, Field, StepOutcome, Unparsable
from .constants import VerdictFlag, VerdictKind


class Verdict(NamedTuple):
    """What becomes of a packet; None where nothing applies."""

    kind: VerdictKind
    reason: Union[DropReason, Unparsable, None]
    rule_priority: Optional[int]  # of the rule that decided
    vni: Optional[int]
    inner_length: int  # octets of inner frame in the copy, or in all copies of a super-frame
    flags: VerdictFlag
    direction: Optional[Direction]  # AUTO resolved
    output_status: Code  # from a tap: OK, or why the output refused the copy
    session_id: Optional[str]  # session and rule that decided
    rule_id: Optional[str]
    target_id: Optional[str]
    segments: int = 0  # copies: 1, or one for each segment of a super-frame
    refused: int = 0  # from a tap: how many of them the output refused

    @property
    def mirrored(self) -> bool:
        """Whether there is a copy."""
        return self.kind == VerdictKind.MIRRORED

    def __str__(self) -> str:
        words = [self.kind.text]
        if self.session_id is not None:
            words.append(f"by session {self.session_id} rule {self.rule_priority}")
        if self.reason is not None:
            words.append(f"({self.reason.text})")
        return " ".join(words)


def _reason(verdict: Any) -> Union[DropReason, Unparsable, None]:
    if verdict.verdict == VerdictKind.DROPPED:
        return DropReason(verdict.reason)
    return Unparsable(verdict.reason) if verdict.verdict == VerdictKind.UNPARSABLE else None


def verdict_from_c(verdict: Any) -> Verdict:
    """What a mirror_verdict says."""
    copied = verdict.verdict in (VerdictKind.MIRRORED, VerdictKind.DROPPED)
    return Verdict(
        VerdictKind(verdict.verdict),
        _reason(verdict),
        verdict.rule_priority or None,
        verdict.vni if copied else None,
        verdict.inner_length,
        VerdictFlag(verdict.flags),
        Direction(verdict.direction) if verdict.direction else None,
        Code(verdict.output_status),
        optional_text(verdict.session_id),
        optional_text(verdict.rule_id),
        optional_text(verdict.target_id),
        verdict.segments,
        verdict.refused,
    )


class Step(NamedTuple):
    """One step of the walk over sessions and rules."""

    outcome: StepOutcome
    field: Field  # that differs or is not there
    rule_priority: Optional[int]  # None: about a whole session or security group
    action: Optional[Action]
    session_priority: Optional[int]  # None: the security group
    session_id: Optional[str]
    filter_id: Optional[str]
    rule_id: Optional[str]


def _step_from_c(step: Any) -> Step:
    return Step(
        StepOutcome(step.outcome),
        Field(step.field),
        step.rule_priority or None,
        Action(step.action) if step.action else None,
        step.session_priority or None,
        optional_text(step.session_id),
        optional_text(step.filter_id),
        optional_text(step.rule_id),
    )


class Explanation(Handle):
    """Why a packet got its verdict; str() is the whole walk, one line a step."""

    def __init__(self, plan: Native, pointer: Any) -> None:
        release = lib.mirror_explanation_destroy
        self._native = Native("explanation", pointer, release, [plan])

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        verdict = types.mirror_verdict()
        with self._native as pointer:
            check(lib.mirror_explanation_verdict(pointer, ctypes.byref(verdict)))
            return verdict_from_c(verdict)

    @property
    def steps(self) -> List[Step]:
        """The walk, step by step."""
        with self._native as pointer:
            count = lib.mirror_explanation_steps(pointer)
            return [self._step(pointer, index) for index in range(count)]

    @staticmethod
    def _step(pointer: Any, index: int) -> Step:
        step = new("mirror_step")
        check(lib.mirror_explanation_step(pointer, index, ctypes.byref(step)))
        return _step_from_c(step)

    @property
    def text(self) -> str:
        """The walk as text."""
        with self._native as pointer:
            return text(lib.mirror_explanation_text(pointer))

    def __str__(self) -> str:
        return self.text.rstrip("\n")
