"""Letting runs follow each other until nothing is due any more."""

from __future__ import annotations

from ordersync import Listing, RunReport
from ordersync.model.listings import ListingState
from ordersync.sync.watch import CUT_OFF

from .laws import is_under_way, stock_adds_up, stored_orders
from .world import World

MOST_RUNS = 20
PAUSE_MINUTES = 5.0
"""How long we wait between two runs: longer than a lease lasts, and shorter than any window is open."""


async def come_to_rest(world: World, *, pause_minutes: float = PAUSE_MINUTES) -> None:
    """Run again and again until a run finds nothing to do; the first run follows at once."""
    for _ in range(MOST_RUNS):
        report = await world.run()
        await stock_adds_up(world)
        if is_idle(report) and not await what_is_due(world):
            return
        world.clock.advance(minutes=pause_minutes)
    raise AssertionError(f"{MOST_RUNS} runs were not enough: {await what_is_due(world)}; {report}")


COUNTS = ("new", "changed", "reserved", "pushed", "dispatched", "confirmed", "failed")
"""What an idle run has none of."""


def is_idle(report: RunReport) -> bool:
    """Say whether a run had every channel to itself, came to its end, and found nothing to do."""
    done = all(one.status == "done" for one in report.channels.values())
    return done and all(getattr(one, name) == 0 for one in report.channels.values() for name in COUNTS)


async def what_is_due(world: World) -> list[str]:
    """Name what another run would still have to do."""
    due: list[str] = []
    orders, listings = world.storage.orders, world.storage.listings
    for key in await stored_orders(world):
        due += [f"{key} is to be settled"] * len(await orders.due(key.channel, key=key, limit=1))
        due += [f"{note.note.id} is {note.status}" for note in await orders.notes(key) if is_under_way(note)]
    for market in world.marketplaces:
        due += [f"{sale.order_key} is to be doubted" for sale in await orders.doubts(market.id, limit=9)]
        soon = world.clock.now() + CUT_OFF
        due += [f"{watch.key} is to be looked at" for watch in await orders.watched(market.id, at=soon, limit=9)]
        for listing in await listings.of_channel(market.id):
            if not _is_settled(listing):
                due.append(f"{market.id} {listing.id} is to be pushed")
    due += [f"{sku} is to be announced" for sku in await world.stock.changed(limit=9) or ()]
    return due


def _is_settled(listing: Listing) -> bool:
    if listing.state is ListingState.FAILED:
        return listing.attempt_began is None
    open_window = listing.attempt_began is not None or listing.unresolved_until is not None
    return listing.wanted == listing.settled and listing.believed is not None and not open_window
