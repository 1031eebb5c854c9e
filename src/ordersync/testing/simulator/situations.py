"""Tells when the situations occur that a campaign must have met; it breaks no law."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ...errors import LeaseLostError
from ...model.dispatch import Note, NoteStatus
from ...model.ids import ChannelId, OrderKey
from ...model.listings import StockOutcome
from ...model.orders import Order, OrderChange
from ...model.pages import PageWork
from ...model.runs import EntryKind, JournalEntry, Lease
from ...model.stock import Claim
from ...ports.orders import ParcelAnswer
from .checkers.checker import Checker, Effect
from .checkers.commits import Commit, Started
from .checkers.reader import Reader
from .checkers.world import AppliedLevelView, World
from .trace import Trace

TAKEOVER = "a lease is taken over"
LATE_WRITE = "a runner that lost its lease is refused"
OVERSELL = "more is reserved than is there"
HEALED = "a shortage heals"
QUARANTINED = "a document goes into quarantine"
RELEASED = "a document leaves quarantine"
ERASED_SHOWN = "an erased order is shown again"
KNOWN_PARCEL = "a look finds a parcel that was sent"
UNKNOWN_PARCEL = "a look does not find a parcel that was sent"
UNANSWERED = "a push follows one that was never answered"
OVERTAKEN = "a level lands after a newer one was sent"
REGRESSED = "a level lands after a newer one was accepted"
NOTICED = "a read-back finds another level"
RESTS = "a channel rests"
RACED = "a page meets an order that changed meanwhile"
SUSPICIOUS = "a sweep leaves out too many orders"
RECOVERED = "a channel that failed is well again"

NAMED = (
    TAKEOVER,
    LATE_WRITE,
    OVERSELL,
    HEALED,
    QUARANTINED,
    RELEASED,
    ERASED_SHOWN,
    KNOWN_PARCEL,
    UNKNOWN_PARCEL,
    UNANSWERED,
    OVERTAKEN,
    REGRESSED,
    NOTICED,
    RESTS,
    RECOVERED,
    RACED,
    SUSPICIOUS,
)

Place = tuple[ChannelId, str]


class Situations(Checker):
    """Hears what checkers hear, and tells the trace what is worth telling."""

    def __init__(self, world: World, trace: Trace) -> None:
        """Begin when nothing has happened yet."""
        super().__init__(world)
        self._tell = trace.sometimes
        self._holders: dict[ChannelId, str] = {}
        self._short: set[tuple[str, str]] = set()
        self._erased: set[OrderKey] = set()
        self._quarantined: set[OrderKey] = set()
        self._last_call: dict[str, str] = {}
        self._open: set[Place] = set()
        self._sent: dict[Place, str] = {}
        self._accepted: set[Place] = set()
        self._failing: set[ChannelId] = set()
        self._looks: Mapping[str, Callable[[Commit], None]] = {
            "lease": self._see_lease,
            "release": self._see_release,
            "set_health": self._see_health,
            "write": self._see_entries,
            "save_page": self._see_page,
            "replace": self._see_replaced,
            "record_parcel": self._see_parcel,
            "erase": self._see_erased,
            "write_note": self._see_note,
            "begin": self._see_begun,
            "finish": self._see_finished,
            "observed": self._see_observed,
        }

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Hear of a verb that may have written."""
        if isinstance(commit.refused, LeaseLostError):
            self._tell(LATE_WRITE)
        look = self._looks.get(commit.verb)
        if commit.refused is None and look is not None:
            look(commit)
        if commit.port == "stock":
            self._see_shortages(commit, reader)

    def started(self, call: Started, reader: Reader) -> None:  # noqa: ARG002 - its place among the checkers
        """Hear of a call of a channel."""
        self._last_call[call.process] = call.method
        if call.method == "push_stock":
            for update in call.request:
                place = call.channel, update.channel_sku
                self._sent[place] = update.attempt_id
                self._accepted.discard(place)

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:  # noqa: ARG002 - as above
        """Hear of an effect on a market."""
        place = channel, getattr(effect, "sku", "")
        if not isinstance(getattr(effect, "attempt_id", None), str) or place not in self._sent:
            return
        level: AppliedLevelView = effect  # type: ignore[assignment]
        if level.attempt_id != self._sent[place]:
            self._tell(REGRESSED if place in self._accepted else OVERTAKEN)

    def _see_lease(self, commit: Commit) -> None:
        lease = commit.answer
        if isinstance(lease, Lease):
            if self._holders.get(lease.channel, lease.holder) != lease.holder:
                self._tell(TAKEOVER)
            self._holders[lease.channel] = lease.holder

    def _see_release(self, commit: Commit) -> None:
        lease: Lease = commit.argument(0, "lease")
        if self._holders.get(lease.channel) == lease.holder:
            del self._holders[lease.channel]

    def _see_health(self, commit: Commit) -> None:
        channel: ChannelId = commit.argument(0, "channel")
        if commit.argument(9, "paused_until") is not None:
            self._tell(RESTS)
        if commit.argument(9, "failures"):
            self._failing.add(channel)
        elif channel in self._failing:
            self._failing.remove(channel)
            self._tell(RECOVERED)

    def _see_entries(self, commit: Commit) -> None:
        entries: Collection[JournalEntry] = commit.argument(0, "entries")
        for entry in entries:
            if entry.kind is EntryKind.WINDOW_READ:
                self._tell(f"a reading of {entry.facts['scan']} is {entry.code}")
            elif entry.kind is EntryKind.SWEEP_JUDGED:
                self._tell(SUSPICIOUS)

    def _see_page(self, commit: Commit) -> None:
        if not commit.answer:
            self._tell(RACED)
            return
        work: PageWork = commit.argument(0, "work")
        for one in work.changed:
            self._see_change(one.change, one.order)
        self._see_quarantine(work)
        if not self._erased.isdisjoint(work.seen):
            self._tell(ERASED_SHOWN)

    def _see_quarantine(self, work: PageWork) -> None:
        read = {order.key for order in (*work.new, *(one.order for one in work.changed))}.union(work.understood)
        if work.released or not self._quarantined.isdisjoint(read):
            self._tell(RELEASED)
        self._quarantined -= read
        if work.quarantined:
            self._tell(QUARANTINED)
        named = [one.reference for one in work.quarantined if one.reference is not None]
        self._quarantined.update(OrderKey(work.channel, reference) for reference in named)

    def _see_replaced(self, commit: Commit) -> None:
        if commit.answer:
            self._see_change(commit.argument(1, "change"), commit.argument(0, "order"))

    def _see_parcel(self, commit: Commit) -> None:
        self._tell(f"a parcel is {commit.answer}")
        if commit.answer is ParcelAnswer.RECORDED:
            self._see_change(commit.argument(4, "change"), commit.argument(1, "order"))

    def _see_change(self, change: OrderChange | None, order: Order) -> None:
        if change is not None:
            self._tell(f"an order is {change.event}")
        if order.conflict is not None:
            self._tell(f"an order is in conflict: {order.conflict.code}")

    def _see_erased(self, commit: Commit) -> None:
        self._erased.update(commit.argument(0, "keys"))

    def _see_note(self, commit: Commit) -> None:
        note: Note = commit.argument(0, "note")
        before: Note = commit.argument(1, "expect")
        if not commit.answer:
            return
        if note.status is not before.status:
            self._tell(f"a note is {note.status}")
        if before.tries and self._last_call.get(commit.process) == "fetch_order":
            if note.status in (NoteStatus.SENT, NoteStatus.CONFIRMED):
                self._tell(KNOWN_PARCEL)
            elif note.tries > before.tries:
                self._tell(UNKNOWN_PARCEL)

    def _see_begun(self, commit: Commit) -> None:
        channel: ChannelId = commit.argument(0, "channel")
        for attempt in commit.answer:
            place = channel, attempt.push.listing.channel_sku
            if place in self._open:
                self._tell(UNANSWERED)
            self._open.add(place)

    def _see_finished(self, commit: Commit) -> None:
        channel: ChannelId = commit.argument(0, "channel")
        for answer in commit.argument(1, "answers"):
            place = channel, answer.attempt.push.listing.channel_sku
            self._open.discard(place)
            self._tell(f"a push is {answer.outcome}")
            if answer.outcome is StockOutcome.ACCEPTED:
                self._accepted.add(place)

    def _see_observed(self, commit: Commit) -> None:
        if commit.answer:
            self._tell(NOTICED)

    def _see_shortages(self, commit: Commit, reader: Reader) -> None:
        """Look at what the verb was about, and at what was short before."""
        skus = {sku for sku, _ in self._short}
        if commit.verb == "reserve":
            claims: Collection[Claim] = commit.argument(0, "claims")
            skus.update(sku for claim in claims for sku, _ in claim.wanted)
        if not skus:
            return
        short = {(level.sku, level.location) for level in reader.levels(sorted(skus)) if level.on_hand < level.reserved}
        for _ in short - self._short:
            self._tell(OVERSELL)
        for _ in self._short - short:
            self._tell(HEALED)
        self._short = short
