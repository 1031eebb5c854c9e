"""The port that remembers what happened: runs, windows, errors, channel life, leases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..authoring import check_class
from ..model.ids import ChannelId, OrderKey
from ..model.runs import ChannelLife, EntryKind, JournalEntry, Lease


class Journal(ABC):
    """The automation log, channel life, and the leases that keep runners apart.

    An implementation must make every verb atomic and repeatable, wholly done or not done even when
    the caller is cancelled. Only the lease verbs read a clock: the storage's own, and ``lease`` tells what it shows.
    """

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a storage wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=Journal)

    @abstractmethod
    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Take a channel that nobody holds, under the next higher token; None while another holds it."""

    @abstractmethod
    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Hold a lease *duration* longer from now; False when another holder has begun."""

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """Give a lease back; one that is lost already is left alone."""

    @abstractmethod
    async def life(self, channels: Collection[ChannelId]) -> Mapping[ChannelId, ChannelLife]:
        """Return where each channel stands; one never heard of is a draft."""

    @abstractmethod
    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Let a channel be worked on; its health starts anew. Switching is an entry of its own."""

    @abstractmethod
    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Let a channel rest until it is enabled again."""

    @abstractmethod
    async def set_health(
        self,
        channel: ChannelId,
        *,
        at: datetime,
        failures: int,
        paused_until: datetime | None = None,
        trouble: str = "",
    ) -> None:
        """Note how many runs in a row failed, until when the network phases rest, and the code of the last error.

        ``trouble_since`` becomes *at*, unless the same trouble was noted before; None without any.
        """

    @abstractmethod
    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Append entries."""

    @abstractmethod
    async def channels(self) -> Sequence[ChannelId]:
        """Return every channel of which anything is kept, in their order."""

    @abstractmethod
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
        """Return entries by time, and by the order of their writing where times are equal; newest first.

        *since* and *until* are both included.
        """
