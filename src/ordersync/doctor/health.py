"""The health of an installation: versions, storage, books, channels, and what waits for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from datetime import datetime

from ..channel import Channel
from ..clock import Clock
from ..errors import StorageError
from ..model.health import Health, HealthArea, HealthFinding, HealthLevel
from ..model.ids import ChannelId
from ..ports import Storage
from ..sync.retry import RetryPolicy
from .health_channels import channel_life, reading
from .health_live import clocks, connections
from .health_storage import books, facts, versions
from .health_work import conflicts, listings, notes, quarantine

__all__ = ["Health", "HealthArea", "HealthFinding", "HealthLevel", "check"]


async def check(
    storage: Storage,
    channels: Sequence[Channel],
    *,
    clock: Clock,
    live: bool = False,
    retry: RetryPolicy | None = None,
) -> Health:
    """Look at everything that can be looked at, and change nothing.

    The network is used only if *live*: the connection to each channel is then tested, and again for a few seconds while
    it is unavailable; one try takes its ``call_timeout`` at most. Channels that the storage alone knows are looked
    at as well, and what only a channel itself could tell is ``unknown``. An open storage that cannot answer is a
    finding, not an error.
    """
    at = clock.now()
    found = [await versions()]
    found += await _guarded(HealthArea.STORAGE, facts(storage))
    found += await _guarded(HealthArea.LEDGER, books(storage))
    given = {channel.id: channel for channel in channels}
    try:
        missing = [one for one in await storage.journal.channels() if one not in given]
    except StorageError as error:
        found, missing = [*found, _broken(HealthArea.CHANNEL, error)], []
    if not given and not missing:
        found.append(_nothing_known())
    for one in [*given, *missing]:
        for area, findings in _stored(storage, one, given.get(one), at):
            found += await _guarded(area, findings)
    found += await connections(channels, missing, clock=clock, retry=(retry or RetryPolicy()) if live else None)
    found += clocks(channels, missing)
    return Health(findings=tuple(found), checked_at=at)


def _stored(
    storage: Storage, channel: ChannelId, given: Channel | None, at: datetime
) -> Iterator[tuple[HealthArea, Awaitable[Sequence[HealthFinding]]]]:
    """Go through what the storage says of one channel."""
    yield HealthArea.CHANNEL, channel_life(storage.journal, channel, at=at)
    yield HealthArea.READING, reading(storage, channel, settings=None if given is None else given.settings, at=at)
    yield HealthArea.QUARANTINE, quarantine(storage.orders, channel)
    yield HealthArea.NOTES, notes(storage.orders, channel, at=at)
    yield HealthArea.LISTINGS, listings(storage.listings, channel)
    yield HealthArea.CONFLICTS, conflicts(storage.orders, channel)


async def _guarded(area: HealthArea, findings: Awaitable[Sequence[HealthFinding]]) -> Sequence[HealthFinding]:
    """Return the findings of one check; a storage that cannot answer it is one itself."""
    try:
        return await findings
    except StorageError as error:
        return [_broken(area, error)]


def _nothing_known() -> HealthFinding:
    return HealthFinding(
        area=HealthArea.CHANNEL,
        subject="all channels",
        level=HealthLevel.UNKNOWN,
        code="NO_CHANNEL",
        sentence="none was given, and the storage has heard of none",
        next_step="give the channels; on the command line: --app module:factory",
    )


def _broken(area: HealthArea, error: StorageError) -> HealthFinding:
    return HealthFinding(
        area=area,
        subject="storage",
        level=HealthLevel.FAILING,
        code="STORAGE_FAILED",
        sentence=f"this could not be looked at ({error.code}): {error}",
        next_step="mend the storage, then check again",
    )
