"""Checks dispatch notes and what became of them on the markets: L8 with D1 to D5."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

from ....model.dispatch import DispatchNote, Note, NoteStatus, ParcelRecord
from ....model.ids import ChannelId, OrderKey
from ....model.settings import UnknownDispatch
from ....model.stock import Deduction
from ..trace import Violation
from . import notes
from .checker import Checker, Effect
from .commits import Commit, Started
from .notes_at_rest import ends_well
from .reader import Reader
from .touched import has_recorded, note_of, parcel_of
from .world import AppliedNoteView, MarketView, World


class DispatchChecker(Checker):
    """Follows every parcel from its record to its effect."""

    def __init__(self, world: World) -> None:
        """Begin before any parcel is recorded."""
        super().__init__(world)
        self._parcels: dict[OrderKey, dict[str, ParcelRecord]] = {}
        self._notes: dict[OrderKey, dict[str, Note]] = {}
        self._owners: dict[str, OrderKey] = {}
        self._left: set[str] = set()
        self._claimed_by: dict[str, str] = {}
        self._requeued: Counter[OrderKey] = Counter()
        self._effects: dict[OrderKey, list[AppliedNoteView]] = defaultdict(list)

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Check the note that a verb may have moved."""
        if commit.refused is not None:
            return
        if commit.port == "stock" and commit.verb == "deduct":
            self._left.add(cast("Deduction", commit.argument(0, "deduction")).id)
        elif commit.port == "orders":
            if has_recorded(commit):
                self._recorded(commit, reader)
            elif commit.verb == "queue":
                key, parcel_id = commit.argument(0, "key"), commit.argument(1, "parcel_id")
                self._moved(key, parcel_id, commit, reader)
            elif commit.verb == "write_note":
                note = note_of(commit)
                self._moved(note.note.order_key, note.parcel_id, commit, reader)

    def started(self, call: Started, reader: Reader) -> None:
        """Check that a note that leaves is claimed by its sender, is its parcel's, and that the goods have left."""
        if call.method != "send_dispatch":
            return
        sent = cast("DispatchNote", call.request)
        if sent.order_key.channel != call.channel:
            raise Violation("L8", f"{sent.id} goes to {call.channel}")
        note = next((one for one in reader.notes(sent.order_key) if one.note.id == sent.id), None)
        if note is None:
            raise Violation("D5", f"{sent.id} is sent, and no parcel of that name was processed here")
        if note.status is not NoteStatus.CLAIMED or self._claimed_by.get(sent.id) != call.process:
            text = f"is {note.status}, claimed last by {self._claimed_by.get(sent.id, 'nobody')}"
            raise Violation("D3", f"{sent.id} is sent by {call.process}, and {text}")
        if note.ready is not NoteStatus.QUEUED:
            raise Violation("D5", f"{sent.id} left by other hands, and is sent")
        self._as_packed(sent, note)

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Check that a note took effect on its order's own market, and no more often than it may."""
        note_id = getattr(effect, "note_id", None)
        if note_id is None:
            return
        applied = cast("AppliedNoteView", effect)
        key = self._owners.get(note_id)
        if key is None:
            raise Violation("D5", f"{note_id} took effect on {channel}, and no such parcel was recorded")
        if key.channel != channel or key.reference != applied.reference:
            raise Violation("L8", f"{note_id} took effect on order {applied.reference} of {channel}")
        self._effects[key].append(applied)
        if key.parcel_id(self._parcel_of(key, note_id).id) not in self._left:
            raise Violation("L8", f"{note_id} took effect before its deduction was durable")
        if not self._world.doubles:
            self._at_most_once(key, note_id)

    def ended(self, reader: Reader) -> None:
        """Check that every note came to an end that somebody knows of."""
        for key, mine in sorted(self._notes.items()):
            if self._world.is_worked_on(key.channel, reader):
                market = self._world.markets[key.channel]
                ends_well(key, list(mine.values()), market, self._world.settings[key.channel])

    def _recorded(self, commit: Commit, reader: Reader) -> None:
        parcel = parcel_of(commit)
        key = parcel.order_key
        self._parcels.setdefault(key, {})[parcel.id] = parcel
        mine = {note.parcel_id: note for note in reader.notes(key)}
        note = mine.get(parcel.id)
        if note is None or reader.parcel(key, parcel.id) != parcel:
            raise Violation("L8", f"parcel {parcel.id!r} of {key} was recorded, and is not there")
        notes.recorded(note, parcel)
        waiting = [one.parcel_id for one in mine.values() if one.status is NoteStatus.WAITING]
        if len(waiting) > 1:
            raise Violation("R02", f"{key}: several parcels wait at once: {', '.join(waiting)}")
        self._owners[note.note.id] = key
        self._notes.setdefault(key, {})[parcel.id] = note
        self._is_packed(key, reader)

    def _is_packed(self, key: OrderKey, reader: Reader) -> None:
        """Check that what was processed of an order is what its parcels hold."""
        order = reader.order(key)
        packed: Counter[str] = Counter()
        for parcel in self._parcels[key].values():
            packed.update(parcel.lines)
        for line in order.lines if order is not None else ():
            if line.processed != packed[line.line_id]:
                text = f"{line.processed} of line {line.line_id} were processed, in parcels are {packed[line.line_id]}"
                raise Violation("L5", f"{key}: {text}")

    def _moved(self, key: OrderKey, parcel_id: str, commit: Commit, reader: Reader) -> None:
        before = self._notes.get(key, {}).get(parcel_id)
        after = next((note for note in reader.notes(key) if note.parcel_id == parcel_id), None)
        if before is None or after is None:
            if before is not after:
                raise Violation("L8", f"{key}: the note of parcel {parcel_id!r} came or went by {commit.verb}")
            return
        if commit.verb == "write_note" and not commit.answer and after != before:
            raise Violation("L8", f"{after.note.id} was changed by a verb that says it changed nothing")
        notes.moved(before, after, commit)
        parcel = self._parcels[key][parcel_id]
        if dict(after.note.lines) != dict(parcel.lines):
            raise Violation("D4", f"{after.note.id} tells of other lines than are in its parcel")
        if before.status is NoteStatus.WAITING is not after.status and parcel.deduction.id not in self._left:
            raise Violation("D3", f"{after.note.id} is {after.status}, and its goods have not moved")
        self._notes[key][parcel_id] = after
        if after != before:
            self._reached(key, before, after, commit)

    def _reached(self, key: OrderKey, before: Note, after: Note, commit: Commit) -> None:
        if after.status is NoteStatus.QUEUED and before.status in notes.ENDS:
            self._requeued[key] += 1
        if after.status is NoteStatus.CLAIMED and after.claimed_at != before.claimed_at:
            self._claimed_by[after.note.id] = commit.process
            if after.tries > before.tries > 0:
                self._is_not_there_yet(key, after, commit.at)
        if after.status in notes.TOLD and before.status not in notes.TOLD:
            self._has_arrived(key, after)
        if after.status is NoteStatus.CONFIRMED and before.status is NoteStatus.SENT:
            self._was_seen(key, after)

    def _is_not_there_yet(self, key: OrderKey, note: Note, at: datetime) -> None:
        """Check that no note is tried again that its market shows already."""
        market = self._world.markets[key.channel]
        if not market.traits.can_look_up:
            return
        shown = at - market.traits.lag
        twins = list(self._twins(key, note.note))
        effects = [one for one in self._of(key, twins) if one.at < shown]
        if len(effects) >= len(twins):
            raise Violation("L8", f"{note.note.id} is tried again, and its market shows it since {effects[-1].at}")

    def _has_arrived(self, key: OrderKey, note: Note) -> None:
        """Check that a note that counts as told did take effect, as far as parcels can be told apart."""
        market = self._world.markets[key.channel]
        by_hand = _by_hand(market, key.reference)
        if note.ready is not NoteStatus.QUEUED:
            return
        told = [one for one in self._notes[key].values() if one.ready is NoteStatus.QUEUED and one.status in notes.TOLD]
        arrived = len(self._effects[key]) + by_hand
        enough = arrived > 0 if market.traits.whole_order_dispatch else arrived >= len(told)
        order = market.orders.get(key.reference)
        if not enough and not (order is not None and order.done):
            raise Violation("L8", f"{note.note.id} is {note.status}, and its market never took it")
        number = note.note.tracking_number
        if number and not market.traits.whole_order_dispatch:
            same = [one.note.id for one in self._notes[key].values() if one.note.tracking_number == number]
            if len(self._of(key, same)) < sum(one.note.id in same for one in told):
                raise Violation("L8", f"{note.note.id} is {note.status}, and its market took nothing of its number")

    def _was_seen(self, key: OrderKey, note: Note) -> None:
        """Check that a note is confirmed by what its market showed, where that can be asked."""
        market = self._world.markets[key.channel]
        seen = any(document.shipments for document in market.shown.get(key.reference, ()))
        if market.traits.can_look_up and not seen:
            raise Violation("D2", f"{note.note.id} is confirmed, and its market never showed that anything was sent")

    def _as_packed(self, sent: DispatchNote, note: Note) -> None:
        key, settings = sent.order_key, self._world.settings[sent.order_key.channel]
        parcel = self._parcels[key][note.parcel_id]
        if parcel.deduction.id not in self._left:
            raise Violation("D3", f"{sent.id} is sent, and its deduction is not durable")
        if dict(sent.lines) != dict(parcel.lines) or sent.tracking_number != note.note.tracking_number:
            raise Violation("D4", f"{sent.id} is sent with other lines or tracking than its parcel has")
        if sent.carrier != note.note.carrier and sent.carrier not in settings.carriers.values():
            raise Violation("D4", f"{sent.id} is sent with the carrier {sent.carrier!r}")
        if self._world.markets[key.channel].traits.requires_tracking and not sent.tracking_number:
            raise Violation("D4", f"{sent.id} is sent without tracking to a market that demands it")

    def _at_most_once(self, key: OrderKey, note_id: str) -> None:
        """Check that notes that nobody can tell apart took effect no more often than there are such notes."""
        twins = list(self._twins(key, self._note_of(key, note_id).note))
        effects = len(self._of(key, twins))
        can_look = self._world.markets[key.channel].traits.can_look_up
        resent = self._world.settings[key.channel].unknown_dispatch is UnknownDispatch.RESEND
        allowed = len(twins) + (0 if can_look else self._requeued[key])
        if effects > allowed and (can_look or not resent):
            raise Violation("L8", f"{note_id} took effect: {effects} effects of {len(twins)} such notes")

    def _twins(self, key: OrderKey, like: DispatchNote) -> Iterator[str]:
        """Yield the notes of an order with the same lines and tracking as *like*, itself among them."""
        for one in self._notes[key].values():
            alike = (one.note.lines, one.note.tracking_number) == (like.lines, like.tracking_number)
            if alike and one.ready is NoteStatus.QUEUED:
                yield one.note.id

    def _of(self, key: OrderKey, names: Sequence[str]) -> Sequence[AppliedNoteView]:
        return [effect for effect in self._effects[key] if effect.note_id in names]

    def _note_of(self, key: OrderKey, note_id: str) -> Note:
        return next(note for note in self._notes[key].values() if note.note.id == note_id)

    def _parcel_of(self, key: OrderKey, note_id: str) -> ParcelRecord:
        return self._parcels[key][self._note_of(key, note_id).parcel_id]


def _by_hand(market: MarketView, reference: str) -> int:
    return sum(one.note_id is None and one.reference == reference for one in market.shipments)
