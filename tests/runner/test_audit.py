"""Leaks, orphans and wrong places made behind the library's back: found, planned, repaired, and gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest

from ordersync import ChannelId, Order, OrderKey, OrderState, errors
from ordersync.audit import apply, audit
from ordersync.model.audits import Audit, FindingCode, Mend, Release, Rewant
from ordersync.model.stock import Claim
from ordersync.ports import OwnStockLedger
from ordersync.storage.memory import MemoryOrderStore, MemoryStockLedger, MemoryStorage
from ordersync.testing import ManualClock
from ordersync.testing.builders import NOON, make_claim
from runner.world import SHOP, World
from storage.foreign_ledger import DictLedger, OpenLedger
from storage.spoiling import lose_hold, spoil_hold, spoil_level

KEY = OrderKey(SHOP, "1001")


@pytest.fixture
async def sold(world: World) -> World:
    """Sell three mugs in one order and two in another, and settle both."""
    world.shop.place("1001", lines={"MUG": 3})
    world.shop.place("1002", lines={"MUG": 2})
    await world.run()
    return world


def codes(found: Audit) -> list[tuple[str, str]]:
    """Return code and subject of all that was found."""
    return [(str(finding.code), finding.subject) for finding in found.findings]


async def repaired(world: World, *, runs: int = 1) -> Audit:
    """Apply the plan of an audit, run, and audit again."""
    found = await audit(world.storage)
    assert await apply(found.plan, world.storage, at=world.clock.now()) == list(found.plan)
    assert (await audit(world.storage)).clean
    for _ in range(runs):
        await world.run_later()
    again = await audit(world.storage)
    assert (again.due, again.findings, again.plan) == (0, (), ())
    return again


async def test_ordinary_work_is_clean(sold: World) -> None:
    """An order that is settled, one that was sent and one that was cancelled are no findings."""
    await sold.process("1001", id="p1", lines={"L1": 1})
    await sold.desk.cancel(OrderKey(SHOP, "1002"))
    await sold.run_later()

    found = await audit(sold.storage)
    assert (found.compared, found.due, found.findings) == (2, 0, ())


async def test_due_orders_are_no_fault(sold: World) -> None:
    """Orders that are saved, cancelled or packed but not settled yet are counted as due, and nothing is wrong."""
    orders = sold.storage.orders
    await orders.rewant([KEY])
    await sold.storage.stock.reserve([make_claim(KEY, {"MUG": 8}, revision=2)], at=NOON)

    found = await audit(sold.storage)
    assert (found.compared, found.due, found.findings, found.plan) == (2, 1, (), ())
    await sold.storage.orders.rewant_all()
    assert (await audit(sold.storage)).due == 2


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ({"MUG": 6}, FindingCode.DOUBLED),
        ({"MUG": 4}, FindingCode.LEAKED),
        ({"MUG": 1}, FindingCode.MISSING),
        ({("MUG", "shop"): 3}, FindingCode.WRONG_PLACE),
    ],
)
async def test_wrong_hold_is_repaired(sold: World, held: dict[str, int], code: FindingCode) -> None:
    """A hold that is doubled, too large, too small or elsewhere is made due again, and the next run sets it."""
    order = await sold.order("1001")
    await spoil_hold(sold.storage.stock, make_claim(KEY, held, revision=order.stock_revision))

    found = await audit(sold.storage)
    assert [(one.code, one.order_key) for one in found.orders] == [(code, KEY)]
    assert found.plan == (Rewant(order_key=KEY, revision=order.stock_revision),)
    await repaired(sold)
    assert (await sold.level()).reserved == 5
    assert sold.market.levels == {"MUG": 5}


async def test_hold_of_a_cancelled_order_is_repaired(sold: World) -> None:
    """A cancelled order that still holds goods has leaked them, and gives them back."""
    order = await sold.desk.cancel(KEY)
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 3}, revision=order.stock_revision))
    assert (await sold.level()).available == 5

    assert codes(await audit(sold.storage)) == [("LEAKED", str(KEY))]
    await repaired(sold)
    assert (await sold.level()).available == 8
    assert (await sold.order("1001")).state is OrderState.CANCELLED


async def test_hold_of_a_deleted_order_is_repaired(sold: World) -> None:
    """A tombstone that still holds goods is found like any other order, and stays a tombstone."""
    order = await sold.desk.delete(KEY, who="ann", why="test order")
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 3}, revision=order.stock_revision))

    assert codes(await audit(sold.storage)) == [("LEAKED", str(KEY))]
    await repaired(sold)
    assert (await sold.level()).available == 8
    assert (await sold.order("1001")).state is OrderState.DELETED


async def test_orphaned_hold_is_released(sold: World) -> None:
    """Goods held for an order that nobody knows are released, and the order can still come."""
    orphan = OrderKey(SHOP, "1003")
    await sold.storage.stock.reserve([make_claim(orphan, {"MUG": 4}, revision=3)], at=NOON)

    found = await audit(sold.storage)
    assert codes(found) == [("ORPHANED", str(orphan))]
    assert found.plan == (Release(claim=make_claim(orphan, {}, revision=4)),)
    await repaired(sold)
    assert (await sold.level()).reserved == 5

    sold.shop.place("1003", lines={"MUG": 1})
    await sold.run_later()
    await sold.run_later()
    assert (await sold.level()).reserved == 6
    assert (await audit(sold.storage)).clean


async def test_orders_restored_from_a_backup_overtake_the_ledger(sold: World) -> None:
    """A ledger that holds a later revision than the order ever had is overtaken within two runs."""
    await sold.storage.stock.reserve([make_claim(KEY, {"MUG": 8}, revision=40)], at=NOON)

    assert codes(await audit(sold.storage)) == [("LEDGER_AHEAD", str(KEY))]
    await repaired(sold, runs=2)
    assert (await sold.level()).reserved == 5


async def test_ledger_restored_from_a_backup_catches_up(sold: World) -> None:
    """A ledger that forgot an order, or knows an older revision of it, is told again."""
    assert isinstance(sold.storage.stock, OwnStockLedger)
    await lose_hold(sold.storage.stock, OrderKey(SHOP, "1002"))
    sold.shop.edit("1001", {"MUG": 4})
    await sold.run_later()
    before = make_claim(KEY, {"MUG": 3}, revision=1)
    await lose_hold(sold.storage.stock, KEY)
    await sold.storage.stock.reserve([before], at=NOON)

    subjects = [str(OrderKey(SHOP, reference)) for reference in ("1001", "1002")]
    assert codes(await audit(sold.storage)) == [("LEDGER_BEHIND", subject) for subject in subjects]
    await repaired(sold)
    assert (await sold.level()).reserved == 6


async def test_level_is_mended(sold: World) -> None:
    """A level that is not the sum of its books is set right, and the channels are told."""
    await spoil_level(sold.storage.stock, "MUG", location="main", on_hand=30, reserved=0)

    found = await audit(sold.storage)
    assert codes(found) == [("ON_HAND_OFF", "MUG at main"), ("RESERVED_OFF", "MUG at main")]
    assert found.plan == (Mend(level=found.levels[0]),)
    await repaired(sold)
    level = await sold.level()
    assert (level.on_hand, level.reserved) == (10, 5)
    assert sold.shop.levels == sold.market.levels == {"MUG": 5}


async def test_everything_at_once_is_repaired(sold: World) -> None:
    """A wrong level under a wrong hold beside an orphan is set right by one plan."""
    order = await sold.order("1001")
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 6}, revision=order.stock_revision))
    await sold.storage.stock.reserve([make_claim(OrderKey(ChannelId("Old", "x"), "7"), {"MUG": 4})], at=NOON)
    await spoil_level(sold.storage.stock, "MUG", location="main", on_hand=10, reserved=1)

    assert [code for code, _ in codes(await audit(sold.storage))] == ["ORPHANED", "DOUBLED", "RESERVED_OFF"]
    await repaired(sold)
    level = await sold.level()
    assert (level.on_hand, level.reserved) == (10, 5)


async def test_looking_changes_nothing(sold: World) -> None:
    """An audit itself repairs nothing, however often it is asked for."""
    order = await sold.order("1001")
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 6}, revision=order.stock_revision))

    first = await audit(sold.storage)
    assert await audit(sold.storage) == first
    assert await sold.order("1001") == order
    assert (await sold.level()).reserved == 8


async def test_plan_applied_twice_changes_nothing_more(sold: World) -> None:
    """What a plan has done is not done again, before the next run and after it."""
    order = await sold.order("1001")
    orphan = OrderKey(SHOP, "gone")
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 6}, revision=order.stock_revision))
    await sold.storage.stock.reserve([make_claim(orphan, {"MUG": 1})], at=NOON)
    await spoil_level(sold.storage.stock, "MUG", location="shop", on_hand=1, reserved=0)
    plan = (await audit(sold.storage)).plan

    assert len(await apply(plan, sold.storage, at=NOON)) == 3
    after = await sold.order("1001")
    await apply(plan, sold.storage, at=NOON)
    assert await sold.order("1001") == after
    await sold.run_later()
    settled = await sold.order("1001")
    await apply(plan, sold.storage, at=NOON)
    assert await sold.order("1001") == settled
    assert (await audit(sold.storage)).findings == ()


async def test_plan_does_nothing_when_the_world_moved_on(sold: World) -> None:
    """Orders that were cancelled, saved or settled anew since the audit are left as they are."""
    order = await sold.order("1001")
    orphan = OrderKey(SHOP, "1003")
    await spoil_hold(sold.storage.stock, make_claim(KEY, {"MUG": 6}, revision=order.stock_revision))
    await sold.storage.stock.reserve([make_claim(orphan, {"MUG": 4}, revision=1)], at=NOON)
    await spoil_level(sold.storage.stock, "MUG", location="shop", on_hand=1, reserved=0)
    plan = (await audit(sold.storage)).plan

    cancelled = await sold.desk.cancel(KEY)
    sold.shop.place("1003", lines={"MUG": 1})
    await sold.run_later()
    await sold.stock("MUG", 2, location="shop")

    assert await apply(plan, sold.storage, at=NOON) == []
    assert await sold.order("1001") == cancelled
    assert (await sold.level(location="shop")).on_hand == 2


async def test_part_of_a_plan_may_be_applied(sold: World) -> None:
    """Who reviews a plan may leave steps out, and what they answer is still found."""
    for reference in ("1001", "1002"):
        order = await sold.order(reference)
        claim = make_claim(order.key, {"MUG": 1}, revision=order.stock_revision)
        await spoil_hold(sold.storage.stock, claim)
    first, second = (await audit(sold.storage)).plan

    assert await apply([second], sold.storage, at=NOON) == [second]
    assert (await audit(sold.storage)).plan == (first,)


async def test_short_stock_is_named(sold: World) -> None:
    """Oversold goods are named with place and number, for a person; the books are right."""
    await sold.stock("MUG", 1)

    found = await audit(sold.storage)
    assert codes(found) == [("SHORT", "MUG at main")]
    assert "4 more sold" in found.findings[0].sentence
    assert found.clean
    assert found.plan == ()


class BusyOrders(MemoryOrderStore):
    """Orders that somebody works on as soon as an audit has read a page of them."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def listed(self, **asked: Any) -> Sequence[Order]:  # noqa: ANN401 - as in the port
        """Answer, and let it be too late."""
        orders = await super().listed(**asked)
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            await work()
        return orders


