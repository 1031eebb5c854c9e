"""Orders that are open here and not shown, orders that the channel changed, and what healing mends of both."""

from __future__ import annotations

import json

import attrs
import pytest

from doctor.reconciling import KEY, Deed, Slow, codes, compared, only, opened, state_of, three_open
from ordersync import ChannelSettings, OrderKey, OrderState, StatusMapping
from ordersync.doctor.differences import Cure
from ordersync.model.channel_orders import PaymentStatus
from ordersync.model.orders import ConflictCode
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner import conftest as fixtures
from runner.looking import Forgetful, ForgetfulBare, comes_back, conflict_of, levels
from runner.world import SHOP, World

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


@pytest.mark.parametrize(
    ("deed", "there"),
    [
        (lambda shop: shop.ship_by_hand("1001"), "shipped"),
        (lambda shop: shop.cancel("1001"), "cancelled"),
        (lambda shop: shop.remove("1001"), "gone"),
    ],
)
async def test_open_order_that_is_not_shown_is_looked_up(world: World, deed: Deed, there: str) -> None:
    """An order that is open here and left out is looked up, and it is said where it stands there."""
    await three_open(world, world.shop)
    deed(world.shop)

    found = await compared(world, world.shop)

    assert not found.is_suspicious
    assert codes(found) == [("NOT_SHOWN", "1001")]
    assert (only(found).details["there"], only(found).cure) == (there, Cure.RUN)
    assert (found.shown, found.here) == (2, 3)


