"""What happened to one order, told by each of the places that remember it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import attrs

from ..model.dispatch import Note, NoteStatus, ParcelRecord
from ..model.fields import frozen_mapping
from ..model.orders import CHANNEL, Decision, Order, OrderChange
from ..model.pages import Watch
from ..model.runs import JournalEntry
from ..model.stock import Movement


class Source(StrEnum):
    """Where an event is remembered."""

    DECISION = "decision"
    ORDER = "order"
    PARCEL = "parcel"
    STOCK = "stock"
    NOTE = "note"
    JOURNAL = "journal"
    ERASURE = "erasure"


class When(StrEnum):
    """How well the time of an event is known: it is not always kept, but what lies before or behind it may be."""

    AT = "at"
    AT_OR_AFTER = "at or after"
    AT_OR_BEFORE = "at or before"


@attrs.frozen(kw_only=True)
class TimelineEvent:
    """One thing that happened to an order: when, what, who did it and why, as far as that is kept.

    ``when`` tells how ``at`` is meant. Nothing of it is a buyer's; ``why`` is what a person typed, or what a rule or
    the channel said.
    """

    at: datetime
    source: Source
    what: str
    when: When = When.AT
    who: str = ""
    why: str = ""
    details: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)


def of_channel(order: Order | None, decisions: Sequence[Decision]) -> Iterator[TimelineEvent]:
    """Tell when an order was placed and paid, as its channel shows it: as it is stored, or else was seen last."""
    last = decisions[-1] if decisions else None
    shown = last.seen if order is None and last is not None else order
    judged_at = None if last is None else last.placed_at
    placed_at = judged_at if shown is None else shown.placed_at
    source = Source.DECISION if order is None else Source.ORDER
    if placed_at is not None:
        yield TimelineEvent(at=placed_at, source=source, what="placed", who=CHANNEL)
    if shown is not None and shown.paid_at is not None:
        yield TimelineEvent(at=shown.paid_at, source=source, what="paid", who=CHANNEL)


def of_decisions(decisions: Sequence[Decision]) -> Iterator[TimelineEvent]:
    """Tell what was decided about an order, from when it was first seen."""
    for number, decision in enumerate(decisions):
        at, when = decision.decided_at, When.AT
        if at is None:
            at, when = decision.last_seen_at, When.AT_OR_BEFORE
        first = decision.first_seen_at
        if number == 0 and first is not None and first != at:
            yield TimelineEvent(at=first, source=Source.DECISION, what="first seen", who=CHANNEL)
        if at is not None:
            name = "first seen, decided" if number == 0 and first in (None, at) else "decided"
            yield TimelineEvent(
                at=at,
                when=when,
                source=Source.DECISION,
                what=f"{name}: {decision.code}",
                why=decision.sentence,
                details=_decided(decision),
            )


def of_watch(watch: Watch | None) -> Iterator[TimelineEvent]:
    """Tell since when an order is looked up again and again."""
    if watch is not None:
        details = {"next look": watch.look_at.isoformat()}
        yield TimelineEvent(at=watch.since, source=Source.DECISION, what="put on the watch list", details=details)


def of_order(order: Order | None, history: Sequence[OrderChange]) -> Iterator[TimelineEvent]:
    """Tell when an order was saved, and every change since."""
    if order is not None and order.saved_at is not None:
        yield TimelineEvent(at=order.saved_at, source=Source.ORDER, what="saved")
    for change in history:
        yield TimelineEvent(
            at=change.at,
            source=Source.ORDER,
            what=str(change.event),
            who=change.who,
            why=change.why,
            details={"revision": str(change.revision), **change.details},
        )


def of_parcel(parcel: ParcelRecord) -> TimelineEvent:
    """Tell that a parcel was recorded, and what it holds."""
    asked = parcel.asked
    label = {"carrier": asked.carrier, "service": asked.service, "tracking number": asked.tracking_number}
    lines = ", ".join(f"{quantity} of line {line}" for line, quantity in sorted(parcel.lines.items()))
    details = {"lines": lines, **{name: text for name, text in label.items() if text is not None}}
    return TimelineEvent(at=parcel.at, source=Source.PARCEL, what=f"parcel {parcel.id} recorded", details=details)


def of_stock(parcel: ParcelRecord, note: Note, movements: Sequence[Movement]) -> Iterator[TimelineEvent]:
    """Tell what a parcel took off the shelf; where the ledger does not say when, it was after the parcel's record."""
    told = {(one.sku, one.location): one for one in movements if one.id == parcel.deduction.id}
    for place, quantity in sorted(parcel.deduction.taken.items()):
        movement = told.get(place)
        if movement is None and note.status is NoteStatus.WAITING:
            continue
        at = None if movement is None else movement.at
        after = {} if movement is None else {"on hand after it": str(movement.on_hand_after)}
        yield TimelineEvent(
            at=at or parcel.at,
            when=When.AT if at is not None else When.AT_OR_AFTER,
            source=Source.STOCK,
            what=f"{-quantity:+d} {place[0]} at {place[1]}",
            details={"movement": parcel.deduction.id, **after},
        )


def of_note(note: Note, recorded_at: datetime) -> Iterator[TimelineEvent]:
    """Tell how far the channel was told of a parcel; of a note only its tries are kept with their time."""
    name, details = f"note of parcel {note.parcel_id}", {"tries": str(note.tries)}
    first, last = note.first_tried_at, note.claimed_at
    if first is not None and first != last:
        yield TimelineEvent(at=first, source=Source.NOTE, what=f"{name}: tries began")
    if last is not None:
        yield TimelineEvent(at=last, source=Source.NOTE, what=f"{name}: last tried", details=details)
    if note.status is not NoteStatus.CLAIMED:
        yield TimelineEvent(
            at=last or recorded_at,
            when=When.AT_OR_AFTER,
            source=Source.NOTE,
            what=f"{name}: {note.status}",
            why=note.message or "",
        )


def of_entry(entry: JournalEntry) -> TimelineEvent:
    """Tell what the automation log says of an order."""
    facts = {"code": entry.code, "run": entry.run_id, **entry.facts}
    return TimelineEvent(
        at=entry.at,
        source=Source.JOURNAL,
        what=entry.kind.value,
        who=entry.facts.get("by", ""),
        why=entry.message,
        details={name: text for name, text in facts.items() if text and name != "by"},
    )


def _decided(decision: Decision) -> Mapping[str, str]:
    facts = {
        "status": decision.status,
        "outcome": decision.outcome.value,
        "mapping version": decision.mapping_version,
        "run": decision.run_id,
        "page": str(decision.page) if decision.page else "a look at this one order",
    }
    return {name: text for name, text in facts.items() if text}
