"""Where the dispatch notes of an order may stand once all is quiet. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ....model.dispatch import Note, NoteStatus
from ....model.ids import OrderKey
from ....model.settings import ChannelSettings
from ..trace import Violation
from .notes import ENDS
from .world import MarketView


def ends_well(key: OrderKey, mine: Sequence[Note], market: MarketView, settings: ChannelSettings) -> None:
    """Check that each note is confirmed, or names why not; what its market hides for good may be looked for yet."""
    truth = market.orders.get(key.reference)
    hidden = truth is None or truth.removed or truth.spoiled or truth.word is not None
    by_hand = any(one.note_id is None and one.reference == key.reference for one in market.shipments)
    unseen = hidden or by_hand or not market.traits.can_look_up or _is_open_again(key, mine, market)
    for note in mine:
        name = note.note.id
        if note.status in ENDS and not note.message:
            raise Violation("D2", f"{name} is {note.status}, and nobody is told why")
        if note.status is NoteStatus.QUEUED and not (_lacks(note, market, settings) or (hidden and note.tries)):
            raise Violation("D2", f"{name} is queued, lacks nothing, and is never sent")
        if note.status is NoteStatus.SENT and not unseen and _went_as_packed(note, market):
            raise Violation("D2", f"{name} was sent, and is never confirmed")
        if note.status is NoteStatus.WAITING or (note.status is NoteStatus.CLAIMED and not hidden):
            raise Violation("D2", f"{name} stays {note.status}")


def _went_as_packed(note: Note, market: MarketView) -> bool:
    """Say whether the market drew the same lines: one that ships whole orders ships what is open, edited or not."""
    drawn = [dict(one.lines) for one in market.shipments if one.note_id == note.note.id]
    return all(lines == dict(note.note.lines) for lines in drawn)


def _is_open_again(key: OrderKey, mine: Sequence[Note], market: MarketView) -> bool:
    """Say whether a market that ships whole orders shipped this one by a note of ours, and has pieces open again."""
    names = {note.note.id for note in mine}
    shipped = any(one.note_id in names for one in market.shipments)
    return market.traits.whole_order_dispatch and shipped and not market.orders[key.reference].done


def _lacks(note: Note, market: MarketView, settings: ChannelSettings) -> bool:
    """Say whether a note waits for what only a person can give it."""
    carrier = note.note.carrier
    unmapped = bool(settings.carriers) and carrier is not None and carrier not in settings.carriers
    return unmapped or (market.traits.requires_tracking and not note.note.tracking_number)
