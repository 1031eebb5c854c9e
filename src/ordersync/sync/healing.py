"""Healing: a complete sweep and looks at some orders, by the ordinary paths and at once."""

from __future__ import annotations

from collections.abc import Sequence

from ..channel import Channel, SupportsOrderLookup
from ..errors import LeaseLostError
from ..model.ids import OrderKey
from ..model.runs import ChannelLife
from .channel_run import ChannelRun, RunContext
from .channel_task import Rendezvous, Task, keep_books, lost, may_call, network
from .download import download
from .report import RunReport
from .rereading import sweep_next
from .run import Run
from .watch import watch


async def heal(context: RunContext, channel: Channel, keys: Sequence[OrderKey]) -> RunReport:
    """Sweep a channel completely and look at these orders, and report it as a run."""
    return await Run(context, task=healing(keys)).over([channel])


def healing(keys: Sequence[OrderKey]) -> Task:
    """Return the task that sweeps a channel completely and looks at these orders, if it can be asked for one.

    Both are due from now on: what cannot be done at once is done by the next runs. Parcels and levels are told to
    the channel by the next run, as ever.
    """

    async def sweep_and_look(run: ChannelRun, life: ChannelLife, rendezvous: Rendezvous) -> None:
        rendezvous.arrive()
        try:
            await sweep_next(run)
            for key in keys if isinstance(run.channel, SupportsOrderLookup) else ():
                await run.storage.orders.hint(key, at=run.now())
            if await may_call(run, life) and await network(run, "download", download):
                await network(run, "watch", watch)
            await keep_books(run)
        except LeaseLostError as error:
            lost(run, error)

    return sweep_and_look
