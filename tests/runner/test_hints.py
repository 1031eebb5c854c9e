"""Hints: somebody says that something happened to an order, and it is looked at now instead of with the next scan."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from ordersync import (
    ChannelId,
    ChannelSettings,
    OrderKey,
    OrderState,
    RunReport,
    SupportsWebhooks,
)
from ordersync.errors import ChannelAuthError, ChannelRejectedError, ChannelUnavailableError, ConfigurationError
from ordersync.model.runs import ChannelState, EntryKind
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.looking import conflict_of, levels, watched
from runner.world import MARKET, SHOP, World, adds_up, remarks, sightings

KEY = OrderKey(SHOP, "1001")


async def hint(world: World, key: OrderKey = KEY, *channels: BareMarketplace) -> RunReport:
    """Hint at an order, and see that its channel's sightings add up."""
    report = await world.runner(*channels).hint(key)
    adds_up(report)
    return report


async def opened(world: World) -> World:
    """Let both marketplaces be connected, and forget which calls that took."""
    await world.run()
    world.shop.calls.clear()
    world.market.calls.clear()
    return world


async def test_hint_at_a_new_order(world: World) -> None:
    """An order nobody has seen yet is looked up, saved and reserved at once; only its own channel is asked anything."""
    await opened(world)
    world.shop.place("1001", lines={"MUG": 2})

    report = await hint(world)

    assert list(report.channels) == [SHOP]
    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await levels(world) == (10, 2)
    assert (world.shop.calls, world.market.calls) == ({"fetch_order": 1}, {})
    assert await watched(world) == []


async def test_what_a_hint_reserves_is_told_by_the_next_run(memory_world: World) -> None:
    """The other channels hear of an order that a hint brought with their next run, which sees it again as the same."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 2})
    await hint(memory_world)
    assert memory_world.market.levels == {"MUG": 10}

    report = await memory_world.run()

    assert sightings(report.channels[SHOP]) == {"same": 1}
    assert memory_world.market.levels == memory_world.shop.levels == {"MUG": 8}


async def test_hint_at_a_known_order(world: World) -> None:
    """A known order that was cancelled on its channel gives its goods back at once."""
    world.shop.place("1001", lines={"MUG": 2})
    await opened(world)
    world.shop.cancel("1001")

    report = await hint(world)

    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert await levels(world) == (10, 0)
    assert world.shop.calls == {"fetch_order": 1}
    assert await watched(world) == []


async def test_hint_at_an_order_that_is_as_before(world: World) -> None:
    """A hint too many costs one look and changes nothing."""
    world.shop.place("1001", lines={"MUG": 2})
    await opened(world)
    before = await world.order("1001")

    report = await hint(world)

    assert sightings(report.channels[SHOP]) == {"same": 1}
    assert await world.order("1001") == before
    assert len(await world.storage.orders.history(KEY)) == 0


async def test_hint_at_an_order_that_is_not_on_the_channel(world: World) -> None:
    """A reference that the channel does not know is asked for once and forgotten."""
    await opened(world)

    report = await hint(world, OrderKey(SHOP, "9999"))

    assert report.errors == ()
    assert (report.channels[SHOP].looked_up, report.channels[SHOP].seen) == (1, 0)
    assert await world.storage.orders.decision(OrderKey(SHOP, "9999")) is None
    assert await watched(world) == []


async def test_hint_at_an_order_that_its_channel_lost(world: World) -> None:
    """An open order that is gone when somebody hints at it is a conflict at once, and keeps its stock."""
    world.shop.place("1001", lines={"MUG": 2})
    await opened(world)
    world.shop.remove("1001")

    report = await hint(world)

    assert remarks(report.channels[SHOP], "conflict") == [("VANISHED", "Shop/north/1001")]
    assert await levels(world) == (10, 2)


async def test_hint_at_an_unpaid_order_is_watched_further(memory_world: World) -> None:
    """An order that is still not paid when somebody hints at it stays on the watch list."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 1}, paid=False)

    report = await hint(memory_world)

    assert sightings(report.channels[SHOP]) == {"skipped": 1}
    assert await watched(memory_world) == ["1001"]
    await memory_world.run_later(minutes=1)
    assert memory_world.shop.calls["fetch_order"] == 1


async def test_hint_at_a_deleted_order(world: World) -> None:
    """A hint brings no order back that a person deleted."""
    world.shop.place("1001", lines={"MUG": 2})
    await opened(world)
    await world.desk.delete(KEY, who="Ada", why="a test order")

    report = await hint(world)

    assert remarks(report.channels[SHOP], "skipped") == [("DELETED_HERE", "1001")]
    assert (await world.order("1001")).state is OrderState.DELETED
    assert await levels(world) == (10, 0)


