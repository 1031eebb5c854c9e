"""Which orders a run looked for: the windows that it reads, and what it writes of them into the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from ordersync import ChannelSettings, OrderPage
from ordersync.errors import ChannelRejectedError
from ordersync.model.runs import EntryKind
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.proofs import Proofs
from runner.strange import die_at
from runner.world import SHOP, World, sightings

SKEW = timedelta(seconds=90)


class Behind(BareMarketplace):
    """Its clock is behind ours."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return a page that tells the clock."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, server_time=self.now() - SKEW)


async def windows(world: World) -> Sequence[tuple[str, dict[str, str]]]:
    """Return outcome and facts of every window that was read, oldest first."""
    return [(one.code, dict(one.facts)) for one in await world.journal(SHOP, EntryKind.WINDOW_READ)]


async def test_window_is_written_as_it_was_read(memory_world: World) -> None:
    """Each scan writes its kind, from when and until when it read, and how many pages and sightings it had."""
    world, began = memory_world, memory_world.clock.now()
    shop = world.open(SHOP, page_size=2)
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.place("1004", lines={"MUG": 1})
    await world.run(shop)

    overlap = shop.settings.overlap + shop.listing_lag + shop.stamp_granularity
    again = await world.storage.orders.progress(SHOP)
    assert await windows(world) == [
        ("complete", {"scan": "sweep", "since": "", "until": began.isoformat(), "pages": "2", "seen": "3"}),
        (
            "complete",
            {
                "scan": "updates",
                "since": (began - overlap).isoformat(),
                "until": (began + timedelta(minutes=10)).isoformat(),
                "pages": "2",
                "seen": "4",
            },
        ),
    ]
    assert again.watermark == began + timedelta(minutes=10)


@pytest.mark.parametrize("cut", [False, True])
async def test_window_ends_by_the_channels_clock(memory_world: World, cut: bool) -> None:  # noqa: FBT001
    """A window ends when the channel's clock said that it was read, which may be behind ours, also where it was cut."""
    world, began = memory_world, memory_world.clock.now()
    shop = Behind(SHOP, clock=world.clock, page_size=2)
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    if cut:
        shop.on_call = die_at("fetch_orders", 3)

    await world.run(shop)

    ((_, facts),) = await windows(world)
    assert facts["until"] == (began - SKEW).isoformat()


async def test_each_of_two_scans_of_a_run_counts_its_own(memory_world: World) -> None:
    """Where a run reads changes and sweeps, each window tells its own pages and sightings."""
    world = memory_world
    shop = world.open(SHOP, page_size=2)
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=61)
    shop.place("1004", lines={"MUG": 1})

    await world.run(shop)

    told = [(facts["scan"], facts["pages"], facts["seen"]) for _, facts in await windows(world)]
    assert told == [("sweep", "2", "3"), ("updates", "2", "4"), ("sweep", "2", "4")]


class Numbered(FakeMarketplace):
    """Hands out one long page token for ever."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Return the first page, and say that there are more."""
        page = await super().fetch_orders(updated_since=updated_since)
        return attrs.evolve(page, next_cursor="0123456789" * 9)


async def test_long_page_token_is_told_by_its_beginning(memory_world: World) -> None:
    """An error tells forty letters of a page token that came twice, for some are as long as a page."""
    world = memory_world
    shop = Numbered(SHOP, clock=world.clock)
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())

    report = await world.run(shop)

    told = f"Shop/north: page token '{'0123456789' * 4}' came twice (page 2); stopped to avoid a loop, "
    assert [str(error) for error in report.errors] == [f"{told}what was read until then is kept"]


class Timed(FakeMarketplace):
    """Tells its own time on each page, a day later on every further one."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Tell the time."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, server_time=self.now() - SKEW + (timedelta(days=1) if cursor else timedelta(0)))


async def test_first_page_tells_the_channels_time(memory_world: World) -> None:
    """A scan is capped at the time that its first page tells, whatever the later ones say."""
    world = memory_world
    shop = Timed(SHOP, clock=world.clock, page_size=1)
    for reference in ("1001", "1002"):
        shop.place(reference, lines={"MUG": 1})

    await world.run(shop)

    assert (await world.storage.orders.progress(SHOP)).watermark == world.clock.now() - SKEW


async def test_orders_that_other_settings_would_download_are_read_back_to(memory_world: World) -> None:
    """When settings download what former ones refused, the next scan reads back to when that had changed."""
    world, placed = memory_world, memory_world.clock.now()
    shop = BareMarketplace(SHOP, clock=world.clock)
    await world.run(shop)
    world.clock.advance(minutes=1)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=1)
    world.clock.advance(minutes=20)
    shop.place("1002", lines={"MUG": 1})
    await world.run_later(shop, minutes=1)
    assert placed < world.clock.now() - timedelta(minutes=20)

    unpaid_too = shop.with_settings(ChannelSettings(download_unpaid=True))
    report = await world.run_later(unpaid_too, minutes=1)

    assert sightings(report.channels[SHOP]) == {"new": 1, "same": 1}
    assert (await world.order("1001")).parked is not None


async def test_cut_scan_is_noted_under_the_runs_proof(memory_world: World) -> None:
    """A scan that is cut writes that it was, and what it had read by then, under the proof of its run."""
    world = memory_world
    proofs = Proofs(world.storage)
    shop = world.open(SHOP, page_size=1)
    for reference in ("1001", "1002"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    pages = shop.calls["fetch_orders"]

    async def cut(method: str, when: str) -> None:
        if (method, when) == ("fetch_orders", "before") and shop.calls[method] == pages + 2:
            raise ChannelRejectedError("Shop/north: page token expired")

    shop.on_call = cut
    world.clock.advance(minutes=61)
    await World(proofs.storage, world.clock).run(shop)

    assert proofs.unproved == []
    assert (await world.storage.orders.progress(SHOP)).interrupted
    assert [code for code, _ in await windows(world)][1:].count("cut") == 1
