"""Transactions: changes of the model, all or nothing."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Iterable, Optional, Tuple, Type

from . import _callbacks, _calls
from ._library import lib, octets, types
from ._native import Handle, Native
from .constants import Direction
from .errors import MirrorError, from_report
from .model import Filter, Model, Quotas, Rule, Session, Source, Target

if TYPE_CHECKING:
    from .context import Context


def collect_errors(function: Any, *arguments: Any) -> Tuple[int, Any, Tuple[MirrorError, ...]]:
    """Calls a function that reports several errors: (status, report, errors)."""
    found = []

    def on_error(user: Any, report: Any) -> None:
        found.append(from_report(report.contents))

    callback = _callbacks.locked("mirror_error_fn", on_error)
    status, report = _calls.attempt(function, *arguments, callback, None)
    return status, report, tuple(found)


class Transaction(Handle):
    """Staged changes. `with context.transaction() as change:` commits at the end of the block, or
    drops everything when the block raises an exception.

    Each call checks the fields it is given; what concerns several objects is checked by the
    commit, so the order of calls is free. One thread at a time.
    """

    def __init__(self, context: "Context") -> None:
        pointer = ctypes.POINTER(types.mirror_transaction)()
        with context._native as owner:
            _calls.call(lib.mirror_transaction_begin, owner, ctypes.byref(pointer))
        release = lib.mirror_transaction_destroy
        self._native = Native("transaction", pointer, release, [context._native])

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any
    ) -> None:
        try:
            if kind is None and not self.closed:
                self.commit()
        finally:
            self.close()

    def commit(self) -> None:
        """Publishes all changes or, with an exception, none; the transaction is empty then."""
        self._call(lib.mirror_transaction_commit)

    def check(self) -> Tuple[MirrorError, ...]:
        """All errors that a commit would meet; nothing is changed."""
        with self._native as pointer:
            status, report, errors = collect_errors(lib.mirror_transaction_check, pointer)
        return errors if errors or not status else (from_report(report, status),)

    def clear(self) -> None:
        """Stages the removal of everything."""
        self._call(lib.mirror_transaction_clear)

    def add_filter(self, new: Filter, rules: Iterable[Rule] = ()) -> None:
        """Stages a new filter and its rules."""
        self._give(lib.mirror_filter_add, new)
        for rule in rules:
            self.add_rule(new.id, rule)

    def update_filter(self, changed: Filter) -> None:
        """Stages new fields of a filter; its rules stay."""
        self._give(lib.mirror_filter_update, changed)

    def remove_filter(self, filter_id: str) -> None:
        """Stages the removal of a filter with its rules."""
        self._call(lib.mirror_filter_remove, octets(filter_id))

    def add_rule(self, filter_id: str, new: Rule) -> None:
        """Stages a new rule of a filter."""
        self._call(lib.mirror_rule_add, octets(filter_id), ctypes.byref(new.to_c()))

    def update_rule(self, filter_id: str, priority: int, changed: Rule) -> None:
        """Stages a rule in the place of the one with this direction and `priority`."""
        rule = ctypes.byref(changed.to_c())
        self._call(lib.mirror_rule_update, octets(filter_id), priority, rule)

    def remove_rule(self, filter_id: str, direction: Direction, priority: int) -> None:
        """Stages the removal of a rule."""
        self._call(lib.mirror_rule_remove, octets(filter_id), direction, priority)

    def add_source(self, new: Source) -> None:
        """Stages a new source."""
        self._give(lib.mirror_source_add, new)

    def update_source(self, changed: Source) -> None:
        """Stages new fields of a source."""
        self._give(lib.mirror_source_update, changed)

    def remove_source(self, source_id: str) -> None:
        """Stages the removal of a source."""
        self._call(lib.mirror_source_remove, octets(source_id))

    def add_target(self, new: Target) -> None:
        """Stages a new target."""
        self._give(lib.mirror_target_add, new)

    def update_target(self, changed: Target) -> None:
        """Stages new fields of a target."""
        self._give(lib.mirror_target_update, changed)

    def remove_target(self, target_id: str) -> None:
        """Stages the removal of a target."""
        self._call(lib.mirror_target_remove, octets(target_id))

    def add_session(self, new: Session) -> None:
        """Stages a new session."""
        self._give(lib.mirror_session_add, new)

    def update_session(self, changed: Session) -> None:
        """Stages new fields of a session."""
        self._give(lib.mirror_session_update, changed)

    def remove_session(self, session_id: str) -> None:
        """Stages the removal of a session."""
        self._call(lib.mirror_session_remove, octets(session_id))

    def connect_vpcs(self, vpc_a: str, vpc_b: str) -> None:
        """Declares that two VPCs reach each other."""
        self._call(lib.mirror_vpc_connect, octets(vpc_a), octets(vpc_b))

    def disconnect_vpcs(self, vpc_a: str, vpc_b: str) -> None:
        """Takes that back."""
        self._call(lib.mirror_vpc_disconnect, octets(vpc_a), octets(vpc_b))

    def set_quotas(self, quotas: Quotas) -> None:
        """Stages all quotas."""
        self._give(lib.mirror_quotas_set, quotas)

    def _give(self, function: Any, given: Model) -> None:
        self._call(function, ctypes.byref(given.to_c()))

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._native as pointer:
            _calls.call(function, pointer, *arguments)
