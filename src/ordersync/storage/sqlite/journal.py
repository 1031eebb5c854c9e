"""The journal on SQLite: entries, channel life and leases."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ...clock import Clock
from ...model.ids import ChannelId, OrderKey
from ...model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry, Lease
from ...ports import Journal
from .. import codec
from .connection import Connection, Database
from .keys import channel_number, key_numbers, own_channel_number, own_key_numbers

FIND_LEASE = "SELECT token, expires_at FROM leases WHERE channel_id = ?"

TAKE_LEASE = """
INSERT INTO leases (channel_id, token, holder, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (channel_id) DO UPDATE SET
  token = excluded.token, holder = excluded.holder, expires_at = excluded.expires_at
"""

RENEW_LEASE = "UPDATE leases SET expires_at = ? WHERE channel_id = ? AND token = ? AND holder = ?"

RELEASE_LEASE = """
UPDATE leases SET holder = NULL, expires_at = NULL WHERE channel_id = ? AND token = ? AND holder = ?
"""

LIFE = """
SELECT source, subsource, state, cause, by_whom, since, failures, paused_until, trouble, trouble_since
FROM channel_life JOIN channels ON channels.id = channel_id
"""

SWITCH = """
INSERT INTO channel_life (channel_id, state, cause, by_whom, since, failures) VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (channel_id) DO UPDATE SET state = excluded.state, cause = excluded.cause, by_whom = excluded.by_whom,
  since = excluded.since
WHERE state <> excluded.state OR cause <> excluded.cause
"""

SET_HEALTH = """
INSERT INTO channel_life (channel_id, state, cause, by_whom, failures, paused_until, trouble, trouble_since)
VALUES (?, 'draft', '', '', ?, ?, ?, ?)
ON CONFLICT (channel_id) DO UPDATE SET failures = excluded.failures, paused_until = excluded.paused_until,
  trouble = excluded.trouble,
  trouble_since = CASE trouble WHEN excluded.trouble THEN trouble_since ELSE excluded.trouble_since END
"""

ADD_ENTRY = """
INSERT INTO journal (at, kind, run_id, channel_id, order_id, code, message, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

ENTRIES = """
SELECT at, kind, run_id, mine.source, mine.subsource, its.source, its.subsource, reference, code, message, facts
FROM journal LEFT JOIN channels AS mine ON mine.id = journal.channel_id
LEFT JOIN order_keys ON order_keys.id = journal.order_id LEFT JOIN channels AS its ON its.id = order_keys.channel_id
WHERE {conditions} ORDER BY at {direction}, journal.id {direction} LIMIT ?
"""

CHANNELS = "SELECT source, subsource FROM channels ORDER BY source, subsource"

EntryRow = tuple[int, str, str, str | None, str | None, str | None, str | None, str | None, str, str, str]


class SQLiteJournal(Journal):
    """Entries, channel life and leases; leases go by the clock that is given, asked inside the transaction."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Take a channel that nobody holds, under the next higher token; None while another holds it."""

        def work(db: Connection) -> Lease | None:
            number, now = own_channel_number(db, channel), self._clock.now()
            token, expires_at = db.execute(FIND_LEASE, (number,)).fetchone() or (0, None)
            if expires_at is not None and expires_at > codec.micros(now):
                return None
            db.execute(TAKE_LEASE, (number, token + 1, holder, codec.micros(now + duration)))
            return Lease(channel=channel, token=token + 1, holder=holder, at=now)

        return await self._database.write(work)

    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Hold a lease *duration* longer from now; False when it is lost."""

        def work(db: Connection) -> bool:
            until = codec.micros(self._clock.now() + duration)
            row = (until, channel_number(db, lease.channel), lease.token, lease.holder)
            return db.execute(RENEW_LEASE, row).rowcount == 1

        return await self._database.write(work)

    async def release(self, lease: Lease) -> None:
        """Give a lease back; one that is lost already is left alone."""

        def work(db: Connection) -> None:
            db.execute(RELEASE_LEASE, (channel_number(db, lease.channel), lease.token, lease.holder))

        await self._database.write(work)

    async def life(self, channels: Collection[ChannelId]) -> Mapping[ChannelId, ChannelLife]:
        """Return where each channel stands; one never heard of is a draft."""

        def work(db: Connection) -> Mapping[ChannelId, ChannelLife]:
            known = {life.channel: life for life in map(_life, db.execute(LIFE))}
            return {channel: known.get(channel, ChannelLife(channel=channel)) for channel in channels}

        return await self._database.read(work)

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Let a channel be worked on; its health starts anew."""
        await self._database.write(_switching(channel, ChannelState.ENABLED, by=by, cause=why, at=at))

    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Let a channel rest until it is enabled again."""
        await self._database.write(_switching(channel, ChannelState.DISABLED, by=by, cause=cause, at=at))

    async def set_health(
        self,
        channel: ChannelId,
        *,
        at: datetime,
        failures: int,
        paused_until: datetime | None = None,
        trouble: str = "",
    ) -> None:
        """Note how many runs in a row failed, until when the network phases rest, and the last error's code."""

        def work(db: Connection) -> None:
            row = (failures, codec.maybe_micros(paused_until), trouble, codec.micros(at) if trouble else None)
            db.execute(SET_HEALTH, (own_channel_number(db, channel), *row))

        await self._database.write(work)

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Append entries."""
        await self._database.write(lambda db: _append(db, entries))

    async def channels(self) -> Sequence[ChannelId]:
        """Return every channel of which anything is kept, in their order."""
        return await self._database.read(lambda db: [ChannelId(*row) for row in db.execute(CHANNELS)])

    async def entries(  # noqa: PLR0913 - each narrows what is asked for
        self,
        *,
        channel: ChannelId | None = None,
        order: OrderKey | None = None,
        run_id: str | None = None,
        kinds: Collection[EntryKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        oldest_first: bool = False,
    ) -> Sequence[JournalEntry]:
        """Return entries by time, those of equal times as they were written; newest first."""

        def work(db: Connection) -> Sequence[JournalEntry]:
            narrow = order is not None or run_id is not None
            of_channel = "+journal.channel_id = ?" if narrow else "journal.channel_id = ?"  # + hides it from its index
            one_kind = kinds is not None and len(kinds) == 1
            of_kinds = "kind = ?" if one_kind else "kind IN (SELECT value FROM json_each(?))"
            asked: dict[str, object] = {
                of_channel: None if channel is None else channel_number(db, channel) or 0,
                "order_id = ?": None if order is None else key_numbers(db, [order]).get(order, 0),
                "run_id = ?": run_id,
                of_kinds: None if kinds is None else next(iter(kinds)) if one_kind else codec.to_json(list(kinds)),
                "at >= ?": codec.maybe_micros(since),
                "at <= ?": codec.maybe_micros(until),
            }
            bound = {condition: value for condition, value in asked.items() if value is not None}
            direction = "ASC" if oldest_first else "DESC"
            sql = ENTRIES.format(conditions=" AND ".join(bound) or "TRUE", direction=direction)
            return [_entry(row) for row in db.execute(sql, (*bound.values(), limit))]

        return await self._database.read(work)


def _life(row: tuple[str, str, str, str, str, int | None, int, int | None, str, int | None]) -> ChannelLife:
    source, subsource, state, cause, by, since, failures, paused_until, trouble, trouble_since = row
    return ChannelLife(
        channel=ChannelId(source, subsource),
        state=ChannelState(state),
        cause=cause,
        by=by,
        since=codec.maybe_moment_of(since),
        failures=failures,
        paused_until=codec.maybe_moment_of(paused_until),
        trouble=trouble,
        trouble_since=codec.maybe_moment_of(trouble_since),
    )


def _switching(
    channel: ChannelId, state: ChannelState, *, by: str, cause: str, at: datetime
) -> Callable[[Connection], None]:
    """Return the transaction that switches a channel and says so; where it stands so already, it is well again."""

    def work(db: Connection) -> None:
        number = own_channel_number(db, channel)
        db.execute(SET_HEALTH, (number, 0, None, "", None))
        if db.execute(SWITCH, (number, state.value, cause, by, codec.micros(at))).rowcount:
            kind = EntryKind.CHANNEL_SWITCHED
            entry = JournalEntry(at=at, kind=kind, channel=channel, code=state, message=cause, facts={"by": by})
            _append(db, [entry])

    return work


def _append(db: Connection, entries: Sequence[JournalEntry]) -> None:
    channels = {entry.channel for entry in entries if entry.channel is not None}
    numbers = {channel: own_channel_number(db, channel) for channel in channels}
    orders = own_key_numbers(db, [entry.order for entry in entries if entry.order is not None])
    db.executemany(
        ADD_ENTRY,
        (
            (
                codec.micros(entry.at),
                entry.kind.value,
                entry.run_id,
                None if entry.channel is None else numbers[entry.channel],
                None if entry.order is None else orders[entry.order],
                entry.code,
                entry.message,
                codec.to_json(dict(entry.facts)),
            )
            for entry in entries
        ),
    )


def _entry(row: EntryRow) -> JournalEntry:
    at, kind, run_id, source, subsource, order_source, order_subsource, reference, code, message, facts = row
    channel = _channel(source, subsource)
    order_channel = _channel(order_source, order_subsource)
    return JournalEntry(
        at=codec.moment_of(at),
        kind=EntryKind(kind),
        run_id=run_id,
        channel=channel,
        order=None if order_channel is None or reference is None else OrderKey(order_channel, reference),
        code=code,
        message=message,
        facts=json.loads(facts),
    )


def _channel(source: str | None, subsource: str | None) -> ChannelId | None:
    return None if source is None or subsource is None else ChannelId(source, subsource)
