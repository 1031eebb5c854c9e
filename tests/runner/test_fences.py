"""Every verb of a run that can be given the proof of its lease is given it, whatever the run has to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal

import pytest

from ordersync import ChannelSettings, OrderKey
from ordersync.errors import ChannelRejectedError, ChannelUnavailableError, StorageUnavailableError
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.looking import FOREVER
from runner.proofs import Proofs
from runner.watching import watched
from runner.world import SHOP, World

NEEDED = {
    *("progress", "known", "load", "save_page", "set_progress", "unlinked", "due", "reserved", "watched", "missing"),
    *("missing_counts", "doubts", "waiting", "notes_due", "write_note", "forget"),
    *("links", "adopt_rule", "sold", "begin", "finish"),
}
"""Verbs that the life below comes to on any channel."""

KEY = OrderKey(SHOP, "1001")
LOST = ChannelUnavailableError("Shop/north: the answer was lost")


async def much_happens(world: World, shop: BareMarketplace, run: Callable[[], Awaitable[object]]) -> None:
    """Link late, watch, send, lose, refuse, confirm, miss and forget, with runs in between."""
    for number in range(6):
        shop.place(f"100{number}", lines={"MUG": 1, "CUP": 1}, paid=number != 5)
    await run()
    shop.place("ended", lines={"MUG": 1})
    shop.cancel("ended")
    await world.storage.listings.link(SHOP, "CUP", "CUP")
    await run()
    for number in range(3):
        await world.process(f"100{number}", id="p1", lines={"L1": 1}, tracking_number=f"JD{number}")
        await world.process(f"100{number}", id="p2", tracking_number=f"JE{number}")
    shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north: no", applied=None))
    await run()
    shop.fail_next("send_dispatch", LOST, when="after")
    for _ in range(4):
        await run()
    await world.stock("MUG", 50)
    shop.fail_next("push_stock", LOST)
    shop.remove("1003")
    shop.cancel("1004")
    for _ in range(4):
        await run()


@pytest.mark.parametrize("kind", [FakeMarketplace, BareMarketplace])
@pytest.mark.parametrize("scan", ["updated", "state"])
async def test_every_verb_of_a_run_carries_its_proof(
    memory_world: World, kind: type[BareMarketplace], scan: Literal["updated", "state"]
) -> None:
    """Whoever lost the lease writes and reads nothing more, whichever verb of the run comes next."""
    world = memory_world
    settings = ChannelSettings(keep_decisions=timedelta(minutes=30), watch_for=FOREVER, vanished="process")
    shop = kind(SHOP, clock=world.clock, settings=settings, scan=scan)
    shop.list_sku("MUG", 10)
    proofs = Proofs(world.storage)

    async def run() -> None:
        world.clock.advance(minutes=15)
        await World(proofs.storage, world.clock).run(shop)

    await much_happens(world, shop, run)

    assert proofs.unproved == []
    assert set(proofs.seen) >= NEEDED | ({"doubted"} if scan == "updated" else set())


async def test_orders_that_are_linked_one_by_one_carry_the_proof_too(memory_world: World) -> None:
    """Where a person was faster with one order of a page, the others are written under the same proof, and told."""
    world, calls = memory_world, Counter[str]()
    for reference in ("1001", "1002"):
        world.shop.place(reference, lines={"CUP": 2})
    await world.run()
    await world.storage.listings.link(SHOP, "CUP", "CUP")

    async def pack(verb: str) -> None:
        if verb == "save_page" and calls["orders.save_page"] == 1:
            await world.process("1002", id="p1", lines={"L1": 1})

    proofs = Proofs(watched(world.storage, calls, before=pack))
    await World(proofs.storage, world.clock).run_later(world.shop)

    assert proofs.unproved == []
    assert calls["orders.replace"] == 2
    assert [one.event for one in await world.storage.orders.history(KEY)] == ["linked"]


async def test_parcel_that_somebody_was_cut_off_from_is_finished_under_the_proof(memory_world: World) -> None:
    """A parcel whose goods were recorded and not moved is finished by the next run, which proves its lease."""
    world = memory_world
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()

    async def die(verb: str) -> None:
        if verb == "deduct":
            raise StorageUnavailableError("gone")

    with pytest.raises(StorageUnavailableError):
        await World(watched(world.storage, Counter(), before=die), world.clock).process("1001")
    assert await world.statuses("1001") == ["waiting"]
    proofs = Proofs(world.storage)
    await World(proofs.storage, world.clock).run(world.shop)

    assert (proofs.unproved, "queue" in proofs.seen) == ([], True)
    assert (await world.level()).on_hand == 8
