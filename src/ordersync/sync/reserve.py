"""Reserve: make the ledger hold what orders want, and account for what their channel has sold."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.events import OrdersReserved, StockShort
from ..model.stock import Due
from ..settlement import settle
from .channel_run import ChannelRun

BATCH = 500


async def reserve(run: ChannelRun) -> None:
    """Settle every order of the channel whose stock revision the ledger is not known to hold."""
    await _tell_doubts(run)
    after = None
    while dues := await run.storage.orders.due(run.id, limit=BATCH, after=after, fence=run.fence):
        after = dues[-1].claim.order_key
        await run.lease.keep()
        await settle(run.storage, dues, at=run.now(), fence=run.fence)
        run.counts["reserved"] += len(dues)
        run.tell(OrdersReserved, orders=len(dues))
        run.note_sales(dues)
        await _report_shortages(run, dues)


async def _tell_doubts(run: ChannelRun) -> None:
    """Doubt what listings show of orders that ended on the channel before they were ever stored."""
    while doubts := await run.storage.orders.doubts(run.id, limit=BATCH, fence=run.fence):
        await run.lease.keep()
        await run.storage.listings.sold(doubts, fence=run.fence)
        await run.storage.orders.doubted(doubts, fence=run.fence)


async def _report_shortages(run: ChannelRun, dues: Sequence[Due]) -> None:
    """Name what is oversold: the sale has happened, so it is recorded, not refused."""
    places = {place for due in dues for place in due.claim.wanted}
    if not places:
        return
    for level in await run.storage.stock.levels(sorted({sku for sku, _ in places})):
        if level.available < 0 and (level.sku, level.location) in places:
            sentence = f"{-level.available} more sold than there are at {level.location}"
            run.remark("short", "OVERSOLD", level.sku, sentence)
            run.tell(StockShort, sku=level.sku, location=level.location, available=level.available)
