"""Resolve: decide conflicts that the settings leave to no person."""

from __future__ import annotations

from ..changes import Change
from ..conflicts import by_settings
from ..errors import TransitionError
from ..lifecycle import OrderEvent
from ..model.events import OrderChanged
from ..model.orders import LIVE, Order, Reason, Resolution
from ..settlement import finish
from .channel_run import ChannelRun

BATCH = 200


async def resolve_conflicts(run: ChannelRun) -> None:
    """Resolve each conflict as the settings say, unless a person is faster."""
    after = None
    while found := await run.storage.orders.listed(
        channel=run.id, states=LIVE, conflicts=True, limit=BATCH, after=after
    ):
        after = found[-1].key
        for order in found:
            resolution = by_settings(order, run.channel.settings)
            if resolution is not None:
                await run.lease.keep()
                await _resolve(run, order, resolution)


async def _resolve(run: ChannelRun, order: Order, resolution: Resolution) -> None:
    by = Reason(who="the settings", why="" if order.conflict is None else order.conflict.sentence, at=run.now())
    change = Change(storage=run.storage, key=order.key, by=by, expect=order.revision, fence=run.fence)
    try:
        recorded = await change.resolve(resolution)
    except TransitionError:
        return  # a person was faster
    if recorded is not None:
        await finish(run.storage, recorded, at=run.now(), fence=run.fence)
    run.tell(OrderChanged, order=order.key, event=OrderEvent.RESOLVED, details={"resolution": resolution})
    run.remark("resolved", resolution, str(order.key), by.why)
