"""A new channel that shows nothing: often it is asked the wrong question."""

from __future__ import annotations

from ..model.runs import EntryKind
from .channel_run import ChannelRun

FIRST_RUNS = 3
MOST_WINDOWS = 20
"""A channel with more readings than this in its journal is not new; bounds what an idle run reads."""

CODE = "NO_ORDER_YET"


async def tell_of_silence(run: ChannelRun) -> None:
    """Warn, once, when a channel has shown no order in its first three runs that read it to the end.

    Costs one short read of the journal in a run that saw nothing, and none in any other.
    """
    if run.counts["seen"] or not run.counts["pages"] or not await _is_last_of_first(run):
        return
    orders = run.storage.orders
    if await orders.decisions(run.id, limit=1) or await orders.quarantined(run.id, limit=1):
        return
    told = (
        f"fetch_orders returned no order in the channel's first {FIRST_RUNS} runs; if there should be some, check the "
        "path and the filter it asks with, and whether the credentials may read orders"
    )
    run.remark("warning", CODE, "orders", told)
    await run.write(EntryKind.ERROR, code=CODE, message=told, phase=run.phase)


async def _is_last_of_first(run: ChannelRun) -> bool:
    """Say whether this run read the channel to the end, and is the third that did."""
    windows = await run.storage.journal.entries(channel=run.id, kinds=[EntryKind.WINDOW_READ], limit=MOST_WINDOWS)
    complete = {window.run_id for window in windows if window.code == "complete"}
    return len(windows) < MOST_WINDOWS and len(complete) == FIRST_RUNS and run.run_id in complete
