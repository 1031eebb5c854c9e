"""The steps that an order may take from one commit to the next: an independent table of DESIGN.md's section 5. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ....model.orders import ConflictCode, Order, OrderState
from ..trace import Violation
from .commits import Commit
from .touched import has_recorded, parcel_of

NEW, OPEN, PROCESSED = OrderState.NEW, OrderState.OPEN, OrderState.PROCESSED
CANCELLED, DELETED = OrderState.CANCELLED, OrderState.DELETED

BIRTHS = frozenset({NEW, PROCESSED, CANCELLED})
"""How an order may be saved: not reserved yet, or as it ended before it was first seen."""

SHOWN, HANDLED, PACKED, SETTLED, BY_HAND = "save_page", "replace", "record_parcel", "reserved", "by hand"
"""The verbs that change an order's state; *by hand*: ``replace`` without a fence, which is a person's."""

ENDS = frozenset({SHOWN, HANDLED, BY_HAND})

ARROWS: Mapping[tuple[OrderState, OrderState], frozenset[str]] = {
    (NEW, OPEN): frozenset({SETTLED}),
    (NEW, PROCESSED): ENDS | {PACKED},
    (OPEN, PROCESSED): ENDS | {PACKED},
    (NEW, CANCELLED): ENDS,
    (OPEN, CANCELLED): ENDS,
    (NEW, DELETED): frozenset({BY_HAND}),
    (OPEN, DELETED): frozenset({BY_HAND}),
    (CANCELLED, NEW): frozenset({SHOWN}),
    (CANCELLED, PROCESSED): frozenset({SHOWN}),
    (PROCESSED, OPEN): frozenset({BY_HAND}),
    (DELETED, NEW): frozenset({BY_HAND}),
    (DELETED, PROCESSED): frozenset({BY_HAND}),
    (DELETED, CANCELLED): frozenset({BY_HAND}),
}
"""Who may take an order from one state to another.

A tombstone is restored as its channel shows it by then, a cancelled order comes back as its channel does, and a
processed one is opened again by a person who follows what its channel shows.
"""

BLOCKED_BY = frozenset({ConflictCode.SHIPPED_ELSEWHERE, ConflictCode.VANISHED})
"""The conflicts in which goods may have left already."""

LIVE = frozenset({NEW, OPEN})


def born(order: Order, commit: Commit) -> None:
    """Check an order that was not stored before this commit."""
    if commit.verb != SHOWN:
        raise Violation("O4", f"{order.key} was saved by {commit.verb}, and no page showed it")
    if order.state not in BIRTHS:
        raise Violation("O4", f"{order.key} was saved as {order.state}")


def stepped(before: Order, after: Order, commit: Commit) -> None:
    """Check what one commit made of a stored order."""
    _revisions(before, after, commit)
    _state(before, after, commit)
    if has_recorded(commit):
        _packed(before, commit)


def _revisions(before: Order, after: Order, commit: Commit) -> None:
    key, verb = after.key, commit.verb
    if after.stock_revision < before.stock_revision:
        text = f"its stock revision fell {before.stock_revision} -> {after.stock_revision}"
        raise Violation("R06", f"{key}: {text}, {verb}")
    if after.revision < before.revision or (after.revision == before.revision and after != before):
        raise Violation("R08", f"{key}: {verb} changed it, and its revision went {before.revision} -> {after.revision}")
    if after.stock_revision == before.stock_revision and after.wanted != before.wanted:
        raise Violation("R07", f"{key}: {verb} changed what it wants under its stock revision {after.stock_revision}")
    if after.reserved_revision < before.reserved_revision or after.reserved_revision > after.stock_revision:
        text = f"its reserved revision went {before.reserved_revision} -> {after.reserved_revision}"
        raise Violation("R05", f"{key}: {text} of {after.stock_revision}, {verb}")
    if after.reserved_revision != before.reserved_revision and verb != SETTLED:
        raise Violation("R05", f"{key}: {verb} settled its stock revision, which is for {SETTLED} alone")


def _state(before: Order, after: Order, commit: Commit) -> None:
    if after.state is before.state:
        return
    how = BY_HAND if commit.verb == HANDLED and commit.fence is None else commit.verb
    if how not in ARROWS.get((before.state, after.state), frozenset()):
        raise Violation("O4", f"{after.key} went from {before.state} to {after.state} through {how}")


def _packed(before: Order, commit: Commit) -> None:
    """Check that a parcel was recorded of an order that might be processed (PROTOCOLS.md, 8)."""
    note = commit.argument(2, "note")
    if before.state not in LIVE:
        raise Violation("R08", f"{before.key} was {before.state}, and parcel {note.parcel_id!r} was taken out of it")
    if note.ready != "queued":
        _gone(before, commit)
        return
    stops = {
        "held": before.held is not None,
        "parked by its channel": before.parked is not None,
        "set aside": before.set_aside is not None,
        "sent by its channel": before.fulfilled_by_channel,
        "in conflict": before.conflict is not None and before.conflict.code in BLOCKED_BY,
    }
    for name, stands in stops.items():
        if stands:
            raise Violation("R08", f"{before.key} was {name}, and parcel {note.parcel_id!r} was taken out of it")


def _gone(before: Order, commit: Commit) -> None:
    """Check that what left by other hands is no more than the market shows as sent, unless it shows nothing at all."""
    parcel, conflict = parcel_of(commit), before.conflict
    if conflict is None or conflict.code is not ConflictCode.SHIPPED_ELSEWHERE:
        return
    sent = {line.line_id: line.shipped for line in conflict.lines}
    for line_id, pieces in parcel.lines.items():
        if pieces > sent.get(line_id, 0):
            text = f"{pieces} of line {line_id}, and {sent.get(line_id, 0)} are shown as sent"
            raise Violation("L4", f"{before.key}: parcel {parcel.id!r} takes {text}")
