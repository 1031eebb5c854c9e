"""Doctor: why an order is missing, what a setting would change, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ..channel import Channel
from ..clock import Clock, SystemClock, new_run_id
from ..errors import ConfigurationError
from ..model.channel_orders import Diagnosis
from ..model.ids import ChannelId, OrderKey
from ..model.settings import ChannelSettings
from ..ports import Storage
from ..sync.channel_run import RunContext
from ..sync.registering import channels_by_id, check_storage
from ..sync.replay import replay
from ..sync.report import RunReport
from ..sync.retry import RetryPolicy
from .asking import Answer, ask, diagnose, which
from .evidence import Question, gather
from .explanation import UNEXPLAINED, Explanation, View
from .health import Health, check
from .linting import LintFinding, lint
from .quantities import WhyQuantity, why_quantity
from .reconciliation import Reconciliation, reconcile
from .simulation import Simulation, simulate
from .stock_history import StockHistory, stock_history
from .support_bundle import bundle_of
from .timeline import Timeline, timeline
from .verdict import explanation


class Doctor:
    """Answers questions about a storage and its channels; only ``replay`` and healing change anything.

    It contacts a channel only where that is asked for: ``explain`` and ``check`` with *live*, ``reconcile``, and
    ``replay`` of what it cannot read itself. The host opens and closes channels and storage. Without
    channels it answers from what is stored, and says what it cannot know.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        storage: Storage,
        *,
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Take what is asked about; opens nothing. ``ConfigurationError`` and ``TypeError`` as for ``SyncRunner``."""
        self._channels = channels_by_id(channels, taker=type(self))
        check_storage(storage, taker=type(self))
        self._storage = storage
        self._clock = clock or SystemClock()
        self._retry = retry or RetryPolicy()

    async def explain(
        self,
        reference: str,
        *,
        source: str | None = None,
        subsource: str | None = None,
        live: bool = False,
        view: View | None = None,
        placed_at: datetime | None = None,
    ) -> Explanation:
        """Say why an order is not where somebody looks for it: any reference, seen or never seen.

        *live* tests the channel's connection, asks it for this one order where it can be asked, and judges the answer.
        *view* is where the caller looks. *placed_at* is when the order was placed, roughly, if it was never
        seen; it says which readings should have shown it. ``ConfigurationError`` names the argument that is
        missing when several channels could be meant.
        """
        key = await which(self._storage, self._channels, reference, source=source, subsource=subsource)
        channel: Channel | None = self._channels.get(key.channel)
        answer: Answer | None = None
        if live and channel is not None:
            key, answer = await self._ask(channel, key)
        own: Sequence[Diagnosis] = ()
        if channel is not None:
            own = await diagnose(channel, key.reference, answer, clock=self._clock, retry=self._retry)
        question = Question(
            key=key,
            now=self._clock.now(),
            view=view or View(),
            registered=bool(self._channels),
            channel=channel,
            answer=answer,
            diagnoses=own,
            placed_at=placed_at,
        )
        facts = await gather(self._storage, question)
        found = explanation(facts)
        if found.code != UNEXPLAINED:
            return found
        return attrs.evolve(found, bundle=await bundle_of(self._storage, facts))

    async def check(self, *, live: bool = False) -> Health:
        """Say whether all is well: storage, books, channels, notes, listings; *live* also asks every channel."""
        channels = list(self._channels.values())
        return await check(self._storage, channels, clock=self._clock, live=live, retry=self._retry)

    async def simulate(self, channel_id: ChannelId, *, settings: ChannelSettings) -> Simulation:
        """Say which of the orders seen would be decided otherwise under other settings; writes nothing."""
        return await simulate(self._storage, self._channel(channel_id), settings)

    async def lint(self, channel_id: ChannelId | None = None) -> Sequence[LintFinding]:
        """Say what is wrong with the settings of one channel, or of all, given what each has shown."""
        channels = self._channels.values() if channel_id is None else [self._channel(channel_id)]
        now = self._clock.now()
        return [found for channel in channels for found in await lint(self._storage, channel, now=now)]

    async def reconcile(self, channel_id: ChannelId, *, heal: bool = False) -> Reconciliation:
        """Read all that is unshipped on a channel and compare it with the store; *heal* what can be healed."""
        channel = self._channel(channel_id)
        return await reconcile(self._storage, channel, context=self._context(), heal=heal)

    async def replay(self, channel_id: ChannelId, *, reference: str | None = None) -> RunReport:
        """Judge what waits in quarantine again, after the mapping or the code was mended: all, or one order."""
        return await replay(self._context(), self._channel(channel_id), reference)

    async def timeline(self, key: OrderKey) -> Timeline:
        """Tell all that happened to one order, from its first sighting to its confirmed dispatch."""
        return await timeline(self._storage, key)

    async def why_quantity(
        self, channel_id: ChannelId, *, channel_sku: str, channel_location: str | None = None
    ) -> WhyQuantity:
        """Say what a listing should show, and how that comes about, stage by stage."""
        channel = self._channel(channel_id)
        return await why_quantity(
            self._storage, channel, channel_sku=channel_sku, channel_location=channel_location, clock=self._clock
        )

    async def stock_history(self, sku: str, *, location: str | None = None, limit: int = 1000) -> StockHistory:
        """Return how the stock of a SKU came about: rows, CSV, and an SVG to look at."""
        return await stock_history(self._storage, sku, location=location, limit=limit)

    async def _ask(self, channel: Channel, key: OrderKey) -> tuple[OrderKey, Answer]:
        """Ask a channel for an order; a # that people write before a number is no part of it, if it knows no such."""
        answer = await ask(channel, key, clock=self._clock, retry=self._retry)
        bare = key.reference.removeprefix("#").strip()
        if not answer.looked_up or answer.found is not None or bare in ("", key.reference):
            return key, answer
        other = OrderKey(key.channel, bare)
        found = await ask(channel, other, clock=self._clock, retry=self._retry)
        return (key, answer) if found.found is None else (other, found)

    def _channel(self, channel_id: ChannelId) -> Channel:
        channel = self._channels.get(channel_id)
        if channel is None:
            raise ConfigurationError(f"channel_id: this doctor has no channel {channel_id}; give it one")
        return channel

    def _context(self) -> RunContext:
        return RunContext(
            run_id=new_run_id(), storage=self._storage, clock=self._clock, retry=self._retry, tell=lambda _: None
        )
