"""What a replay cannot read itself is asked for again; leases, readers that err, and long quarantines."""

from __future__ import annotations

from datetime import datetime

import attrs
import pytest

from doctor.replaying import Picky, documents, mapped, replayed, waiting
from ordersync import (
    ChannelOrder,
    OrderPage,
    UnreadableOrder,
)
from ordersync.errors import ChannelRejectedError
from ordersync.model.runs import ChannelState
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner import conftest as fixtures
from runner.looking import conflict_of, levels
from runner.world import SHOP, World, remarks, sightings

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


async def test_order_whose_document_was_erased_is_looked_up(world: World) -> None:
    """Where nothing is kept to read, the channel is asked for the order."""
    shop = Picky(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    world.clock.advance(minutes=1)
    assert await world.storage.orders.empty_quarantine(before=world.clock.now()) == 1
    assert [one.payload for one in await documents(world)] == [b""]

    shop.mended = True
    report = await replayed(world, shop, "1001")

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert report.channels[SHOP].looked_up == 1
    assert await levels(world) == (10, 3)
    assert await waiting(world) == []


async def test_looks_that_cannot_be_made_now_are_made_by_the_next_run(memory_world: World) -> None:
    """A channel that does not answer is asked again by the next run; the document waits until then."""
    world = memory_world
    shop = Picky(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    world.clock.advance(minutes=10)
    await world.storage.orders.empty_quarantine(before=world.clock.now())
    shop.mended = True
    shop.fail_next("fetch_order", ChannelRejectedError("Shop/north: refused"))

    report = await replayed(world, shop)

    assert remarks(report.channels[SHOP], "failed") == [("channel-rejected", "Shop/north/1001")]
    assert await waiting(world) == [("1001", "UNREADABLE")]
    await world.run_later(shop, minutes=20)
    assert await waiting(world) == []
    assert await levels(world) == (10, 3)


async def test_channel_without_look_up_is_swept_by_the_next_run(world: World) -> None:
    """Where neither document nor order can be asked for, the next run reads everything unshipped from the start."""
    settings = mapped("2", "Rush")
    shop = BareMarketplace(SHOP, clock=world.clock, settings=mapped(), requires_status_mapping=True)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 2})
    shop.set_status("1001", "Rush")
    await world.run(shop)
    assert (await world.storage.orders.progress(SHOP)).interrupted is False
    world.clock.advance(minutes=1)

    report = await replayed(world, shop.with_settings(settings))

    assert sightings(report.channels[SHOP]) == {}
    assert (await world.storage.orders.progress(SHOP)).interrupted is True
    assert await waiting(world) == [("1001", "STATUS_UNKNOWN")]
    await world.run_later(shop.with_settings(settings), minutes=1)
    assert await waiting(world) == []
    assert await levels(world) == (10, 2)