async def test_hint_while_another_runner_holds_the_channel(world: World) -> None:
    """While the channel is held the report says busy, nothing is called, and the next run looks."""
    await opened(world)
    world.shop.place("1001", lines={"MUG": 1})
    lease = await world.storage.journal.lease(SHOP, holder="another", duration=timedelta(minutes=3))
    assert lease is not None

    report = await hint(world)

    assert report.channels[SHOP].status == "busy"
    assert report.errors == ()
    assert world.shop.calls == {}
    assert await watched(world) == ["1001"]
    await world.storage.journal.release(lease)
    next_report = await world.run()
    assert next_report.channels[SHOP].looked_up == 1
    assert sightings(next_report.channels[SHOP]) == {"new": 1, "same": 1}
    assert await watched(world) == []


async def test_hint_at_a_disabled_channel(memory_world: World) -> None:
    """A disabled channel is not called; when it is enabled again its next run looks."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 1})
    await memory_world.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=memory_world.clock.now())

    report = await hint(memory_world)

    assert report.channels[SHOP].status == "disabled"
    assert memory_world.shop.calls == {}
    assert await watched(memory_world) == ["1001"]
    await memory_world.storage.journal.enable(SHOP, by="Ada", at=memory_world.clock.now())
    assert (await memory_world.run()).channels[SHOP].looked_up == 1


async def test_hint_at_a_channel_that_was_never_connected(memory_world: World) -> None:
    """The first contact with a channel may be a hint: it is tested, enabled, and the order is there."""
    memory_world.shop.place("1001", lines={"MUG": 1})

    await hint(memory_world)

    assert (await memory_world.life()).state is ChannelState.ENABLED
    assert (await memory_world.order("1001")).state is OrderState.OPEN


async def test_hint_at_a_channel_that_cannot_be_asked_for_one_order(world: World) -> None:
    """Where no order can be looked up the channel's scan is read, and the hint is done with."""
    shop = BareMarketplace(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    await world.run(shop)
    world.clock.advance(minutes=1)
    shop.place("1001", lines={"MUG": 1})
    shop.place("1002", lines={"MUG": 1})
    shop.calls.clear()

    report = await hint(world, KEY, shop)

    assert sightings(report.channels[SHOP]) == {"new": 2}
    assert shop.calls == {"fetch_orders": 1}
    assert await levels(world) == (10, 2)
    assert await watched(world) == []


async def test_hint_at_a_channel_that_this_runner_does_not_have(memory_world: World) -> None:
    """A key of a channel that is not the runner's is a mistake of the caller, and nothing is noted."""
    other = ChannelId("Other", "shop")

    with pytest.raises(ConfigurationError, match="this runner has no channel Other/shop"):
        await memory_world.runner().hint(OrderKey(other, "1001"))

    assert await watched(memory_world, other) == []


@pytest.mark.parametrize(
    "error",
    [ChannelUnavailableError("Shop/north: down"), ChannelAuthError("Shop/north: log in")],
    ids=["down", "locked out"],
)
async def test_hint_in_an_outage_stays_due(
    memory_world: World, error: ChannelUnavailableError | ChannelAuthError
) -> None:
    """When the channel does not answer the report says failed, and the look is made up for by the next run."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 1})
    memory_world.shop.fail_next("fetch_order", error)

    report = await hint(memory_world)

    assert report.channels[SHOP].status == "failed"
    assert report.errors == (error,)
    assert await watched(memory_world) == ["1001"]
    assert (await memory_world.run()).channels[SHOP].looked_up == 1
    assert await watched(memory_world) == []


async def test_hint_whose_look_is_refused_is_tried_again_later(world: World) -> None:
    """A look at an unseen order that the channel refuses is reported, and repeated after ten minutes."""
    await opened(world)
    world.shop.fail_next("fetch_order", ChannelRejectedError("Shop/north: refused"))

    report = await hint(world)

    assert remarks(report.channels[SHOP], "failed") == [("channel-rejected", "Shop/north/1001")]
    assert await watched(world) == ["1001"]
    await world.run_later(minutes=9)
    assert world.shop.calls["fetch_order"] == 1
    await world.run_later(minutes=1)
    assert world.shop.calls["fetch_order"] == 2
    assert await watched(world) == []


async def test_hint_at_a_resting_channel(memory_world: World) -> None:
    """A channel that rests after failures is not called by a hint; the run after its rest looks."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 1})
    until = memory_world.clock.now() + timedelta(minutes=5)
    await memory_world.storage.journal.set_health(SHOP, at=memory_world.clock.now(), failures=3, paused_until=until)

    report = await hint(memory_world)

    assert report.channels[SHOP].status == "paused"
    assert memory_world.shop.calls == {}
    assert (await memory_world.run_later()).channels[SHOP].looked_up == 1


async def test_hint_reads_no_scan_and_sends_nothing(memory_world: World) -> None:
    """Notes and levels that are due, and other orders that are new, wait for the next run."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    memory_world.shop.place("1002", lines={"MUG": 1})
    await opened(memory_world)
    await memory_world.process("1002")
    memory_world.shop.place("1003", lines={"MUG": 1})

    await hint(memory_world)

    assert memory_world.shop.calls == {"fetch_order": 1}
    assert await memory_world.statuses("1002") == ["queued"]
    assert await memory_world.storage.orders.decision(OrderKey(SHOP, "1003")) is None


async def test_hint_decides_a_conflict_as_the_settings_say(world: World) -> None:
    """What a look finds shipped by other hands is taken off stock at once where the settings say so."""
    await world.run()
    shop = world.shop.with_settings(ChannelSettings(shipped_elsewhere="process"))
    shop.place("1001", lines={"MUG": 2})
    await hint(world, KEY, shop)
    shop.ship_by_hand("1001")

    await hint(world, KEY, shop)

    assert (await world.order("1001")).state is OrderState.PROCESSED
    assert await conflict_of(world, "1001") is None
    assert await levels(world) == (8, 0)


async def test_hint_is_a_run_in_the_journal(memory_world: World) -> None:
    """Who reads the journal finds the hint's run between the others, by the id in its report."""
    await opened(memory_world)

    report = await hint(memory_world)

    kinds = [one.kind for one in await memory_world.journal() if one.run_id == report.run_id]
    assert kinds == [EntryKind.RUN_STARTED, EntryKind.RUN_FINISHED]


SECRET = b"what only the shop knows"


class Calling(FakeMarketplace):
    """Calls us when something happens to orders, and signs what it says."""

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> Sequence[OrderKey]:
        """Return the orders of a call whose signature is right."""
        if not hmac.compare_digest(headers["x-signature"], signature(body)):
            raise ChannelRejectedError(f"{self.id}: the signature of a webhook is wrong; it was left alone")
        return [OrderKey(self.id, reference) for reference in json.loads(body)["orders"]]


def signature(body: bytes) -> str:
    """Sign what the shop says."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


async def test_webhook_is_a_hint(memory_world: World) -> None:
    """The keys that a channel reads from its webhook are hints: each order is looked at, and no scan is read."""
    shop = Calling(SHOP, clock=memory_world.clock)
    assert isinstance(shop, SupportsWebhooks)
    shop.list_sku("MUG", 10)
    await memory_world.run(shop, memory_world.market)
    shop.calls.clear()
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    body = json.dumps({"orders": ["1001", "1003"]}).encode()
    runner = memory_world.runner(shop, memory_world.market)

    for key in shop.parse_webhook(headers={"x-signature": signature(body)}, body=body):
        await runner.hint(key)

    assert sorted(one.key.reference for one in await memory_world.storage.orders.listed()) == ["1001", "1003"]
    assert shop.calls == {"fetch_order": 2}
    assert await levels(memory_world) == (10, 2)
    with pytest.raises(ChannelRejectedError, match="the signature of a webhook is wrong"):
        shop.parse_webhook(headers={"x-signature": "forged"}, body=body)


async def test_hint_at_the_other_channel_of_a_shared_reference(memory_world: World) -> None:
    """Of two channels that use the same reference, only the one that was hinted at is asked."""
    await opened(memory_world)
    memory_world.shop.place("1001", lines={"MUG": 1})
    memory_world.market.place("1001", lines={"MUG": 1})

    await hint(memory_world, OrderKey(MARKET, "1001"))

    assert [one.key for one in await memory_world.storage.orders.find("1001")] == [OrderKey(MARKET, "1001")]
    assert memory_world.shop.calls == {}


async def test_hint_is_looked_at_before_all_others(memory_world: World) -> None:
    """However many orders are due for a look, the one that was asked for now is looked at now."""
    await opened(memory_world)
    for number in range(300):
        await memory_world.storage.orders.hint(OrderKey(SHOP, f"old-{number}"), at=memory_world.clock.now())
    memory_world.clock.advance(minutes=1)
    memory_world.shop.place("1001", lines={"MUG": 2})

    report = await hint(memory_world)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await memory_world.order("1001")).state is OrderState.OPEN
