"""Rules 5 to 9: what revisions settle, and what they must never do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs
import pytest

from ordersync import Claim, Order, OrderDesk, OrderKey, OrderState, Parcel, PaymentStatus, Storage, lifecycle
from ordersync.errors import ParcelConflictError, TransitionError
from ordersync.model.dispatch import NoteStatus, ParcelRecord
from ordersync.model.ids import Fence
from ordersync.model.orders import LIVE
from ordersync.model.stock import Due
from ordersync.storage.memory import MemoryOrderStore, MemoryStockLedger
from protocols.world import SKU, Calls, World, breaks, kept_and_taken_out, key

Mistake = Callable[[pytest.MonkeyPatch], None]


async def bought(world: World, quantity: int = 2) -> OrderKey:
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


def reopens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: whatever is reserved becomes OPEN."""
    real = lifecycle.reserved

    def mistaken(order: Order, revision: int, *, held: int) -> Order:
        after = real(order, revision, held=held)
        return after if after is order else attrs.evolve(after, state=OrderState.OPEN)

    monkeypatch.setattr(lifecycle, "reserved", mistaken)


def settles_live_ones_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: an order that wants nothing any more is not settled."""
    real = lifecycle.reserved

    def mistaken(order: Order, revision: int, *, held: int) -> Order:
        return real(order, revision, held=held) if order.state in LIVE else order

    monkeypatch.setattr(lifecycle, "reserved", mistaken)


@pytest.mark.parametrize("mistake", [None, reopens, settles_live_ones_only])
async def test_rule_05_reserved_counts_in_any_state_and_opens_new_orders_only(
    mistake: Mistake | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processed order whose desk died before it was settled is settled by the run, and stays processed."""
    fact = "the processed order is open again or never settled"
    if mistake is not None:
        mistake(monkeypatch)
    await bought(world)
    await cut_before(world, "orders.reserved")

    await world.run()

    order = await world.order(key())
    with breaks(mistake, fact):
        assert (order.state, order.reserved_revision) == (OrderState.PROCESSED, order.stock_revision), fact


