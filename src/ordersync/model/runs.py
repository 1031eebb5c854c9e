"""What the journal and the order store remember about runs: leases, channel life, progress, entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from .fields import frozen_mapping
from .ids import ChannelId, Fence, OrderKey


@attrs.frozen(kw_only=True)
class Lease:
    """The right to work on one channel until it expires; its token rises with each new holder.

    ``at``: what the storage's own clock showed when it was taken, which is the time of everything that its holder
    does. None from a journal that does not say: then the holder's own clock is, and no two machines may differ.
    """

    channel: ChannelId
    token: int
    holder: str
    at: datetime | None = None

    @property
    def fence(self) -> Fence:
        """Return the proof that goes with every verb of this run."""
        return Fence(self.channel, self.token)


class ChannelState(StrEnum):
    """DRAFT: no connection test has passed yet. Only ENABLED channels are worked on."""

    DRAFT = "draft"
    ENABLED = "enabled"
    DISABLED = "disabled"


@attrs.frozen(kw_only=True)
class ChannelLife:
    """Where a channel stands: its state with cause, by whom and since when, and its health.

    ``failures`` counts failed runs in a row; until ``paused_until`` its network phases rest. ``trouble`` is the code
    of the error that the last of them ended with, ``trouble_since`` when such errors began; empty when it is well.
    """

    channel: ChannelId
    state: ChannelState = ChannelState.DRAFT
    cause: str = ""
    by: str = ""
    since: datetime | None = None
    failures: int = 0
    paused_until: datetime | None = None
    trouble: str = ""
    trouble_since: datetime | None = None


@attrs.frozen(kw_only=True)
class Progress:
    """How far a channel's orders are known.

    ``watermark``: every order updated until then is handled. ``swept_at``: when the last complete
    sweep began. ``sweep_began_at`` is set while one is under way, ``sweep_position`` how far it
    came on a channel that pages in update order. ``interrupted``: the last scan did not reach its end.
    ``blind``: the sweep under way, or the last one, showed documents that could not be told apart from any order.
    ``judged_at``: the last sweep that was judged by what it did not show; ``trusted_at``: the last one found credible.
    ``admission``: a fingerprint of the settings under which the orders that are not stored were judged last.
    """

    watermark: datetime | None = None
    swept_at: datetime | None = None
    sweep_began_at: datetime | None = None
    sweep_position: datetime | None = None
    interrupted: bool = False
    blind: bool = False
    judged_at: datetime | None = None
    trusted_at: datetime | None = None
    admission: str = ""


class EntryKind(StrEnum):
    """What a journal entry is about."""

    RUN_STARTED = "run-started"
    RUN_FINISHED = "run-finished"
    WINDOW_READ = "window-read"
    CONNECTION_TEST = "connection-test"
    CHANNEL_SWITCHED = "channel-switched"
    ERROR = "error"
    CONFLICT = "conflict"
    DRIFT_CHECK = "drift-check"
    SWEEP_JUDGED = "sweep-judged"
    ERASED = "erased"


@attrs.frozen(kw_only=True)
class JournalEntry:
    """One line of the automation log, about one *order* if it names one; ``facts`` are small, and never personal."""

    at: datetime
    kind: EntryKind
    run_id: str = ""
    channel: ChannelId | None = None
    order: OrderKey | None = None
    code: str = ""
    message: str = ""
    facts: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)
