"""Which order somebody means by a reference, and what its channel says of it when it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

import attrs

from ..channel import Channel, SupportsDiagnosis, SupportsOrderLookup
from ..clock import Clock
from ..errors import ChannelError, ChannelResponseError, ConfigurationError
from ..model.channel_orders import ChannelOrder, Diagnosis, UnreadableOrder
from ..model.ids import ChannelId, OrderKey
from ..ports import Storage
from ..sync.lookups import looked_up, require_same
from ..sync.retry import Caller, RetryPolicy

T = TypeVar("T")

MOST_NAMED = 8


@attrs.frozen(kw_only=True)
class Answer:
    """What a channel said when it was asked, live.

    ``connection`` is what its connection test failed with, ``failure`` what the look-up did. ``looked_up``: it
    answered about the order, and ``found`` is None where it does not know it.
    """

    connection: ChannelError | None = None
    looked_up: bool = False
    found: ChannelOrder | UnreadableOrder | None = None
    failure: ChannelError | None = None

    @property
    def order(self) -> ChannelOrder | None:
        """Return the order as the channel shows it now, if it can be read."""
        return self.found if isinstance(self.found, ChannelOrder) else None


async def which(
    storage: Storage, registered: Collection[ChannelId], reference: str, *, source: str | None, subsource: str | None
) -> OrderKey:
    """Return the order that is meant; ``ConfigurationError`` names the argument that leaves it open.

    Case, blanks and a leading # are forgiven for any order that was ever seen, and its API id will do.
    """
    if not isinstance(reference, str) or not reference.strip():
        got = "is empty" if isinstance(reference, str) else f"expected text, got {type(reference).__name__}"
        raise ConfigurationError(f"reference: {got}; give the order's number on its channel")
    known = sorted({*registered, *await storage.journal.channels()})
    channels = [one for one in known if source in (None, one.source) and subsource in (None, one.subsource)]
    if not channels and source is not None and subsource is not None:
        return OrderKey(ChannelId(source, subsource), reference.strip())
    if not channels:
        asked = f"source {source!r}" if subsource is None else f"subsource {subsource!r}"
        raise ConfigurationError(f"{asked}: there is no such channel; there are {_named(known)}")
    seen = {order.key for order in await storage.orders.find(reference)}
    seen |= {decision.key for decision in await storage.orders.decided(reference)}
    keys = sorted(key for key in seen if key.channel in channels)
    keys = [key for key in keys if key.reference == reference.strip()] or keys
    if not keys and len(channels) == 1:
        return OrderKey(channels[0], reference.strip())
    if len(keys) == 1:
        return keys[0]
    if keys:
        cure = "give its own number" if len({key.channel for key in keys}) == 1 else "name its channel"
        raise ConfigurationError(f"reference: several orders go by {reference!r}: {_named(keys)}; {cure}")
    argument = "source" if source is None else "subsource"
    raise ConfigurationError(f"{argument}: nobody has seen {reference!r}; it may be of {_named(channels)}; name one")


def _named(things: Sequence[object]) -> str:
    told = ", ".join(map(str, things[:MOST_NAMED]))
    return (told or "none") + (", …" if len(things) > MOST_NAMED else "")


async def ask(channel: Channel, key: OrderKey, *, clock: Clock, retry: RetryPolicy) -> Answer:
    """Test the connection of a channel, and look one order up where it allows that."""
    caller = caller_of(channel, clock=clock, retry=retry)
    try:
        await _guarded(channel, caller.probe(channel.test_connection))
    except ChannelError as error:
        return Answer(connection=error)
    if not isinstance(channel, SupportsOrderLookup):
        return Answer()
    try:
        found = looked_up(key, await _guarded(channel, caller.read(lambda: channel.fetch_order(key.reference))))
        if found is not None:
            require_same(key, found)
    except ChannelError as error:
        return Answer(failure=error)
    return Answer(looked_up=True, found=found)


async def diagnose(
    channel: Channel, reference: str, answer: Answer | None, *, clock: Clock, retry: RetryPolicy
) -> Sequence[Diagnosis]:
    """Return what the channel's author checks beyond the rest; it asks the channel only if it was asked before."""
    if not isinstance(channel, SupportsDiagnosis):
        return ()
    live = answer is not None and answer.connection is None
    order = None if answer is None else answer.order
    caller = caller_of(channel, clock=clock, retry=retry)
    try:
        return await _guarded(channel, caller.read(lambda: channel.diagnose(reference, order=order, live=live)))
    except ChannelError as error:
        code = error.code.upper().replace("-", "_")
        return (Diagnosis(code=code, sentence=str(error), next_step="ask again later"),)


async def _guarded(channel: Channel, call: Awaitable[T]) -> T:
    """Let a bug of the channel explain nothing, and hide nothing: its own words may quote what is personal."""
    try:
        return await call
    except (ChannelError, asyncio.CancelledError):
        raise
    except Exception as bug:  # noqa: BLE001 - whatever it is
        kind = type(bug).__name__
    raise ChannelResponseError(f"{channel.id}: the channel has a bug, it raised {kind}; a run shows where")


def caller_of(channel: Channel, *, clock: Clock, retry: RetryPolicy) -> Caller:
    """Return what calls a channel outside of a run: nothing is held, so nothing can run out."""
    return Caller(policy=retry, clock=clock, timeout_s=channel.call_timeout.total_seconds(), name=str(channel.id))