@kept_and_taken_out
async def test_rule_05_queueing_a_note_settles_nothing(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that moved while its parcel was finished is still due, and is reserved where it is now."""
    fact = "the rest is reserved where the order was"
    if taken_out:
        queue = MemoryOrderStore.queue

        async def settles(
            store: MemoryOrderStore, one: OrderKey, parcel_id: str, *, fence: Fence | None = None
        ) -> None:
            await queue(store, one, parcel_id, fence=fence)
            order = store._orders[one]
            store._orders[one] = attrs.evolve(order, reserved_revision=order.stock_revision)

        monkeypatch.setattr(MemoryOrderStore, "queue", settles)
    await bought(world, 3)
    calls = Calls()
    pause = calls.pause("orders.queue")
    desk = world.start(world.desk(calls).process(key(), Parcel(id="p1", lines={"L1": 1})))
    await pause.reached()
    await world.change(key(), location="depot")

    pause.go_on()
    await desk
    await world.run()

    with breaks(taken_out, fact):
        assert (await world.reserved("main"), await world.reserved("depot")) == (0, 2), fact


@kept_and_taken_out
async def test_rule_06_tombstone_keeps_what_is_under_way(*, taken_out: bool, world: World) -> None:
    """An order that is deleted behind a recorded parcel still loses its goods and is told to the channel."""
    fact = "the parcel is forgotten"
    await bought(world)
    await cut_before(world, "stock.deduct", Parcel(id="p1", lines={"L1": 1}))
    await world.desk().delete(key(), who="Ada", why="a test order")
    if taken_out:
        store = world.storage.orders
        assert isinstance(store, MemoryOrderStore)
        store._notes.pop(key())
        store._parcels.pop(key())

    await world.drain(times=2)

    with breaks(taken_out, fact):
        assert (await world.on_hand(), len(world.shop.shipments)) == (9, 1), fact
    assert (await world.order(key())).state is OrderState.DELETED


@kept_and_taken_out
async def test_rule_06_stock_revision_never_falls(*, taken_out: bool, world: World) -> None:
    """An order that is restored after it was deleted is reserved by the next run, like a new one."""
    fact = "the ledger ignores the restored order"
    await bought(world)
    await world.desk().delete(key(), who="Ada", why="a test order")
    calls = Calls()
    pause = calls.pause("orders.due")
    world.start(world.desk(calls).restore(key(), who="Ada"))
    await pause.reached()
    restored = await world.order(key())
    if taken_out:
        store = world.storage.orders
        assert isinstance(store, MemoryOrderStore)
        store._orders[key()] = attrs.evolve(restored, stock_revision=1, reserved_revision=0)

    await world.run()

    with breaks(taken_out, fact):
        assert await world.reserved() == 2, fact


@kept_and_taken_out
async def test_rule_06_tombstone_blocks_a_second_download(*, taken_out: bool, world: World) -> None:
    """A deleted order that the channel changes is not stored anew under a first revision."""
    fact = "the deleted order was downloaded again"
    await bought(world)
    await world.desk().delete(key(), who="Ada", why="a test order")
    if taken_out:
        store = world.storage.orders
        assert isinstance(store, MemoryOrderStore)
        del store._orders[key()], store._decisions[key()]
    world.clock.advance(minutes=5)
    world.shop.edit("1001", {SKU: 3})

    await world.run()

    with breaks(taken_out, fact):
        assert (await world.order(key())).state is OrderState.DELETED, fact
    assert await world.reserved() == 0


@kept_and_taken_out
async def test_rule_07_revision_and_wanted_are_read_as_one(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that moves between a run's look and its claim ends up reserved where it moved to."""
    fact = "the order is reserved where it no longer is"
    if taken_out:

        async def mixes(storage: Storage, dues: Sequence[Due], *, at: datetime, fence: Fence | None = None) -> None:
            keys = [due.claim.order_key for due in dues]
            now = {one: (await storage.orders.get(one)).stock_revision for one in keys}
            await storage.stock.reserve(
                [attrs.evolve(due.claim, revision=now[due.claim.order_key]) for due in dues], at=at
            )
            await storage.listings.sold([due.sale for due in dues], fence=fence)
            await storage.orders.reserved(now, fence=fence)

        monkeypatch.setattr("ordersync.sync.reserve.settle", mixes)
    world.shop.place("1001", lines={SKU: 2})
    calls = Calls()
    pause = calls.pause("orders.due", when="after")
    run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    await world.change(key(), location="depot")

    pause.go_on()
    await run
    await world.run()

    with breaks(taken_out, fact):
        assert (await world.reserved("main"), await world.reserved("depot")) == (0, 2), fact


@kept_and_taken_out
async def test_rule_07_ledger_that_knows_more_is_overtaken(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a backup of the orders was restored, an order whose claims the ledger ignores is reserved all the same."""
    fact = "the ledger ignores the order for ever"
    if taken_out:
        real = lifecycle.reserved

        def deaf(order: Order, revision: int, *, held: int) -> Order:
            return real(order, revision, held=min(held, revision))

        monkeypatch.setattr(lifecycle, "reserved", deaf)
    later = Claim(order_key=key(), revision=5, wanted={})
    await world.storage.stock.reserve([later], at=world.clock.now())
    await bought(world)

    await world.run()

    with breaks(taken_out, fact):
        assert await world.reserved() == 2, fact


@kept_and_taken_out
async def test_rule_07_every_order_is_wanted_anew_from_a_new_ledger(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that replaces another holds what open orders want after one run."""
    fact = "the new ledger holds nothing"
    if taken_out:

        async def wants_nothing(_store: MemoryOrderStore) -> None:
            pass

        monkeypatch.setattr(MemoryOrderStore, "rewant_all", wants_nothing)
    await bought(world)
    world.storage = world.storage.replace(stock=MemoryStockLedger())

    await world.storage.orders.rewant_all()
    await world.run()

    with breaks(taken_out, fact):
        assert await world.reserved() == 2, fact


@kept_and_taken_out
async def test_rule_08_desk_compares_the_orders_own_revision(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is parked between the desk's look and its write is not processed, though it wants what it did."""
    fact = "a parked order was processed"
    if taken_out:
        record = MemoryOrderStore.record_parcel

        async def by_stock_revision(store: MemoryOrderStore, parcel: ParcelRecord, *after: Any, **facts: Any) -> Any:  # noqa: ANN401
            stored = store._orders[parcel.order_key]
            if stored.stock_revision == after[0].stock_revision - 1:
                facts["expect"] = stored.revision
            return await record(store, parcel, *after, **facts)

        monkeypatch.setattr(MemoryOrderStore, "record_parcel", by_stock_revision)
    await bought(world)
    calls = Calls()
    pause = calls.pause("orders.record_parcel")
    desk = world.start(world.desk(calls).process(key()))
    await pause.reached()
    world.shop.pay("1001", payment=PaymentStatus.UNPAID)
    await world.run()

    pause.go_on()
    with suppress(TransitionError):
        await desk

    order = await world.order(key())
    with breaks(taken_out, fact):
        assert (order.state, order.parked) == (OrderState.OPEN, "not paid (unpaid)"), fact
    assert await world.notes(key()) == ({"all": NoteStatus.QUEUED} if taken_out else {})


def compares_resolved_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: "the rest" is compared as what the rest is by now."""

    def same(known: ParcelRecord, asked: Parcel) -> ParcelRecord:
        if known.lines != (asked.lines or {}):
            raise ParcelConflictError("other content")
        return known

    monkeypatch.setattr("ordersync.changes._same", same)


def checks_the_state_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: a repeat is held against the order before it is held against the parcel."""

    async def forgets(_store: MemoryOrderStore, _key: OrderKey, _parcel_id: str) -> ParcelRecord | None:
        return None

    monkeypatch.setattr(MemoryOrderStore, "parcel", forgets)


@pytest.mark.parametrize("mistake", [None, compares_resolved_lines, checks_the_state_first])
async def test_rule_09_repeat_is_compared_as_asked(
    mistake: Mistake | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processing the rest of an order a second time, when nothing is left, gives the same answer."""
    fact = "the same call was refused when it came again"
    await bought(world)
    desk: OrderDesk = world.desk()
    asked = Parcel(carrier="DHL", tracking_number="JD01")
    first = await desk.process(key(), asked)
    if mistake is not None:
        mistake(monkeypatch)

    again: Order | None = None
    with suppress(ParcelConflictError, TransitionError):
        again = await desk.process(key(), asked)

    with breaks(mistake, fact):
        assert again == first, fact
    assert await world.on_hand() == 8


@pytest.mark.parametrize(
    "other",
    [Parcel(carrier="UPS", tracking_number="JD01"), Parcel(carrier="DHL"), Parcel(carrier="DHL", lines={"L1": 2})],
)
async def test_rule_09_other_content_is_a_conflict(other: Parcel, world: World) -> None:
    """The same parcel id with another carrier, number or with its lines named is refused and changes nothing."""
    await bought(world)
    await world.desk().process(key(), Parcel(carrier="DHL", tracking_number="JD01"))

    with pytest.raises(ParcelConflictError):
        await world.desk().process(key(), other)

    assert (await world.on_hand(), await world.notes(key())) == (8, {"all": NoteStatus.QUEUED})