class BusyLedger(MemoryStockLedger):
    """Stock that is reserved as soon as an audit has read a page of holds."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    told = 0

    async def holds(self, **asked: Any) -> Sequence[Claim]:  # noqa: ANN401 - as in the port
        """Answer, and let it be too late."""
        claims = await super().holds(**asked)
        self.told += len(claims)
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            await work()
        return claims


@pytest.mark.parametrize("of_orders", [False, True])
@pytest.mark.parametrize("of_holds", [False, True])
async def test_audit_beside_a_run_finds_nothing(clock: ManualClock, *, of_orders: bool, of_holds: bool) -> None:
    """Orders that are saved, edited, cancelled and settled between the reads of an audit are no finding."""
    orders, stock = BusyOrders(), BusyLedger()
    async with MemoryStorage(clock=clock).replace(orders=orders, stock=stock) as storage:
        world = World(storage, clock)
        for reference, pieces in (("1001", 3), ("1002", 2), ("1003", 1)):
            world.shop.place(reference, lines={"MUG": pieces})
        await world.stock("MUG", 10)
        await world.sell(world.shop, "MUG", 10)
        await world.run(world.shop)

        orders.meanwhile = _busy(world, "1002", "2001") if of_orders else None
        stock.meanwhile = _busy(world, "1003", "2002") if of_holds else None
        found = await audit(storage)

        assert (found.due, found.findings) == (0, ())
        assert (orders.meanwhile, stock.meanwhile) == (None, None)
        assert (await audit(storage)).findings == ()


def _busy(world: World, cancelled: str, placed: str) -> Callable[[], Awaitable[object]]:
    async def work() -> None:
        await world.desk.cancel(OrderKey(SHOP, cancelled))
        world.shop.place(placed, lines={"MUG": 1})
        world.shop.edit("1001", {"MUG": int(placed) - 2000})
        await world.run_later(world.shop)

    return work


async def test_many_orders_are_compared_page_by_page(sold: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the pages are, every order and every hold is compared once."""
    for number in range(5):
        sold.shop.place(f"1{number}", lines={"MUG": 1})
        orphan = OrderKey(ChannelId(("Shop", "Zoo")[number % 2], "x"), f"{number}")
        await sold.storage.stock.reserve([make_claim(orphan, {"MUG": 1})], at=NOON)
    await sold.run_later()
    whole = await audit(sold.storage)

    monkeypatch.setattr("ordersync.audit.BATCH", 2)
    assert await audit(sold.storage) == whole
    assert (whole.compared, len(whole.orders)) == (7, 5)


