"""The small numbers that rows hang on, and the fences that are compared before anything else.

Functions here run inside a transaction, on the database's own thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ...errors import LeaseLostError
from ...model.ids import ChannelId, Fence, OrderKey
from ..codec import to_json
from .connection import Connection, MustWriteError

FIND_CHANNEL = "SELECT id FROM channels WHERE source = ? AND subsource = ?"

ADD_CHANNEL = "INSERT INTO channels (source, subsource) VALUES (?, ?)"

CHANNELS = "SELECT source, subsource, id FROM channels WHERE ? IS NULL OR (source = ? AND subsource = ?)"

HIGHEST_FENCE = """
SELECT token FROM channels JOIN fences ON channel_id = channels.id AND port = ?
WHERE source = ? AND subsource = ?
"""

RAISE_FENCE = """
INSERT INTO fences (port, channel_id, token) VALUES (?, ?, ?)
ON CONFLICT (port, channel_id) DO UPDATE SET token = excluded.token
"""

FIND_KEYS = """
SELECT order_keys.reference, order_keys.id
FROM channels CROSS JOIN json_each(?) AS wanted
CROSS JOIN order_keys ON channel_id = channels.id AND order_keys.reference = wanted.value
WHERE source = ? AND subsource = ?
"""

ADD_KEY = "INSERT INTO order_keys (id, channel_id, reference) VALUES (?, ?, ?)"


def channel_number(db: Connection, channel: ChannelId) -> int | None:
    """Return the number of a channel; None when nothing is kept of it."""
    found = db.execute(FIND_CHANNEL, (channel.source, channel.subsource)).fetchone()
    return None if found is None else int(found[0])


def own_channel_number(db: Connection, channel: ChannelId) -> int:
    """Return the number of a channel; a new one is given one."""
    number = channel_number(db, channel)
    if number is None:
        number = db.execute(ADD_CHANNEL, (channel.source, channel.subsource)).lastrowid or 0
    return number


def channels_from(db: Connection, channel: ChannelId | None, after: OrderKey | None) -> Sequence[tuple[int, str]]:
    """Return the numbers of the channels to list, in their order, each with the reference to begin behind."""
    source, subsource = (None, None) if channel is None else (channel.source, channel.subsource)
    rows = db.execute(CHANNELS, (source, source, subsource)).fetchall()
    found = sorted((ChannelId(source, subsource), number) for source, subsource, number in rows)
    if after is None:
        return [(number, "") for _, number in found]
    return [(number, after.reference if one == after.channel else "") for one, number in found if one >= after.channel]


def check_fence(db: Connection, port: str, fence: Fence | None) -> None:
    """Compare and raise the highest token that *port* has seen; None is nobody's run and always passes."""
    if fence is None:
        return
    seen = db.execute(HIGHEST_FENCE, (port, fence.channel.source, fence.channel.subsource)).fetchone()
    highest = 0 if seen is None else seen[0]
    if fence.token < highest:
        raise LeaseLostError(
            f"{fence.channel}: lease {fence.token} was overtaken by {highest}; this run leaves the channel alone"
        )
    if fence.token > highest:
        if not db.writing:
            raise MustWriteError
        db.execute(RAISE_FENCE, (port, own_channel_number(db, fence.channel), fence.token))


def by_channel(keys: Iterable[OrderKey]) -> Mapping[ChannelId, list[OrderKey]]:
    """Sort keys by channel; in one call they nearly always belong to one."""
    sorted_: dict[ChannelId, list[OrderKey]] = defaultdict(list)
    for key in keys:
        sorted_[key.channel].append(key)
    return sorted_


def key_numbers(db: Connection, keys: Collection[OrderKey]) -> dict[OrderKey, int]:
    """Return the numbers of the order keys that are known."""
    numbers: dict[OrderKey, int] = {}
    for channel, mine in by_channel(keys).items():
        wanted = to_json([key.reference for key in mine])
        found = dict(db.execute(FIND_KEYS, (wanted, channel.source, channel.subsource)))
        numbers.update((key, found[key.reference]) for key in mine if key.reference in found)
    return numbers


def own_key_numbers(db: Connection, keys: Collection[OrderKey]) -> dict[OrderKey, int]:
    """Return the numbers of order keys; new ones are given the next ones."""
    numbers = key_numbers(db, keys)
    add_keys(db, [key for key in dict.fromkeys(keys) if key not in numbers], numbers)
    return numbers


def add_keys(db: Connection, new: Collection[OrderKey], numbers: dict[OrderKey, int]) -> None:
    """Give each new key the next number, and add it to *numbers*."""
    if not new:
        return
    channels = {channel: own_channel_number(db, channel) for channel in by_channel(new)}
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM order_keys").fetchone()
    numbers.update((key, number) for number, key in enumerate(new, start=last + 1))
    db.executemany(ADD_KEY, ((numbers[key], channels[key.channel], key.reference) for key in new))
