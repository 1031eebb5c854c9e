"""What can differ between an order here and on its channel: one code for each, and who mends it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import attrs

from ..admission import DELETED_HERE, canonical
from ..conflicts import by_settings
from ..history import PERSONAL, entry_of
from ..lifecycle import OrderEvent
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, UnreadableOrder
from ..model.dispatch import Note, NoteStatus
from ..model.fields import frozen_mapping
from ..model.ids import OrderKey
from ..model.orders import LIVE, Order, OrderState, Outcome
from ..model.settings import ChannelSettings
from ..sync.edits import Shown, follow
from ..sync.sightings import NO_LINKS, Sighting

NOT_DOWNLOADED = "NOT_DOWNLOADED"
REFUSED = "REFUSED"
QUARANTINED = "QUARANTINED"
PROCESSED_HERE = "PROCESSED_HERE"
CANCELLED_HERE = "CANCELLED_HERE"
NOT_SHOWN = "NOT_SHOWN"
CHANGED = "CHANGED"

RECONCILE_CODES = (
    NOT_DOWNLOADED,
    REFUSED,
    QUARANTINED,
    DELETED_HERE,
    PROCESSED_HERE,
    CANCELLED_HERE,
    NOT_SHOWN,
    CHANGED,
)
"""Every code that a difference can have."""

HEALED = frozenset({NOT_DOWNLOADED, CANCELLED_HERE, NOT_SHOWN, CHANGED})
"""The codes of what a sweep and looks can mend."""

OVER = frozenset({FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED})
UNTOLD = frozenset({NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED})
STUCK = frozenset({NoteStatus.REJECTED, NoteStatus.UNKNOWN, NoteStatus.GAVE_UP})

RUN_AGAIN = "run the channel, or reconcile with heal=True"


class Cure(StrEnum):
    """Who mends a difference: the next RUN, a PERSON, or nobody (NONE), since it is as it should be."""

    RUN = "run"
    PERSON = "person"
    NONE = "none"


@attrs.frozen(kw_only=True)
class Difference:
    """One order that is not the same here and on its channel.

    ``key`` is None for a document of which nobody knows whose it is. ``code`` is one of ``RECONCILE_CODES``.
    ``details`` are small and hold no personal data.
    """

    key: OrderKey | None
    code: str
    sentence: str
    next_step: str
    cure: Cure
    details: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)

    @property
    def is_healable(self) -> bool:
        """Say whether a sweep and a look can mend it."""
        return self.cure is Cure.RUN and self.code in HEALED


@attrs.frozen(kw_only=True)
class Pair:
    """One order as its channel shows it and as it is here (None: not stored), and what a run would make of that.

    ``same``: it is shown just as it was judged last. ``erased``: its personal data were removed here for good.
    """

    shown: ChannelOrder | UnreadableOrder
    sighting: Sighting
    order: Order | None
    settings: ChannelSettings
    at: datetime
    key: OrderKey | None
    same: bool = False
    erased: bool = False
    enabled: bool = True
    whole_order: bool = False
    notes: Sequence[Note] = ()

    @property
    def is_over(self) -> bool:
        """Say whether the channel shows it as shipped or cancelled."""
        return isinstance(self.shown, ChannelOrder) and canonical(self.shown, self.settings)[1] in OVER

    def differs(self, code: str, sentence: str, next_step: str, cure: Cure, **details: str) -> Difference:
        """Return a difference of this order."""
        return Difference(key=self.key, code=code, sentence=sentence, next_step=next_step, cure=cure, details=details)


def difference(pair: Pair) -> Difference | None:
    """Return what differs between an order that is shown and what is here; None where they agree."""
    refusal = pair.sighting.refusal
    if pair.sighting.outcome is Outcome.QUARANTINED and refusal is not None:
        step = "mend the mapping or how the channel is read, then replay it"
        return pair.differs(QUARANTINED, refusal.sentence, step, Cure.PERSON, decision=refusal.code)
    if pair.order is None:
        return _not_here(pair)
    if pair.order.state in LIVE:
        return _open_here(pair, pair.order)
    return None if pair.is_over else _ended_here(pair, pair.order)


def _not_here(pair: Pair) -> Difference | None:
    refusal = pair.sighting.refusal
    if refusal is not None:
        step = "nothing, if that is right; else change what refuses it"
        return pair.differs(REFUSED, refusal.sentence, step, Cure.NONE, decision=refusal.code)
    if pair.sighting.new is None:
        return None
    sentence = "The channel shows it, nothing speaks against it, and it is not here."
    if not pair.enabled:
        return pair.differs(NOT_DOWNLOADED, sentence, "enable the channel", Cure.PERSON, channel="not enabled")
    return pair.differs(NOT_DOWNLOADED, sentence, RUN_AGAIN, Cure.RUN)


def _ended_here(pair: Pair, order: Order) -> Difference:
    ended = "" if order.ended is None else f" by {order.ended.who} at {order.ended.at:%Y-%m-%d %H:%MZ}"
    if order.state is OrderState.DELETED:
        step = "nothing, if that is right; else restore it"
        return pair.differs(DELETED_HERE, f"It was deleted here{ended}.", step, Cure.NONE)
    if order.state is OrderState.PROCESSED:
        return _processed_here(pair, order)
    changed = pair.sighting.changed
    if changed is not None and changed.order.state is not OrderState.CANCELLED:
        sentence = f"It was cancelled here{ended}, and the channel shows it alive again."
        return pair.differs(CANCELLED_HERE, sentence, RUN_AGAIN, Cure.RUN)
    sentence = f"It was cancelled here{ended}, and is still open on the channel."
    return pair.differs(CANCELLED_HERE, sentence, "cancel it on the channel, too", Cure.PERSON)


def _processed_here(pair: Pair, order: Order) -> Difference:
    """Say how far the channel has been told of an order that is processed here and that it shows as unshipped."""
    if order.conflict is not None:
        return _conflict(pair, PROCESSED_HERE, order)
    statuses = {note.status for note in pair.notes}
    told = Counter(note.status.value for note in pair.notes)
    notes = ", ".join(f"{number} {status}" for status, number in sorted(told.items())) or "none"
    sentence, step, cure = (
        "It is processed here and confirmed, and the channel shows it as unshipped all the same.",
        "look at it on the channel",
        Cure.PERSON,
    )
    if statuses & STUCK:
        sentence = "It is processed here, and telling the channel was given up."
        step = "read the note's message; requeue it, or mark the order as shipped there"
    elif statuses & UNTOLD:
        sentence, step, cure = "It is processed here, and the channel is yet to be told.", "run the channel", Cure.RUN
    elif NoteStatus.SENT in statuses:
        sentence = "It is processed here; the channel was told and has not confirmed it yet."
        step, cure = "run the channel; it looks until it is confirmed", Cure.RUN
    return pair.differs(PROCESSED_HERE, sentence, step, cure, notes=notes)


def _open_here(pair: Pair, order: Order) -> Difference | None:
    fields = _fields(pair, order)
    if not fields or not isinstance(pair.shown, ChannelOrder):
        return None if order.conflict is None else _conflict(pair, CHANGED, order)
    there = pair.shown.updated_at
    sentence, step, cure, side = "The channel changed it after it was last read.", RUN_AGAIN, Cure.RUN, "ours late"
    if there == order.updated_at:
        sentence, side = "The channel changed it without moving its update time.", "foreign"
    elif there < order.updated_at:
        sentence, side = "The channel shows an older version than was read before.", "channel late"
        step, cure = "nothing yet; reconcile again later", Cure.NONE
    return pair.differs(CHANGED, sentence, step, cure, fields=", ".join(fields), side=side)


def _fields(pair: Pair, order: Order) -> Sequence[str]:
    """Return the names of what differs, never its values; what nobody is told of is no difference."""
    changed, seen = pair.sighting.changed, pair.shown
    details: Mapping[str, str] = {}
    if changed is not None and changed.change is not None:
        details = changed.change.details
    elif not pair.same and isinstance(seen, ChannelOrder) and seen.updated_at < order.updated_at:
        told = Shown(seen=seen, settings=pair.settings, links=NO_LINKS, at=pair.at, whole_order=pair.whole_order)
        details = entry_of(order, follow(order, told), OrderEvent.EDITED, told.by).details
    names = [name for name in details if not (pair.erased and name in PERSONAL)]
    if order.conflict is not None and changed is not None and changed.order.conflict is None:
        names.append("conflict")
    return names


def _conflict(pair: Pair, code: str, order: Order) -> Difference:
    sentence, next_step, cure = _of_conflict(order, pair.settings)
    return pair.differs(code, sentence, next_step, cure, **_details_of(order))


def _of_conflict(order: Order, settings: ChannelSettings) -> tuple[str, str, Cure]:
    """Return what an order's conflict says, what to do about it, and who does."""
    told = "" if order.conflict is None else order.conflict.sentence
    if by_settings(order, settings) is not None:
        return f"It is in conflict: {told}.", "run the channel: the settings decide it", Cure.RUN
    return f"It is in conflict: {told}.", "resolve the conflict", Cure.PERSON


