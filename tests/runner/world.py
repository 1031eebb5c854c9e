"""Two marketplaces that sell the same mug, a storage and a clock that obeys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from ordersync import (
    Channel,
    ChannelId,
    ChannelReport,
    ChannelSettings,
    Order,
    OrderDesk,
    OrderKey,
    Parcel,
    RetryPolicy,
    RunReport,
    StockLevel,
    Storage,
    SyncRunner,
)
from ordersync.model.dispatch import Note
from ordersync.model.listings import Listing
from ordersync.model.runs import ChannelLife, EntryKind, JournalEntry
from ordersync.ports import OwnStockLedger
from ordersync.testing import FakeMarketplace, ManualClock

SHOP = ChannelId("Shop", "north")
MARKET = ChannelId("Market", "uk")

ONCE = RetryPolicy(attempts=1)
"""A call that fails has failed; whatever is tried again is tried in a later run."""


class World:
    """All there is, and what tests do to it and ask of it."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        """Begin with two empty marketplaces."""
        self.storage, self.clock = storage, clock
        self.shop, self.market = self.open(SHOP), self.open(MARKET)

    def open(
        self,
        channel: ChannelId,
        settings: ChannelSettings | None = None,
        **traits: Any,  # noqa: ANN401 - traits
    ) -> FakeMarketplace:
        """Open a marketplace on the world's clock."""
        return FakeMarketplace(channel, clock=self.clock, settings=settings or ChannelSettings(), **traits)

    @property
    def desk(self) -> OrderDesk:
        """Return the desk of the people who pack."""
        return OrderDesk(self.storage, clock=self.clock)

    def runner(self, *channels: Channel, **options: Any) -> SyncRunner:  # noqa: ANN401 - options of the runner
        """Return a runner over *channels*, both marketplaces if none is named; no call is tried twice."""
        defaults: dict[str, Any] = {"clock": self.clock, "retry": ONCE}
        return SyncRunner(channels or (self.shop, self.market), self.storage, **(defaults | options))

    async def run(self, *channels: Channel, **options: Any) -> RunReport:  # noqa: ANN401 - options of the runner
        """Run once, and see that every channel's sightings add up."""
        report = await self.runner(*channels, **options).run_once()
        adds_up(report)
        return report

    async def run_later(self, *channels: Channel, minutes: float = 10, **options: Any) -> RunReport:  # noqa: ANN401
        """Let time pass, then run once."""
        self.clock.advance(minutes=minutes)
        return await self.run(*channels, **options)

    async def stock(self, sku: str, quantity: int, *, location: str = "main") -> None:
        """Count what lies at a place."""
        movement = f"count/{sku}/{location}/{self.clock.now().isoformat()}/{quantity}"
        ledger = cast("OwnStockLedger", self.storage.stock)
        await ledger.set_on_hand(sku, location=location, quantity=quantity, movement_id=movement)

    async def sell(
        self,
        channel: FakeMarketplace,
        channel_sku: str,
        shown: int = 0,
        components: str | Mapping[str, int] | None = None,
        **link: Any,  # noqa: ANN401
    ) -> None:
        """List a SKU on a channel and link it, to a SKU of the same name if *components* is omitted."""
        channel.list_sku(channel_sku, shown, location=link.get("channel_location"))
        await self.storage.listings.link(channel.id, channel_sku, components or channel_sku, **link)

    async def order(self, reference: str, channel: ChannelId = SHOP) -> Order:
        """Return a stored order."""
        return await self.storage.orders.get(OrderKey(channel, reference))

    async def process(self, reference: str, channel: ChannelId = SHOP, **parcel: Any) -> Order:  # noqa: ANN401
        """Pack and send an order, with carrier and number unless told otherwise."""
        label: dict[str, Any] = {"carrier": "DHL", "tracking_number": "JD01"}
        return await self.desk.process(OrderKey(channel, reference), Parcel(**(label | parcel)))

    async def level(self, sku: str = "MUG", location: str = "main") -> StockLevel:
        """Return one level."""
        found = [one for one in await self.storage.stock.levels([sku]) if one.location == location]
        return found[0]

    async def notes(self, reference: str, channel: ChannelId = SHOP) -> Sequence[Note]:
        """Return the dispatch notes of an order."""
        return await self.storage.orders.notes(OrderKey(channel, reference))

    async def statuses(self, reference: str, channel: ChannelId = SHOP) -> list[str]:
        """Return where the dispatch notes of an order stand."""
        return [str(note.status) for note in await self.notes(reference, channel)]

    async def listings(self, channel: ChannelId = MARKET) -> Mapping[str, Listing]:
        """Return a channel's listings by name."""
        return {str(one.id): one for one in await self.storage.listings.of_channel(channel)}

    async def life(self, channel: ChannelId = SHOP) -> ChannelLife:
        """Return where a channel stands."""
        return (await self.storage.journal.life([channel]))[channel]

    async def journal(self, channel: ChannelId | None = None, *kinds: EntryKind) -> Sequence[JournalEntry]:
        """Return journal entries, oldest first."""
        found = await self.storage.journal.entries(channel=channel, kinds=kinds or None, limit=1000)
        return list(reversed(found))


def adds_up(report: RunReport) -> None:
    """See that every channel's sightings have exactly one outcome each."""
    for one in report.channels.values():
        assert one.seen == one.new + one.changed + one.same + one.skipped + one.quarantined, one


SIGHTINGS = ("new", "changed", "same", "skipped", "quarantined")


def counts(report: ChannelReport) -> dict[str, int]:
    """Return a channel's counts that are not zero."""
    names = (*SIGHTINGS, "failed", "pushed", "refused", "dispatched", "confirmed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def sightings(report: ChannelReport) -> dict[str, int]:
    """Return what became of the orders that were seen, outcomes that are not zero."""
    return {name: n for name, n in counts(report).items() if name in SIGHTINGS}


def remarks(report: ChannelReport, kind: str) -> list[tuple[str, str]]:
    """Return code and subject of a channel's remarks of one kind."""
    return [(remark.code, remark.subject) for remark in report.remarks if remark.kind == kind]


HOUR = timedelta(hours=1)


async def stored_by(storage: Storage, channel: ChannelId) -> list[str]:
    """Return the references of all orders that were ever decided, in a storage that is not open."""
    async with storage:
        return sorted(one.key.reference for one in await storage.orders.decisions(channel))
