"""The port that remembers orders: what each wants of stock, decisions, parcels and their notes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..authoring import check_class
from ..model.dispatch import Note, NoteStatus, ParcelRecord
from ..model.ids import ChannelId, Fence, OrderKey
from ..model.orders import Decision, Order, OrderChange, OrderState
from ..model.pages import Known, PageWork, Quarantined, Watch
from ..model.runs import Progress
from ..model.stock import Due, Sale


class ParcelAnswer(StrEnum):
    """What became of a parcel that was to be recorded."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    OTHER_CONTENT = "other-content"
    ANOTHER_WAITING = "another-waiting"
    STALE = "stale"


class OrderStore(ABC):
    """Orders, and everything that an order makes due.

    An implementation must:

    * make every verb atomic and repeatable, wholly done or not done even when the caller is cancelled;
    * compare and raise *fence* inside the verb's own transaction, and raise ``LeaseLostError`` without
      any effect when a higher token of that channel was seen (None: not a run's call);
    * raise an order's ``revision`` with every write but last-seen, and never lower its ``stock_revision``;
    * read no clock: times come as arguments;
    * never let buyer, address or raw document into an error or a log line.
    """

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a storage wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=OrderStore)

    @abstractmethod
    async def fence(self, fence: Fence) -> None:
        """Let no lower token of this channel take effect from now on."""

    @abstractmethod
    async def progress(self, channel: ChannelId, *, fence: Fence | None = None) -> Progress:
        """Return how far the channel's orders are known; an empty one for a new channel."""

    @abstractmethod
    async def known(
        self, channel: ChannelId, references: Collection[str], *, fence: Fence | None = None
    ) -> Mapping[str, Known]:
        """Return what is known of these references; never seen ones are absent.

        Of an order of which only its doubts are kept the decision's fields are empty.
        """

    @abstractmethod
    async def load(self, keys: Collection[OrderKey], *, fence: Fence | None = None) -> Mapping[OrderKey, Order]:
        """Return the stored orders among *keys*."""

    @abstractmethod
    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write a page's orders with their history, decisions, quarantine, doubts, watches and progress together.

        False, and nothing is written, when a new order is stored already or a changed one no longer has
        the revision it was read with. A decision keeps the first sighting of the one it replaces; its
        ``last_seen_at`` becomes *at*. What was in quarantine under the reference of a new, changed or understood
        order is done with and leaves it; what this page itself quarantines stays.
        """

    @abstractmethod
    async def set_progress(self, channel: ChannelId, progress: Progress, *, fence: Fence) -> None:
        """Replace a channel's progress."""

    @abstractmethod
    async def unlinked(
        self, channel: ChannelId, *, before: int, limit: int, fence: Fence | None = None
    ) -> Sequence[Order]:
        """Return live orders with unlinked lines that were resolved under a links revision below *before*."""

    @abstractmethod
    async def replace(
        self, order: Order, *, expect: int, change: OrderChange | None = None, fence: Fence | None = None
    ) -> bool:
        """Write *order* over the stored one if that still has revision *expect*; else change nothing, False.

        *change* goes into the order's history in the same transaction.
        """

    @abstractmethod
    async def due(
        self,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Due]:
        """Return orders whose stock revision is not known to be held, in order of their keys.

        An order with a WAITING note is not due: its parcel is finished first. *key* asks for one
        order; *after* skips those up to it.
        """

    @abstractmethod
    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Note that the ledger holds each order's stock revision; conditional for each.

        Where it is still the order's own: it is recorded in any state, and NEW becomes OPEN. Where *held*, the
        ledger's answer, is above the order's own (a restored backup): the stock revision is raised past
        it and the order stays due. Otherwise nothing.
        """

    @abstractmethod
    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Put an order on the watch list, stored or not; a look at it is due at *at*, or sooner if it was already."""

    @abstractmethod
    async def watch(self, key: OrderKey) -> Watch | None:
        """Return an order's place on the watch list, seen before or not; None when it is not on it."""

    @abstractmethod
    async def watched(
        self, channel: ChannelId, *, at: datetime, limit: int, fence: Fence | None = None
    ) -> Sequence[Watch]:
        """Return the watches whose ``look_at`` has come, the longest overdue first."""

    @abstractmethod
    async def missing(
        self,
        channel: ChannelId,
        *,
        before: datetime,
        limit: int,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Order]:
        """Return the orders that a sweep should have shown (``is_expected``), last seen before *before*, by key."""

    @abstractmethod
    async def missing_counts(
        self, channel: ChannelId, *, before: datetime, fence: Fence | None = None
    ) -> tuple[int, int]:
        """Count the orders that a sweep should have shown, first seen before *before*, and those not seen since."""

    @abstractmethod
    async def doubts(self, channel: ChannelId, *, limit: int, fence: Fence | None = None) -> Sequence[Sale]:
        """Return sales of never stored orders whose listings are still to be doubted."""

    @abstractmethod
    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Note that these were told to the listing book; a newer doubt of the same order stays."""

    @abstractmethod
    async def record_parcel(
        self,
        parcel: ParcelRecord,
        order: Order,
        note: Note,
        *,
        expect: int,
        change: OrderChange | None = None,
        fence: Fence | None = None,
    ) -> ParcelAnswer:
        """Write parcel, order, WAITING note and a line of the order's history in one transaction.

        Looked at in this order: the same parcel id with the same ``asked`` (REPEATED) or another
        (OTHER_CONTENT), another parcel WAITING, the order's revision not *expect* (STALE). Only RECORDED writes.
        """

    @abstractmethod
    async def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel as it was recorded."""

    @abstractmethod
    async def waiting(
        self,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[ParcelRecord]:
        """Return parcels whose notes are WAITING, oldest claim first."""

    @abstractmethod
    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Turn a WAITING note into what it is ready for; any other is left alone. Settles no stock revision."""

    @abstractmethod
    async def notes_due(
        self, channel: ChannelId, *, at: datetime, limit: int, after: str | None = None, fence: Fence | None = None
    ) -> Sequence[Note]:
        """Return notes to work on, by id: QUEUED, and CLAIMED or SENT whose ``look_at`` has come."""

    @abstractmethod
    async def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return all notes of one order, oldest first."""

    @abstractmethod
    async def write_note(self, note: Note, *, expect: Note, fence: Fence | None = None) -> bool:
        """Replace a note whose status, tries, claim time and tracking are still those of *expect*; else False."""

    @abstractmethod
    async def get(self, key: OrderKey) -> Order:
        """Return one order in any state; ``OrderNotFoundError`` when it is not stored."""

    @abstractmethod
    async def find(
        self, reference: str, *, states: Collection[OrderState] | None = None, channel: ChannelId | None = None
    ) -> Sequence[Order]:
        """Return orders of any state whose reference, channel id or secondary reference this is.

        Case, surrounding blanks and a leading # are forgiven.
        """

    @abstractmethod
    async def listed(
        self,
        *,
        states: Collection[OrderState] | None = None,
        channel: ChannelId | None = None,
        conflicts: bool = False,
        limit: int = 1000,
        after: OrderKey | None = None,
    ) -> Sequence[Order]:
        """Return stored orders by key, from behind *after*; with *conflicts* only those in conflict."""

    @abstractmethod
    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Return what happened to a stored order, oldest first."""

    @abstractmethod
    async def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order seen on its channel; None when it never was."""

    @abstractmethod
    async def decisions(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int = 1000
    ) -> Sequence[Decision]:
        """Return a channel's decisions, newest sighting first."""

    @abstractmethod
    async def decisions_by_key(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int, after: OrderKey | None = None
    ) -> Sequence[Decision]:
        """Return a channel's decisions in order of their keys, from behind *after*."""

    @abstractmethod
    async def decided(self, reference: str, *, channel: ChannelId | None = None) -> Sequence[Decision]:
        """Return, by key, what was decided about orders that ``find`` would find by this, stored or not."""

    @abstractmethod
    async def decision_history(self, key: OrderKey) -> Sequence[Decision]:
        """Return all that was decided about an order, oldest first; what counts now comes last.

        Of an earlier decision ``last_seen_at`` is the last sighting under it.
        """

    @abstractmethod
    async def forget(self, channel: ChannelId, *, before: datetime, limit: int, fence: Fence) -> int:
        """Drop old decisions, at most *limit*, and return how many; 0 when no more are to be dropped.

        An earlier decision goes when its last sighting lies before *before*. What counts now goes only if the order
        is not stored, was last seen before *before*, and is final or was not shown by the last complete sweep, unless
        that was ``Progress.blind``: what may still be open on the channel stays. So does what counts now of an order
        while a document of its reference waits in quarantine, emptied or not. How often an order's listings were
        doubted is kept.
        """

    @abstractmethod
    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Remove buyer, address and documents of these orders for good, stored or not, and those in quarantine.

        What a page, a person or a parcel writes of such an order later is written without them, too. No byte
        of what is removed stays in any file of the storage once the verb has returned. *at* is
        remembered; a repetition changes nothing.
        """

    @abstractmethod
    async def erased(self, keys: Collection[OrderKey]) -> Mapping[OrderKey, datetime]:
        """Return which of these orders are erased, and since when."""

    @abstractmethod
    async def erasable(self, *, before: datetime, limit: int) -> Sequence[OrderKey]:
        """Return, by key, orders with personal data that ended before *before*.

        A processed order ended with its last parcel, or if it has none, when it was saved, and only once no note of it
        is still to be sent; a cancelled or deleted one when it was cancelled or deleted.
        """

    @abstractmethod
    async def empty_quarantine(self, *, before: datetime) -> int:
        """Drop the payloads of documents quarantined before *before*, and return how many; their reasons stay."""

    @abstractmethod
    async def quarantined(self, channel: ChannelId, *, limit: int = 1000) -> Sequence[Quarantined]:
        """Return documents that wait in quarantine, payloads included, oldest first."""

    @abstractmethod
    async def note_counts(self, channel: ChannelId) -> Mapping[NoteStatus, int]:
        """Return how many notes of a channel stand where."""

    @abstractmethod
    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Make these orders due again under a new stock revision; keys that are not stored are left out."""

    @abstractmethod
    async def rewant_all(self) -> None:
        """Make every order due again, after the ledger was replaced."""