async def test_order_that_is_shown_under_an_unknown_word_is_not_called_open(memory_world: World) -> None:
    """What a look-up answers in a word that the mapping lacks says nothing of where the order stands."""
    world = memory_world
    settings = ChannelSettings(status_mapping=StatusMapping(version="1", paid=["Ready"]))
    shop = FakeMarketplace(SHOP, clock=world.clock, settings=settings, requires_status_mapping=True)
    shop.place("1001", lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.cancel("1001")

    found = await compared(world, shop)

    assert (only(found).details["there"], only(found).cure) == ("not understood", Cure.PERSON)


async def test_cancelled_order_is_healed(world: World) -> None:
    """An order that its channel cancelled unseen is cancelled here by healing, and frees its stock."""
    await three_open(world, world.shop)
    world.shop.cancel("1001")

    healed = await compared(world, world.shop, heal=True)

    assert (codes(healed), [one.code for one in healed.mended]) == ([], ["NOT_SHOWN"])
    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert await levels(world) == (10, 2)


async def test_order_that_is_gone_is_a_persons_after_healing(world: World) -> None:
    """What the channel does not know any more is in conflict after healing, which then changes nothing again."""
    await three_open(world, world.shop)
    world.shop.remove("1001")

    healed = await compared(world, world.shop, heal=True)

    assert codes(healed) == [("NOT_SHOWN", "1001")]
    assert dict(only(healed).details) == {"there": "gone", "conflict": "VANISHED"}
    assert (only(healed).cure, healed.mended) == (Cure.PERSON, ())
    assert await conflict_of(world, "1001") is ConflictCode.VANISHED
    before = await state_of(world)
    assert codes(await compared(world, world.shop, heal=True)) == codes(healed)
    assert await state_of(world) == before


async def test_conflict_that_the_settings_decide_by_now_is_healed(memory_world: World) -> None:
    """A conflict that was left to a person is the next run's once the settings decide it."""
    world = memory_world
    await three_open(world, world.shop)
    world.shop.remove("1001")
    await compared(world, world.shop, heal=True)
    shop = world.shop.with_settings(ChannelSettings(vanished="cancel"))

    assert only(await compared(world, shop)).cure is Cure.RUN
    assert codes(await compared(world, shop, heal=True)) == []
    assert (await world.order("1001")).state is OrderState.CANCELLED


async def test_orders_that_are_gone_are_looked_at_even_if_they_are_most(world: World) -> None:
    """A sweep without most of the open orders proves nothing; the looks that healing makes due do."""
    await three_open(world, world.shop)
    world.shop.remove("1001")
    world.shop.remove("1002")

    healed = await compared(world, world.shop, heal=True)

    assert [(one.key, one.cure) for one in healed.differences] == [
        (OrderKey(SHOP, reference), Cure.PERSON) for reference in ("1001", "1002")
    ]
    assert await conflict_of(world, "1001") is ConflictCode.VANISHED


async def test_order_that_a_setting_decides_is_healed_to_the_end(memory_world: World) -> None:
    """Where the settings decide what becomes of a vanished order, healing leaves nothing."""
    world = memory_world
    shop = opened(FakeMarketplace, world, settings=ChannelSettings(vanished="cancel"))
    await three_open(world, shop)
    shop.remove("1001")

    healed = await compared(world, shop, heal=True)

    assert codes(healed) == []
    assert (await world.order("1001")).state is OrderState.CANCELLED


async def test_order_that_only_the_listing_leaves_out_stays(world: World) -> None:
    """An order that a look-up shows as open is left as it is: the listing is at fault, and a person is told."""
    shop = opened(Forgetful, world)
    await three_open(world, shop)
    shop.hidden = {"1001"}
    before = await world.order("1001")

    found = await compared(world, shop, heal=True)

    assert codes(found) == [("NOT_SHOWN", "1001")]
    assert (only(found).details["there"], only(found).cure) == ("open", Cure.PERSON)
    assert found.healed is None
    assert await world.order("1001") == before


async def test_order_that_is_not_shown_by_a_channel_without_look_up(world: World) -> None:
    """Without look-up nothing is said of why an order is left out; healing makes the sweeps that decide it due."""
    shop = opened(ForgetfulBare, world)
    await three_open(world, shop)
    shop.hidden = {"1001"}

    first = await compared(world, shop, heal=True)
    assert (only(first).code, only(first).details["there"]) == ("NOT_SHOWN", "unknown")
    assert await conflict_of(world, "1001") is None
    world.clock.advance(minutes=10)
    second = await compared(world, shop, heal=True)

    assert dict(only(second).details) == {"there": "unknown", "conflict": "VANISHED"}
    assert only(second).cure is Cure.PERSON


async def test_channel_that_shows_nothing_is_suspicious(memory_world: World) -> None:
    """Where more than half of the open orders are left out, the channel is suspected rather than they."""
    world = memory_world
    shop = opened(ForgetfulBare, world)
    await three_open(world, shop)
    shop.hidden = {"1001", "1002"}

    found = await compared(world, shop)

    assert found.is_suspicious
    assert "the channel may be at fault" in " ".join(str(found).split())
    shop.hidden = {"1001"}
    assert not (await compared(world, shop)).is_suspicious


async def test_first_parcel_of_a_whole_order_takes_it_out_of_the_listing(memory_world: World) -> None:
    """Where only whole orders can be marked, an order that we sent a part of need not be shown."""
    world = memory_world
    shop = opened(BareMarketplace, world, whole_order_dispatch=True)
    shop.place("1001", lines={"MUG": 2})
    await world.run(shop)
    await world.process("1001", id="p1", lines={"L1": 1})
    await world.run_later(shop)
    world.clock.advance(minutes=1)

    found = await compared(world, shop)

    assert (found.shown, found.here, codes(found)) == (0, 1, [])


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        (lambda shop: shop.edit("1001", {"MUG": 3}), "total, line L1 quantity"),
        (lambda shop: shop.edit("1001", {"MUG": 1, "LID": 1}), "total, line L2"),
        (lambda shop: shop.pay("1001", payment=PaymentStatus.PENDING), "status, payment, parked"),
        (lambda shop: shop.hold("1001"), "status, fulfillment, parked"),
    ],
)
async def test_changed_order_is_named_by_its_fields_and_healed(world: World, deed: Deed, fields: str) -> None:
    """What the channel changed after it was read is told by the names of its fields, and followed by healing."""
    await three_open(world, world.shop)
    deed(world.shop)

    found = await compared(world, world.shop)
    assert codes(found) == [("CHANGED", "1001")]
    assert dict(only(found).details) == {"fields": fields, "side": "ours late"}
    healed = await compared(world, world.shop, heal=True)

    assert (codes(healed), [one.code for one in healed.mended]) == ([], ["CHANGED"])
    before = await state_of(world)
    again = await compared(world, world.shop, heal=True)
    assert (again.differences, again.mended, again.healed) == ((), (), None)
    assert await state_of(world) == before


