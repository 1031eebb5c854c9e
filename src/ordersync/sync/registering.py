"""What a runner and a doctor are given: channels that fit together, and a storage."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from ..channel import Channel, check_registered
from ..errors import ConfigurationError
from ..model.ids import ChannelId
from ..ports import Storage


def channels_by_id(channels: Sequence[Channel], *, taker: type) -> Mapping[ChannelId, Channel]:
    """Return channels by their ids; ``TypeError`` or ``ConfigurationError`` tells what *taker* cannot take, and why."""
    if isinstance(channels, Channel):
        raise TypeError(
            f"{taker.__name__} takes a list of channels; write: {taker.__name__}([{type(channels).__name__}(...)], ...)"
        )
    known: dict[ChannelId, Channel] = {}
    for channel in channels:
        check_registered(channel)
        other = known.get(channel.id)
        if other is channel:
            raise ConfigurationError(f"{channel.id} is given twice; name each channel once")
        if other is not None:
            raise ConfigurationError(
                f"two channels have the same id: {channel.id}, {_origin(other)} and {_origin(channel)}; "
                "give each its own ChannelId(source, subsource)"
            )
        known[channel.id] = channel
    return known


def check_storage(storage: object, *, taker: type) -> None:
    """Raise ``TypeError`` unless this is a storage."""
    if isinstance(storage, type):
        raise TypeError(f"{storage.__name__} is a class; give {taker.__name__} one made of it: {storage.__name__}(...)")
    if not isinstance(storage, Storage):
        raise TypeError(
            f"{type(storage).__name__} is no Storage; give {taker.__name__} one, such as SQLiteStorage(path), "
            "or put your own ports into one: storage.replace(stock=...)"
        )


def _origin(channel: Channel) -> str:
    """Return a channel's class and the file that defines it."""
    kind = type(channel)
    try:
        place = inspect.getsourcefile(kind)
    except (TypeError, OSError):  # typed into a prompt, or made by a program
        place = None
    return f"{kind.__name__} ({place or kind.__module__})"