async def test_holds_are_not_read_anew_for_each_page(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages of orders there are, every hold is read twice at most."""
    stock = BusyLedger()
    async with MemoryStorage(clock=clock).replace(stock=stock) as storage:
        world = World(storage, clock)
        for number in range(40):
            world.shop.place(f"{number}", lines={"MUG": 1})
        await world.run(world.shop)
        monkeypatch.setattr("ordersync.audit.BATCH", 4)

        assert (await audit(storage)).compared == 40
        assert stock.told <= 2 * 40


async def test_foreign_ledger_is_audited(sold: World) -> None:
    """A ledger that is not ours is audited like ours if it offers the protocol."""
    erp = OpenLedger()
    erp.receive("MUG", location="main", quantity=10)
    foreign = World(sold.storage.replace(stock=erp), sold.clock)
    await foreign.storage.orders.rewant_all()
    await foreign.run_later(sold.shop, sold.market)
    erp.bookings[KEY] = attrs.evolve(erp.bookings[KEY], wanted={("MUG", "main"): 31})

    found = await audit(foreign.storage)
    assert codes(found) == [("LEAKED", str(KEY)), ("SHORT", "MUG at main")]
    await apply(found.plan, foreign.storage, at=NOON)
    await foreign.run_later(sold.shop, sold.market)
    assert erp.bookings[KEY].wanted == {("MUG", "main"): 3}
    assert (await audit(foreign.storage)).findings == ()


async def test_ledger_without_open_books_is_refused(sold: World) -> None:
    """A ledger that offers the five verbs alone is named, with the protocol that it would need."""
    with pytest.raises(errors.ConfigurationError, match=r"DictLedger .* SupportsAudit"):
        await audit(sold.storage.replace(stock=DictLedger()))