async def test_change_that_moves_no_time_is_foreign(world: World) -> None:
    """A change under the update time that we have is one that only a sweep can see."""
    await three_open(world, world.shop)
    world.shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED, silently=True)

    found = await compared(world, world.shop)

    assert dict(only(found).details) == {"fields": "status, payment, conflict", "side": "foreign"}
    healed = await compared(world, world.shop, heal=True)
    assert (only(healed).code, only(healed).cure) == ("CHANGED", Cure.PERSON)
    assert dict(only(healed).details) == {"conflict": "PARTIALLY_REFUNDED"}


async def test_listing_that_shows_an_older_version_is_late(world: World) -> None:
    """An older version than we have is the channel's, and nothing is to be done about it here."""
    shop = opened(Slow, world)
    await three_open(world, shop)
    old = await shop.fetch_order("1001")
    shop.edit("1001", {"MUG": 3})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.remove("1001")
    shop.lagging = old

    found = await compared(world, shop, heal=True)

    assert codes(found) == [("CHANGED", "1001")]
    assert dict(only(found).details) == {"fields": "total, line L1 quantity", "side": "channel late"}
    assert (only(found).cure, found.healed) == (Cure.NONE, None)


async def test_personal_fields_are_named_and_never_quoted(memory_world: World) -> None:
    """That the buyer has changed is said; who it is or was is in no text."""
    world = memory_world
    await three_open(world, world.shop)
    other = attrs.evolve(world.shop.orders["1001"].buyer, name="Otto Anders", email="otto@anders.example")
    world.shop.orders["1001"].buyer = other
    world.shop.hold("1001")

    found = await compared(world, world.shop)

    assert only(found).details["fields"] == "status, fulfillment, parked, buyer"
    everything = f"{found} {found!r} {found.to_json()}"
    assert not [word for word in ("Otto", "otto@", "Grete", "Findewirth") if word in everything]


async def test_erased_order_differs_in_nothing_personal(world: World) -> None:
    """An order whose buyer was erased here is not called different for that."""
    await three_open(world, world.shop)
    await world.storage.orders.erase([KEY], at=world.clock.now())
    assert codes(await compared(world, world.shop)) == []
    world.shop.hold("1001")

    found = await compared(world, world.shop)

    assert only(found).details["fields"] == "status, fulfillment, parked"


async def test_order_that_comes_back_agrees_after_healing(world: World) -> None:
    """An order that had vanished and is shown again is in conflict no more after healing."""
    await three_open(world, world.shop)
    world.shop.remove("1001")
    await compared(world, world.shop, heal=True)
    comes_back(world.shop, "1001")
    world.clock.advance(minutes=10)

    healed = await compared(world, world.shop, heal=True)

    assert codes(healed) == []
    assert await conflict_of(world, "1001") is None


async def test_busy_channel_is_healed_by_who_holds_it(world: World) -> None:
    """While another runner holds the channel, healing mends nothing and says so."""
    await three_open(world, world.shop)
    world.shop.place("1004", lines={"MUG": 1})
    lease = await world.storage.journal.lease(SHOP, holder="other", duration=world.shop.call_timeout)
    assert lease is not None

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("NOT_DOWNLOADED", "1004")]
    assert found.healed is not None
    assert found.healed.channels[SHOP].status == "busy"
    assert found.mended == ()


async def test_json_says_what_the_text_says(memory_world: World) -> None:
    """The JSON has the same numbers and differences as the result."""
    world = memory_world
    await three_open(world, world.shop)
    world.shop.place("1004", lines={"MUG": 1})

    healed = await compared(world, world.shop, heal=True)
    told = json.loads(healed.to_json())

    assert told["schema"] == "ordersync.reconciliation/1"
    assert (told["source"], told["subsource"]) == ("Shop", "north")
    assert (told["shown"], told["agree"], told["here"], told["pages"]) == (4, 4, 4, 2)
    assert [(one["code"], one["reference"], one["cure"]) for one in told["mended"]] == [
        ("NOT_DOWNLOADED", "1004", "run")
    ]
    assert told["healed"]["schema"] == "ordersync.run-report/1"
    assert told["clean"] is True
