"""Resume: finish what somebody was cut off from, and resolve lines that were linked since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..history import entry_of
from ..lifecycle import OrderEvent, link
from ..model.listings import Links
from ..model.orders import Order, Reason
from ..model.pages import ChangedOrder, PageWork
from ..settlement import finish
from .channel_run import ChannelRun

BATCH = 200


async def resume(run: ChannelRun) -> None:
    """Deduct parcels whose notes still wait, then give lines that were unlinked what they mean by now."""
    await finish_parcels(run)
    await _resolve_unlinked(run)


async def finish_parcels(run: ChannelRun) -> None:
    """Finish recorded parcels, in the order of their claims; each is read as it was recorded."""
    while parcels := await run.storage.orders.waiting(run.id, limit=BATCH, fence=run.fence):
        for parcel in parcels:
            await run.lease.keep()
            await finish(run.storage, parcel, at=run.now(), fence=run.fence)


async def _resolve_unlinked(run: ChannelRun) -> None:
    listings, orders = run.storage.listings, run.storage.orders
    revision = (await listings.links(run.id, [], fence=run.fence)).revision
    while found := await orders.unlinked(run.id, before=revision, limit=BATCH, fence=run.fence):
        await run.lease.keep()
        skus = sorted({line.channel_sku for order in found for line in order.unlinked})
        links = await listings.links(run.id, skus, fence=run.fence)
        by = Reason(who="ordersync", why="the channel's links have changed", at=run.now())
        await _write(run, [_changed(order, links, by) for order in found])
        revision = max(revision, links.revision)


def _resolved(order: Order, links: Links) -> Order:
    meanings: dict[str, Mapping[str, int]] = {}
    for line in order.unlinked:
        components = links.of_sku(line.channel_sku, order.channel_location)
        if components is not None:
            meanings[line.line_id] = components
    return link(order, meanings, links_revision=links.revision)


def _changed(order: Order, links: Links, by: Reason) -> ChangedOrder:
    after = _resolved(order, links)
    return ChangedOrder(order=after, expect=order.revision, change=entry_of(order, after, OrderEvent.LINKED, by))


async def _write(run: ChannelRun, changed: Sequence[ChangedOrder]) -> None:
    """Write all at once; one by one if people changed some of them meanwhile."""
    work = PageWork(channel=run.id, changed=tuple(changed))
    if not await run.storage.orders.save_page(work, fence=run.fence, at=run.now()):
        for one in changed:
            await run.storage.orders.replace(one.order, expect=one.expect, change=one.change, fence=run.fence)