class Cut(BareMarketplace):
    """Answers no second page while it is cut."""

    is_cut = True

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show the first page."""
        if self.is_cut and cursor is not None:
            raise ChannelRejectedError("Shop/north: page token expired")
        return await super().fetch_orders(updated_since=updated_since, cursor=cursor)


async def test_sweep_under_way_begins_anew(world: World) -> None:
    """A sweep that was cut would go on behind the order in doubt: the one after a replay begins at the start."""
    shop = Cut(SHOP, clock=world.clock, pages_in_update_order=True)
    for number in range(6):
        shop.place(f"{1001 + number}", lines={"MUG": 1})
        if number == 0:
            shop.spoil("1001", anonymous=True)
        world.clock.advance(minutes=30)
    await world.run(shop)
    assert (await world.storage.orders.progress(SHOP)).sweep_position is not None
    assert await waiting(world) == [(None, "UNREADABLE")]

    await replayed(world, shop)

    progress = await world.storage.orders.progress(SHOP)
    assert (progress.interrupted, progress.sweep_began_at, progress.sweep_position) == (True, None, None)
    shop.is_cut = False
    report = await world.run(shop)
    assert sightings(report.channels[SHOP]) == {"new": 4, "same": 1, "quarantined": 1}


async def test_channel_that_another_runner_holds_is_left_to_it(world: World) -> None:
    """A replay takes the channel's lease as any run does, and changes nothing while another runner holds it."""
    shop = Picky(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    before = await documents(world)
    shop.mended = True
    lease = await world.storage.journal.lease(SHOP, holder="other", duration=shop.call_timeout)
    assert lease is not None

    report = await replayed(world, shop)

    assert report.channels[SHOP].status == "busy"
    assert await documents(world) == before
    await world.storage.journal.release(lease)
    assert sightings((await replayed(world, shop)).channels[SHOP]) == {"new": 1}


async def test_disabled_channel_is_not_replayed(memory_world: World) -> None:
    """What a person has switched off stays off."""
    world = memory_world
    shop = Picky(SHOP, clock=world.clock)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    await world.storage.journal.disable(SHOP, by="ann", cause="moving", at=world.clock.now())
    shop.mended = True

    report = await replayed(world, shop)

    assert report.channels[SHOP].status == "disabled"
    assert (await world.life()).state is ChannelState.DISABLED
    assert len(await waiting(world)) == 1


class Wrong(Picky):
    """Reads something that is no order."""

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Return nothing at all."""
        del payload
        return None  # type: ignore[return-value]


class Bare(FakeMarketplace):
    """Reads kept documents and keeps none of them itself."""

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read a kept document."""
        found = super().read_order(payload)
        return attrs.evolve(found, raw=None) if isinstance(found, ChannelOrder) else found


async def test_document_is_kept_once_whatever_its_reader_returns(memory_world: World) -> None:
    """A document that is still not understood is not kept a second time under another hash."""
    world = memory_world
    shop = Bare(SHOP, clock=world.clock, settings=mapped(), requires_status_mapping=True)
    shop.place("1001", lines={"MUG": 1})
    shop.set_status("1001", "Rush")
    await world.run(shop)
    before = await documents(world)

    await replayed(world, shop.with_settings(mapped("2", "Other")))

    assert await documents(world) == before


class Loose(Picky):
    """Lets the errors of records out."""

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Make a record of what does not fit."""
        return UnreadableOrder(payload=payload, error="")


async def test_reader_that_returns_no_order_is_reported_and_the_order_looked_up(memory_world: World) -> None:
    """A reader that answers nonsense is named, stops no other document, and its orders are looked up."""
    world = memory_world
    shop = Wrong(SHOP, clock=world.clock)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)

    report = await replayed(world, shop)

    assert [str(error) for error in report.errors] == [
        "Shop/north: read_order returned a NoneType; return a ChannelOrder or an UnreadableOrder"
    ]
    assert (report.channels[SHOP].looked_up, sightings(report.channels[SHOP])) == (1, {"quarantined": 1})


async def test_reader_that_lets_an_error_out_has_not_read(memory_world: World) -> None:
    """A record's error in a reader counts as a document that cannot be read."""
    world = memory_world
    shop = Loose(SHOP, clock=world.clock)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)

    report = await replayed(world, shop)

    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    assert report.errors == ()
    assert remarks(report.channels[SHOP], "quarantined") == [("UNREADABLE", "1001")]
    assert "UnreadableOrder.error: is empty" in str(report)
    assert await conflict_free(world)


async def conflict_free(world: World) -> bool:
    """Say whether no stored order is in conflict."""
    found = await world.storage.orders.listed(channel=SHOP)
    return not [one for one in found if await conflict_of(world, one.key.reference)]


async def test_more_documents_than_are_read_at_once_are_all_replayed(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many documents wait, a replay takes up each of them, also when the first ones stay."""
    monkeypatch.setattr("ordersync.sync.replay.FIRST_READ", 2)
    world = memory_world
    shop = Picky(SHOP, clock=world.clock)
    for number in range(9):
        shop.place(f"{1001 + number}", lines={"MUG": 3})
    await world.run(shop)

    assert sightings((await replayed(world, shop)).channels[SHOP]) == {"quarantined": 9}
    shop.mended = True
    assert sightings((await replayed(world, shop)).channels[SHOP]) == {"new": 9}
    assert await waiting(world) == []
