"""Shops with words of their own in runs: confirmed payments, states, methods, exceptions and a host's own checks."""

from __future__ import annotations

import pytest

from ordersync import ChannelSettings, OrderKey, OrderState, StatusMapping
from ordersync.model.channel_orders import ChannelOrder, PaymentStatus
from ordersync.model.orders import Decision
from ordersync.model.settings import HostCheck
from ordersync.testing import FakeMarketplace
from runner.world import SHOP, World

EKM = StatusMapping(
    version="ekm-1", paid=["Processing"], unpaid=["Pending"], shipped=["Dispatched", "Shipped"], confirm_payment=True
)
MAGENTO = StatusMapping(
    version="magento-1",
    by="state",
    paid=["processing"],
    pending=["new"],
    payment_methods=["checkmo"],
    shipped=["complete"],
    cancelled=["canceled"],
)


def open_shop(world: World, settings: ChannelSettings, **traits: object) -> FakeMarketplace:
    """Open a shop whose orders carry words only."""
    return world.open(SHOP, settings, requires_status_mapping=True, **traits)


async def decided(world: World, reference: str) -> Decision:
    """Return the decision about an order."""
    decision = await world.storage.orders.decision(OrderKey(SHOP, reference))
    assert decision is not None
    return decision


async def is_stored(world: World, reference: str) -> bool:
    """Say whether an order is here."""
    return (await decided(world, reference)).admitted


async def test_payment_is_confirmed_before_an_order_comes(world: World) -> None:
    """An order mapped to paid waits until its shop says so of the payment itself, and is parked when that fails."""
    shop = open_shop(world, ChannelSettings(status_mapping=EKM))
    reference = shop.place(lines={"MUG": 1})
    shop.set_status(reference, "PROCESSING")
    async with shop:
        await world.run(shop)
        waiting = await decided(world, reference)
        shop.transact(reference, PaymentStatus.PAID)
        await world.run_later(shop)
        paid = await world.order(reference)
        shop.transact(reference, PaymentStatus.FAILED)
        await world.run_later(shop)

    assert (waiting.code, waiting.mapping_version, waiting.status) == ("NOT_PAID", "ekm-1", "PROCESSING")
    assert waiting.sentence.endswith("its status 'PROCESSING' means paid, but the channel confirms no payment.")
    assert (paid.state, paid.payment, paid.parked) == (OrderState.OPEN, PaymentStatus.PAID, None)
    assert (await world.order(reference)).parked == "not paid (failed)"


async def test_state_and_payment_method_decide(world: World) -> None:
    """A new order comes if its money is known to come, and any other once its state says that it is processed."""
    shop = open_shop(world, ChannelSettings(), default_mapping=MAGENTO)
    trusted = shop.place(lines={"MUG": 1}, payment_method="checkmo")
    other = shop.place(lines={"MUG": 1}, payment_method="paypal")
    for reference in (trusted, other):
        shop.set_state(reference, "new")
    async with shop:
        await world.run(shop)
        waiting = await decided(world, other)
        order = await world.order(trusted)
        shop.set_state(trusted, "canceled")
        shop.set_state(other, "processing")
        await world.run_later(shop)

    assert (order.payment, order.parked, order.status) == (PaymentStatus.AUTHORIZED, None, "Ready")
    assert (waiting.admitted, waiting.code, waiting.mapping_version) == (False, "NOT_PAID", "magento-1")
    assert (await world.order(trusted)).state is OrderState.CANCELLED
    assert (await world.order(other)).payment is PaymentStatus.PAID


async def test_order_without_a_state_needs_a_person(world: World) -> None:
    """Where states are looked up, an order without one is quarantined and comes once it has one."""
    shop = open_shop(world, ChannelSettings(), default_mapping=MAGENTO)
    reference = shop.place(lines={"MUG": 1})
    async with shop:
        report = await world.run(shop)
        unknown = await decided(world, reference)
        shop.set_state(reference, "Processing")
        await world.run_later(shop)

    assert report.channels[SHOP].quarantined == 1
    assert unknown.code == "STATUS_UNKNOWN"
    assert "goes by state, so its channel must show one" in unknown.sentence
    assert await is_stored(world, reference)


async def test_mapping_to_pending_alone_downloads(memory_world: World) -> None:
    """A mapping that maps nothing to paid is whole if it names methods for what is pending."""
    only = StatusMapping(version="1", pending=["Ready"], payment_methods=["Vorkasse"])
    shop = open_shop(memory_world, ChannelSettings(status_mapping=only))
    reference = shop.place(lines={"MUG": 1}, payment_method="VORKASSE")
    async with shop:
        await memory_world.run(shop)

    assert await is_stored(memory_world, reference)


@pytest.mark.parametrize(
    ("downloads_unpaid", "wish", "stored"),
    [(False, None, False), (False, True, True), (True, None, True), (True, False, False)],
)
async def test_marketplaces_are_exceptions_about_unpaid_orders(
    *, world: World, downloads_unpaid: bool, wish: bool | None, stored: bool
) -> None:
    """Unpaid orders come, parked and reserving, from a marketplace that does so, unless the settings say otherwise."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=wish), downloads_unpaid=downloads_unpaid)
    reference = shop.place(lines={"MUG": 2}, paid=False)
    async with shop:
        await world.run(shop)

    assert await is_stored(world, reference) is stored
    assert (await world.level()).reserved == (2 if stored else 0)
    if stored:
        assert (await world.order(reference)).parked == "not paid (unpaid)"


def not_two(order: ChannelOrder) -> str | None:
    """Refuse orders of two pieces."""
    return "Two pieces do not fit into one parcel." if order.lines[0].quantity == 2 else None


async def test_check_of_the_host_decides_under_its_own_code(world: World) -> None:
    """A host's check refuses an order that all of ours let pass; the decision names it, and the mapping that judged."""
    settings = ChannelSettings(
        status_mapping=StatusMapping(version="7", paid=["ready"]),
        checks=[HostCheck(code="TWO_IN_ONE", refuses=not_two)],
    )
    shop = open_shop(world, settings)
    single, double = shop.place(lines={"MUG": 1}), shop.place(lines={"MUG": 2})
    async with shop:
        report = await world.run(shop)
        refused = await decided(world, double)
        shop.edit(double, {"MUG": 3})
        await world.run_later(shop)

    assert (refused.admitted, refused.code, refused.mapping_version) == (False, "TWO_IN_ONE", "7")
    assert (refused.sentence, refused.status) == ("Two pieces do not fit into one parcel.", "Ready")
    assert refused.page == 1
    assert [(one.code, one.subject) for one in report.channels[SHOP].remarks if one.kind == "skipped"] == [
        ("TWO_IN_ONE", double)
    ]
    assert await is_stored(world, single)
    assert await is_stored(world, double)