def _details_of(order: Order) -> Mapping[str, str]:
    return {} if order.conflict is None else {"conflict": order.conflict.code.value}


class There(StrEnum):
    """What a look-up says of an order that the channel left out: UNKNOWN if nobody could look."""

    OPEN = "open"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    NOT_UNDERSTOOD = "not understood"
    GONE = "gone"
    UNKNOWN = "unknown"


STANDINGS = {
    FulfillmentStatus.SHIPPED: There.SHIPPED,
    FulfillmentStatus.CANCELLED: There.CANCELLED,
    FulfillmentStatus.UNKNOWN: There.NOT_UNDERSTOOD,
}
"""Where an order stands that its channel shows with this fulfillment; with any other it is open."""

LEFT_OUT: Mapping[There, tuple[str, str, Cure]] = {
    There.OPEN: (
        "The channel leaves it out of what is unshipped, and shows it as open to who asks for it.",
        "ask the channel, or check with which filter it is read",
        Cure.PERSON,
    ),
    There.SHIPPED: ("It is open here, and shipped on the channel.", RUN_AGAIN, Cure.RUN),
    There.CANCELLED: ("It is open here, and cancelled on the channel.", RUN_AGAIN, Cure.RUN),
    There.NOT_UNDERSTOOD: (
        "The channel leaves it out of what is unshipped, and its answer about it is not understood.",
        "mend the mapping or how the channel is read",
        Cure.PERSON,
    ),
    There.GONE: ("It is open here, and the channel does not know it.", RUN_AGAIN, Cure.RUN),
    There.UNKNOWN: (
        "It is open here, and the channel leaves it out of what is unshipped; why is not known.",
        "run the channel: looks, or two complete sweeps in a row, decide it",
        Cure.RUN,
    ),
}


def standing(found: ChannelOrder | UnreadableOrder | None, settings: ChannelSettings) -> There:
    """Return what a look-up's answer says of an order; None: the channel does not know it."""
    if found is None:
        return There.GONE
    if isinstance(found, UnreadableOrder):
        return There.NOT_UNDERSTOOD
    return STANDINGS.get(canonical(found, settings)[1], There.OPEN)


def left_out(order: Order, there: There, settings: ChannelSettings) -> Difference:
    """Return the difference of an order that is open here and that the channel does not show as unshipped."""
    sentence, step, cure = LEFT_OUT[there] if order.conflict is None else _of_conflict(order, settings)
    details = {"there": there.value, **_details_of(order)}
    return Difference(key=order.key, code=NOT_SHOWN, sentence=sentence, next_step=step, cure=cure, details=details)
