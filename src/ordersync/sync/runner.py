"""SyncRunner: all channels through one run, several at once, each failing alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack

from ..channel import Channel
from ..clock import Clock, SystemClock, new_run_id
from ..errors import ConfigurationError
from ..model.events import Event, Observer
from ..model.ids import ChannelId, OrderKey
from ..ports import Storage
from .channel_run import RunContext
from .channel_task import looking_at
from .registering import channels_by_id, check_storage
from .report import RunReport
from .retry import RetryPolicy
from .run import Run

log = logging.getLogger("ordersync")


class SyncRunner:
    """Keeps orders and stock in step with every channel, one ``run_once()`` at a time.

    It owns nothing: the host opens and closes channels and storage, and decides when to run. Any number of
    runners in any number of processes may share one storage.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        storage: Storage,
        *,
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
        observers: Sequence[Observer] = (),
        run_ids: Callable[[], str] = new_run_id,
    ) -> None:
        """Check that the channels fit together; ``ConfigurationError`` names what does not.

        ``TypeError`` for what is no channel or no storage, such as the class instead of an instance.
        """
        self._channels = channels_by_id(channels, taker=type(self))
        check_storage(storage, taker=type(self))
        self._storage = storage
        self._clock = clock or SystemClock()
        self._retry = retry or RetryPolicy()
        self._observers, self._run_ids = tuple(observers), run_ids

    async def run_once(self, *, only: Collection[ChannelId] | None = None, dry_run: bool = False) -> RunReport:
        """Do whatever is due on each channel now, and tell what was done.

        *only* limits the run to some channels. A *dry_run* takes no lease and writes and sends nothing. What goes
        wrong is in the report; only cancellation and bugs come out as exceptions.
        """
        return await Run(self._context(), dry=dry_run).over(self._selected(only))

    async def hint(self, key: OrderKey) -> RunReport:
        """Look at one order now, since a webhook or a person says that something happened to it.

        The look is due from now on, and done at once unless another runner holds the channel (status ``busy``: the
        next run does it). What it reserves is published to the other channels by their next run.
        """
        channels = self._selected([key.channel])
        await self._storage.orders.hint(key, at=self._clock.now())
        return await Run(self._context(), task=looking_at(key)).over(channels)

    def run_once_sync(self, *, only: Collection[ChannelId] | None = None, dry_run: bool = False) -> RunReport:
        """Open everything, run once and close it again, for hosts without an event loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("run_once_sync() was called inside a running event loop; write: await runner.run_once()")
        if self._storage.is_open or any(channel.is_open for channel in self._channels.values()):
            raise RuntimeError("run_once_sync() opens and closes storage and channels itself; pass none that is open")
        return asyncio.run(self._run_opened(only=only, dry_run=dry_run))

    async def _run_opened(self, *, only: Collection[ChannelId] | None, dry_run: bool) -> RunReport:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._storage)
            for channel in self._channels.values():
                await stack.enter_async_context(channel)
            return await self.run_once(only=only, dry_run=dry_run)

    def _context(self) -> RunContext:
        return RunContext(
            run_id=self._run_ids(), storage=self._storage, clock=self._clock, retry=self._retry, tell=self._tell
        )

    def _selected(self, only: Collection[ChannelId] | None) -> Sequence[Channel]:
        if only is None:
            return list(self._channels.values())
        unknown = [str(one) for one in only if one not in self._channels]
        if unknown:
            raise ConfigurationError(f"this runner has no channel {', '.join(unknown)}")
        return [channel for channel in self._channels.values() if channel.id in only]

    def _tell(self, event: Event) -> None:
        """Tell every observer; one that raises is the host's to mend, and stops nothing."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                log.exception("ordersync.observer_failed event=%s", type(event).__name__)
