"""The port that remembers listings: what they mean, and what their channels are believed to show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..authoring import check_class
from ..model.ids import ChannelId, Fence
from ..model.listings import Answer, Attempt, ChannelListing, Links, Listing, ListingId, Push
from ..model.stock import Sale, StockRule


class ListingBook(ABC):
    """Links between channel SKUs and ours, and the protocol that keeps channels right.

    An implementation must:

    * make every verb atomic and repeatable, wholly done or not done even when the caller is cancelled;
    * compare and raise *fence* inside the verb's own transaction, and raise ``LeaseLostError`` without
      any effect when a higher token of that channel was seen (None: not a run's call);
    * raise a listing's ``wanted`` with whatever changes or doubts what it should or does show;
    * count a belief's ``doubts``, so that an accept that overlapped a doubt sets no belief;
    * read no clock: times come as arguments.
    """

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a storage wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=ListingBook)

    @abstractmethod
    async def fence(self, fence: Fence) -> None:
        """Let no lower token of this channel take effect from now on."""

    @abstractmethod
    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Say what one piece of a channel SKU takes from stock: one SKU, or several with quantities.

        Kits among them are taken apart as they are defined now; ``ValueError`` when a SKU would be needed more than
        a million times. Raises the channel's links revision when the components change, and ``wanted`` when those or
        the rule do. A new listing is due at once. Later orders only; what is frozen on lines stays.
        """

    @abstractmethod
    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Link each listing that was never heard of to one SKU of ours; return those that were linked.

        A listing that is known is left alone, and so is one whose channel SKU was unlinked, at whichever of the
        channel's locations: that was a person's word. Kits are taken apart, and revisions rise, as ``link`` has it.
        """

    @abstractmethod
    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Say that a SKU of ours is not stocked itself but made of these; None forgets it.

        A kit may be made of kits. Every listing that is linked to it, directly or through other kits, takes the new
        components from stock; where they differ, its ``wanted`` rises and its channel's links revision with it.
        ``ValueError``, and nothing changes, when a kit would contain itself, or anything that is linked or defined
        would need a SKU more than a million times. Later orders only; what is frozen on lines stays.
        """

    @abstractmethod
    async def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return all kits by SKU, each with what it was said to be made of."""

    @abstractmethod
    async def unlink(self, channel: ChannelId, channel_sku: str, *, channel_location: str | None = None) -> None:
        """Forget what a channel SKU means; it is pushed no more. What is known of its pushes stays."""

    @abstractmethod
    async def links(self, channel: ChannelId, channel_skus: Collection[str], *, fence: Fence | None = None) -> Links:
        """Return what these channel SKUs mean, at all of the channel's locations, and under which revision."""

    @abstractmethod
    async def of_channel(self, channel: ChannelId) -> Sequence[Listing]:
        """Return all linked listings of a channel, by id."""

    @abstractmethod
    async def mark(self, skus: Collection[str]) -> None:
        """Raise ``wanted`` of every listing, on every channel, whose components name one of *skus*."""

    @abstractmethod
    async def mark_channel(self, channel: ChannelId) -> None:
        """Raise ``wanted`` of every listing of one channel."""

    @abstractmethod
    async def adopt_rule(
        self, channel: ChannelId, fingerprint: str, *, hold: timedelta, fence: Fence, at: datetime
    ) -> bool:
        """Make *fingerprint* the channel's own rule; another one than before raises ``wanted`` of its listings.

        False, and nothing changes, when it is the rule before the present one and that has been in
        force for less than *hold*: two configurations are at work at once.
        """

    @abstractmethod
    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Account for what own orders took off their channel's listings, by revision of each order.

        An order's first sale lowers the belief, or makes it unknown when a push of the listing is
        unanswered, unresolved, or was answered at ``taken_at`` or later. A later revision changes nothing, unless
        the channel's last change is above the revision accounted for: that makes the belief unknown. A revision not
        above it is ignored. A listing is found by its channel location, else the one without, else all of the SKU are
        doubted.
        """

    @abstractmethod
    async def due(
        self,
        channel: ChannelId,
        *,
        window: timedelta,
        at: datetime,
        limit: int,
        after: ListingId | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Listing]:
        """Return listings to look at, by id, from behind *after*.

        Due is: ``wanted`` ahead of ``settled``, no belief, ``unresolved_until`` before *at*, or an attempt unanswered
        for longer than *window*; but not before ``next_attempt_at``.
        """

    @abstractmethod
    async def begin(
        self, channel: ChannelId, pushes: Sequence[Push], *, window: timedelta, fence: Fence, at: datetime
    ) -> Sequence[Attempt]:
        """Record attempts before their call, and return those to be sent.

        An unanswered predecessor opens a window until its beginning plus *window*. Where the belief equals the
        quantity and no window is open, the push's ``wanted`` is settled and nothing is to be sent.
        """

    @abstractmethod
    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Record what became of attempts; an answer to an attempt that is no longer the listing's is ignored.

        Accepted: ``wanted`` as read is settled, the answer's time is kept, a window that ended before the
        attempt began is closed, and the belief is set unless a doubt was raised since. Unknown: a window opens
        until the attempt's beginning plus *window*. Conflict: the belief is unknown. Rejected, unknown SKU: failed
        with its message. Those and try later wait for ``next_attempt_at``.
        """

    @abstractmethod
    async def observed(
        self,
        channel: ChannelId,
        shown: Sequence[ChannelListing],
        *,
        wanted: Mapping[ListingId, int],
        fence: Fence,
        at: datetime,
    ) -> int:
        """Take over what a read-back showed; return how many beliefs it changed. It counts like an accepted push.

        *wanted* is each listing's, read before the read-back began. One whose ``wanted`` has moved since, or whose
        last push is unanswered or unresolved, is left alone.
        """
