"""What changes while both sides are read, readings that are cut, and orders that are shown twice."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from doctor.reconciling import Slow, SlowBare, codes, compared, only, opened, state_of, three_open
from ordersync import ChannelOrder, OrderPage, UnreadableOrder
from ordersync.errors import ChannelRejectedError, ChannelUnavailableError
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner import conftest as fixtures
from runner.looking import Forgetful
from runner.world import World

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


class TurningBare(BareMarketplace):
    """Lets something happen while its first page is under way."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show a page as it was."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        if self.meanwhile is not None:
            deed, self.meanwhile = self.meanwhile, None
            await deed()
        return page


class Turning(TurningBare, FakeMarketplace):
    """The same, and it can be asked for one order."""


@pytest.mark.parametrize("deed", ["edit", "cancel", "place"])
@pytest.mark.parametrize("kind", [Turning, TurningBare])
async def test_order_that_changes_while_we_read_is_not_called_different(
    world: World, kind: type[TurningBare], deed: str
) -> None:
    """What the channel and a run did between two pages is looked at again before anything is called different."""
    shop = opened(kind, world)
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)

    async def meanwhile() -> None:
        world.clock.advance(minutes=1)
        if deed == "edit":
            shop.edit("1001", {"MUG": 3})
        elif deed == "cancel":
            shop.cancel("1003")
        else:
            shop.place("1000", lines={"MUG": 1})
        await world.run(shop)

    shop.meanwhile = meanwhile
    found = await compared(world, shop)

    assert codes(found) == []


@pytest.mark.parametrize("kind", [Turning, TurningBare])
async def test_order_that_is_downloaded_while_we_read_is_not_called_missing(
    world: World, kind: type[TurningBare]
) -> None:
    """An order that a run downloads behind our back agrees at the second look."""
    shop = opened(kind, world)
    await three_open(world, shop)
    shop.place("0999", lines={"MUG": 1})

    async def meanwhile() -> None:
        world.clock.advance(minutes=1)
        await world.run(shop)

    shop.meanwhile = meanwhile
    assert codes(await compared(world, shop)) == []


async def test_order_that_ends_while_we_read_is_called_what_it_is(memory_world: World) -> None:
    """An order that was shown, and is gone or cancelled when it is looked at again, is not to be downloaded."""
    world = memory_world
    shop = opened(Turning, world)
    await three_open(world, shop)
    for reference in ("0998", "0999"):
        shop.place(reference, lines={"MUG": 1})

    async def meanwhile() -> None:
        world.clock.advance(minutes=1)
        shop.remove("0998")
        shop.cancel("0999")

    shop.meanwhile = meanwhile
    found = await compared(world, shop)

    assert codes(found) == [("REFUSED", "0999")]
    assert only(found).details["decision"] == "CANCELLED_ON_CHANNEL"


class Cut(Forgetful):
    """Answers no third page."""

    error: ChannelRejectedError | ChannelUnavailableError | None = None
    reads = 0

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show two pages."""
        self.reads = 0 if cursor is None else self.reads + 1
        if self.reads == 2 and self.error is not None:
            raise self.error
        return await super().fetch_orders(updated_since=updated_since, cursor=cursor)


@pytest.mark.parametrize(
    "error", [ChannelRejectedError("Shop/north: page token expired"), ChannelUnavailableError("Shop/north: HTTP 503")]
)
async def test_cut_reading_concludes_nothing_about_what_was_not_shown(
    world: World, error: ChannelRejectedError | ChannelUnavailableError
) -> None:
    """When the third page fails, the error is in the result, what was shown is compared, and nothing is healed."""
    shop = opened(Cut, world)
    for number in range(6):
        shop.place(f"{1001 + number}", lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)
    for reference in ("1001", "1003", "1004", "1005", "1006"):
        shop.edit(reference, {"MUG": 2})
    shop.hidden = {"1002"}
    shop.error = error
    before = await state_of(world)

    found = await compared(world, shop, heal=True)

    assert (found.error, found.pages, found.here) == (error, 2, None)
    assert {code for code, _ in codes(found)} == {"CHANGED"}
    assert (found.clean, found.healed) == (False, None)
    assert json.loads(found.to_json())["error"] == {"code": error.code, "message": str(error)}
    assert "nothing is concluded about orders that were not shown" in str(found)
    assert await state_of(world) == before


class CutLater(Forgetful):
    """Shows no page any more once it was asked for an order."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Show one order."""
        self.fail_next("fetch_orders", ChannelRejectedError("Shop/north: page token expired"))
        return await super().fetch_order(reference)


async def test_second_reading_that_is_cut_takes_nothing_for_left_out(memory_world: World) -> None:
    """Orders that the first reading left out are not named when the second, which is to confirm it, is cut."""
    world = memory_world
    shop = opened(CutLater, world)
    await three_open(world, shop)
    shop.hidden = {"1001"}

    found = await compared(world, shop)

    assert found.error is not None
    assert (found.here, codes(found)) == (None, [])


async def test_look_that_fails_leaves_the_difference_as_it_is(memory_world: World) -> None:
    """An order that cannot be looked up is still named; why it is left out is not known."""
    world = memory_world
    await three_open(world, world.shop)
    world.shop.remove("1001")
    world.shop.fail_next("fetch_order", ChannelUnavailableError("Shop/north: HTTP 503"))

    found = await compared(world, world.shop)

    assert (only(found).code, only(found).details["there"]) == ("NOT_SHOWN", "unknown")


@pytest.mark.parametrize("reference", ["1001", "1003"])
@pytest.mark.parametrize("kind", [Slow, SlowBare])
async def test_order_that_comes_twice_counts_once_in_its_newest_version(
    memory_world: World, kind: type[SlowBare], reference: str
) -> None:
    """An order that several pages show, mostly in an older version, is one order and agrees."""
    world = memory_world
    shop = opened(kind, world, page_size=1)
    await three_open(world, shop)
    old = (await shop.read_sight(reference)).shown
    shop.edit(reference, {"MUG": 3})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.lagging = old

    found = await compared(world, shop)

    assert (found.shown, found.agree) == (3, 3)
