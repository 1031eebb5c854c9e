"""Rules 1 to 4: parcels and the stock that leaves with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
import pytest

from ordersync import Claim, Deduction, OrderKey, OrderState, Parcel, Storage
from ordersync.model.dispatch import NoteStatus, ParcelRecord
from ordersync.model.ids import Fence
from ordersync.settlement import finish
from ordersync.storage.memory import MemoryOrderStore, MemoryStockLedger
from protocols.world import SKU, Calls, World, breaks, kept_and_taken_out, key

PART = Parcel(id="p1", lines={"L1": 2}, tracking_number="JD01")


def let_nothing_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the mistake that a WAITING note is no reason to wait for anything."""
    monkeypatch.setattr(MemoryOrderStore, "_has_waiting", lambda _store, _key: False)


async def bought(world: World, quantity: int) -> OrderKey:
    """Let an order be bought in the shop and reserved."""
    world.shop.place("1001", lines={SKU: quantity})
    await world.run()
    return key()


async def cut_before(world: World, call: str, parcel: Parcel | None = None) -> None:
    """Process an order at a desk that dies before a call."""
    calls = Calls()
    pause = calls.pause(call)
    world.start(world.desk(calls).process(key(), parcel))
    await pause.reached()


@kept_and_taken_out
async def test_rule_01_order_is_not_due_while_its_parcel_waits(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goods that are leaving are at no moment free to be sold again, though a run reserves meanwhile."""
    fact = "goods that are leaving are available"
    if taken_out:
        let_nothing_wait(monkeypatch)
    await bought(world, 3)
    calls = Calls()
    pause = calls.pause("orders.due")
    run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    await cut_before(world, "stock.deduct", PART)

    pause.go_on()
    await run

    with breaks(taken_out, fact):
        assert await world.available() == 7, fact


@kept_and_taken_out
async def test_rule_01_run_finishes_waiting_parcels_first(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parcel whose desk died before its goods moved is finished and told of by the next run."""
    fact = "the parcel was left unfinished"
    if taken_out:

        async def finishes_nothing(_run: object) -> None:
            pass

        monkeypatch.setattr("ordersync.sync.resume.finish_parcels", finishes_nothing)
    await bought(world, 3)
    await cut_before(world, "stock.deduct", PART)

    await world.run()

    with breaks(taken_out, fact):
        assert (await world.on_hand(), await world.notes(key())) == (8, {"p1": NoteStatus.CONFIRMED}), fact
    assert len(world.shop.shipments) == (0 if taken_out else 1)


@kept_and_taken_out
async def test_rule_02_second_parcel_waits_for_the_first(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second parcel is recorded only when the first one's goods have moved, so none is free in between."""
    fact = "the first parcel's goods are available before they have left"
    if taken_out:
        let_nothing_wait(monkeypatch)
    await bought(world, 3)
    await cut_before(world, "stock.deduct", PART)

    await world.desk().process(key(), Parcel(id="p2", lines={"L1": 1}))

    with breaks(taken_out, fact):
        assert await world.available() == 7, fact


@kept_and_taken_out
async def test_rule_03_stale_claim_stops_no_movement(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goods leave by a parcel whose claim the ledger ignores, because it remembers a later one."""
    fact = "the goods never left"
    if taken_out:
        deduct = MemoryStockLedger.deduct

        async def all_or_nothing(ledger: MemoryStockLedger, deduction: Deduction, *, at: datetime) -> None:
            held = await ledger.held(deduction.claim.order_key)
            if held is None or held.revision < deduction.claim.revision:
                await deduct(ledger, deduction, at=at)

        monkeypatch.setattr(MemoryStockLedger, "deduct", all_or_nothing)
    await bought(world, 2)
    later = Claim(order_key=key(), revision=9, wanted={(SKU, "main"): 2})
    await world.storage.stock.reserve([later], at=world.clock.now())

    await world.desk().process(key())
    await world.drain(times=2)

    with breaks(taken_out, fact):
        assert await world.on_hand() == 8, fact
    assert await world.reserved() == 0


@kept_and_taken_out
async def test_rule_03_movement_happens_once_per_id(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever repeats a deduction that took effect moves nothing a second time."""
    fact = "the goods left twice"
    if taken_out:
        deduct = MemoryStockLedger.deduct

        async def forgets_ids(ledger: MemoryStockLedger, deduction: Deduction, *, at: datetime) -> None:
            ledger._moved.discard(deduction.id)
            await deduct(ledger, deduction, at=at)

        monkeypatch.setattr(MemoryStockLedger, "deduct", forgets_ids)
    await bought(world, 2)
    await cut_before(world, "orders.queue")

    await world.run()

    with breaks(taken_out, fact):
        assert await world.on_hand() == 8, fact


@kept_and_taken_out
async def test_rule_04_parcel_is_finished_as_it_was_recorded(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goods leave the location they were taken from, though the order has moved to another meanwhile."""
    fact = "the goods left another location"
    if taken_out:

        async def recomputes(
            storage: Storage, parcel: ParcelRecord, *, at: datetime, fence: Fence | None = None
        ) -> None:
            place = (await storage.orders.get(parcel.order_key)).location
            taken: Mapping[tuple[str, str], int] = {
                (sku, place): quantity for (sku, _), quantity in parcel.deduction.taken.items()
            }
            deduction = attrs.evolve(parcel.deduction, taken=taken)
            await finish(storage, attrs.evolve(parcel, deduction=deduction), at=at, fence=fence)

        monkeypatch.setattr("ordersync.sync.resume.finish", recomputes)
    await bought(world, 3)
    await cut_before(world, "stock.deduct", PART)
    await world.change(key(), location="depot")

    await world.run()

    with breaks(taken_out, fact):
        assert (await world.on_hand("main"), await world.on_hand("depot")) == (8, 0), fact
    assert (await world.reserved("main"), await world.reserved("depot")) == (0, 1)
    assert (await world.order(key())).state is OrderState.OPEN
    assert [shipment.lines for shipment in world.shop.shipments] == [{"L1": 2}]
