"""Parcels and the notes that tell a channel about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from .fields import frozen_mapping, is_quantities, is_text, maybe_frozen_mapping, maybe_moment, maybe_text, optional
from .ids import OrderKey
from .stock import Deduction


@attrs.frozen(kw_only=True)
class Parcel:
    """Goods that leave together, as a person or the host asks for it.

    ``lines`` is by line id; None means all that is open. Asking again with the same id and the same
    content gives the same answer; other content under a used id is a ``ParcelConflictError``.
    """

    id: str = attrs.field(default="all", validator=is_text())
    lines: Mapping[str, int] | None = attrs.field(
        default=None, converter=maybe_frozen_mapping, validator=optional(is_quantities())
    )
    carrier: str | None = maybe_text()
    service: str | None = maybe_text()
    tracking_number: str | None = maybe_text()
    tracking_url: str | None = maybe_text()
    dispatched_at: datetime | None = maybe_moment()


class NoteStatus(StrEnum):
    """Where a dispatch note stands on its way to the channel."""

    WAITING = "waiting"
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    GAVE_UP = "gave-up"


@attrs.frozen(kw_only=True)
class DispatchNote:
    """What the channel is told about one parcel. ``lines`` is by line id; the same ``id`` means the same parcel."""

    id: str
    order_key: OrderKey
    channel_order_id: str | None
    lines: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    carrier: str | None
    service: str | None
    tracking_number: str | None
    tracking_url: str | None
    dispatched_at: datetime


@attrs.frozen(kw_only=True)
class Note:
    """A dispatch note and its way: how often it was tried, when it was claimed, when it is due again.

    ``claimed_at`` and ``tries`` are what the next claim compares. ``look_at``: not before this moment is the
    channel looked at for it. ``first_tried_at`` starts the window after which we give up.
    """

    note: DispatchNote
    parcel_id: str
    status: NoteStatus
    tries: int = 0
    claimed_at: datetime | None = None
    first_tried_at: datetime | None = None
    look_at: datetime | None = None
    message: str | None = None
    ready: NoteStatus = NoteStatus.QUEUED

    @property
    def standing(self) -> tuple[object, ...]:
        """Return what whoever writes a note compares: another standing means that somebody was faster."""
        return (self.status, self.tries, self.claimed_at, self.note.carrier, self.note.tracking_number)


@attrs.frozen(kw_only=True)
class ParcelRecord:
    """A parcel as it was recorded: as asked, as resolved, with its movements and its claim frozen.

    Whoever finishes it reads them here, never from the order.
    """

    order_key: OrderKey
    asked: Parcel
    lines: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    deduction: Deduction
    at: datetime

    @property
    def id(self) -> str:
        """Return the parcel's id, unique in its order."""
        return self.asked.id
