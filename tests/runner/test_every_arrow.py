"""Every arrow of the lifecycle, taken by people and a marketplace: a small story for each, and no story missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from ordersync import OrderKey, OrderState, Parcel, PaymentStatus
from ordersync.errors import StorageUnavailableError
from ordersync.lifecycle import ARROWS, OrderEvent
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import ManualClock
from runner.arrows_taken import Arrow, ArrowsTaken
from runner.conftest import OpenStorage, stock_mugs
from runner.settled import adds_up_at_rest, come_to_rest
from runner.world import SHOP, World

E, S = OrderEvent, OrderState
KEY = OrderKey(SHOP, "1001")
WHO: dict[str, Any] = {"who": "Ada", "why": "a call"}
TEN = {("MUG", "main"): 10, ("LID", "main"): 5}

Story = Callable[[World], Awaitable[object]]


async def run(world: World) -> None:
    """Run an hour and a half later, so that everything is swept."""
    await world.run_later(minutes=90)


async def edited(world: World) -> None:
    """The buyer takes one more."""
    world.shop.edit("1001", {"MUG": 4})
    await run(world)


async def linked(world: World) -> None:
    """What the second line sells becomes known."""
    await world.storage.listings.link(SHOP, "LID", "LID")
    await run(world)


async def processed_in_part(world: World) -> None:
    """One mug leaves."""
    await world.desk.process(KEY, Parcel(id="p1", lines={"L1": 1}))


async def processed(world: World) -> None:
    """All of it leaves."""
    await world.desk.process(KEY)


async def cancelled(world: World) -> None:
    """The buyer cancels on the channel."""
    world.shop.cancel("1001")
    await run(world)


async def held(world: World) -> None:
    """A person locks the order."""
    await world.desk.hold(KEY, **WHO)


async def resumed(world: World) -> None:
    """A person locks the order and unlocks it."""
    with suppress(StorageUnavailableError):
        await held(world)
    await world.desk.resume(KEY, **WHO)


async def parked(world: World) -> None:
    """A person sets the order aside."""
    await world.desk.park(KEY, **WHO)


async def unparked(world: World) -> None:
    """A person sets the order aside and takes it up again."""
    with suppress(StorageUnavailableError):
        await parked(world)
    await world.desk.unpark(KEY, **WHO)


async def moved(world: World) -> None:
    """A person has the order served from another place."""
    await world.desk.move(KEY, "hall", **WHO)


async def relinked(world: World) -> None:
    """A person lets the lines mean what they mean now."""
    await world.desk.relink(KEY, **WHO)


async def deleted(world: World) -> None:
    """A person deletes the order."""
    await world.desk.delete(KEY, **WHO)


async def resolved(world: World) -> None:
    """A partial refund is let stand."""
    world.shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED)
    await run(world)
    await world.desk.resolve(KEY, "keep", **WHO)


async def vanished(world: World) -> None:
    """The channel does not show the order any more."""
    world.shop.remove("1001")
    await run(world)


async def restored(world: World) -> None:
    """A deleted order is restored."""
    await deleted(world)
    await world.desk.restore(KEY, **WHO)


async def revived(world: World) -> None:
    """A cancelled order is paid after all."""
    await cancelled(world)
    world.shop.revive("1001")
    await run(world)


async def edited_after(world: World) -> None:
    """The buyer takes one more when all has left."""
    await processed(world)
    await edited(world)


async def reopened(world: World) -> None:
    """An edit behind the processing is followed."""
    await edited_after(world)
    await world.desk.resolve(KEY, "follow", **WHO)


async def kept_processed(world: World) -> None:
    """An edit behind the processing is let stand."""
    await edited_after(world)
    await world.desk.resolve(KEY, "keep", **WHO)


async def kept_cancelled(world: World) -> None:
    """A cancellation behind a parcel is let stand."""
    await processed_in_part(world)
    await cancelled(world)
    await world.desk.resolve(KEY, "keep", **WHO)


LIVING: Mapping[OrderEvent, Story] = {
    E.EDITED: edited,
    E.LINKED: linked,
    E.PROCESSED_IN_PART: processed_in_part,
    E.PROCESSED: processed,
    E.CANCELLED: cancelled,
    E.HELD: held,
    E.RESUMED: resumed,
    E.PARKED: parked,
    E.UNPARKED: unparked,
    E.MOVED: moved,
    E.RELINKED: relinked,
    E.DELETED: deleted,
    E.RESOLVED: resolved,
    E.VANISHED: vanished,
}

STORIES: Mapping[Arrow, Story] = {
    **{(state, event): story for state in (S.NEW, S.OPEN) for event, story in LIVING.items()},
    (S.NEW, E.RESERVED): run,
    (S.DELETED, E.RESTORED): restored,
    (S.CANCELLED, E.REVIVED): revived,
    (S.PROCESSED, E.REOPENED): reopened,
    (S.PROCESSED, E.RESOLVED): kept_processed,
    (S.CANCELLED, E.RESOLVED): kept_cancelled,
}
"""For each arrow a story that takes it; those of NEW happen while the ledger is away, so that nothing is reserved."""


def test_no_arrow_lacks_a_story() -> None:
    """Every arrow of the table has a story, and no story takes an arrow that is not there."""
    assert STORIES.keys() == ARROWS.keys()


@pytest.fixture
async def taken(clock: ManualClock, open_storage: OpenStorage) -> AsyncIterator[ArrowsTaken]:
    """Open a storage that notes the arrows taken."""
    async with open_storage(clock) as storage:
        yield ArrowsTaken(storage)


async def downloaded(world: World, taken: ArrowsTaken, *, cut: bool) -> None:
    """Sell mugs and an unlinked lid, among other orders, and download them; *cut*: nothing is reserved."""
    world.shop.list_sku("LID", 5)
    world.shop.place("1001", lines={"MUG": 3, "LID": 1})
    for reference in ("1002", "1003"):
        world.shop.place(reference, lines={"MUG": 1})
    taken.cut = cut
    await world.run()
    assert (await world.order("1001")).state is (S.NEW if cut else S.OPEN)
    taken.arrows.clear()


@pytest.mark.parametrize("arrow", STORIES, ids=lambda arrow: f"{arrow[0]}: {arrow[1]}")
async def test_arrow_is_taken(taken: ArrowsTaken, clock: ManualClock, arrow: Arrow) -> None:
    """The story of each arrow takes it, no step of it is outside the table, and in memory everything adds up then."""
    world = World(taken.storage, clock)
    async with world.shop, world.market:
        await stock_mugs(world)
        await world.stock("LID", 5)
        cut = arrow[0] is S.NEW and arrow[1] is not E.RESERVED
        await downloaded(world, taken, cut=arrow[0] is S.NEW)
        taken.cut = cut

        with suppress(StorageUnavailableError):
            await STORIES[arrow](world)

        assert arrow in taken.arrows
        assert taken.strange == []
        if isinstance(taken.opened, MemoryStorage):
            taken.cut = False
            await come_to_rest(world, runs=2)
            await adds_up_at_rest(world, TEN)
