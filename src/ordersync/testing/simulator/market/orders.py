"""The orders of a marketplace, as they truly are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from ....model.channel_orders import ChannelOrder, PaymentStatus, UnreadableOrder
from .veil import Veil


@attrs.frozen(kw_only=True)
class TrueShipment:
    """Goods that are marked as sent: by a note (``note_id``) or by hand in the shop's back office (None)."""

    at: datetime
    reference: str
    note_id: str | None
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None


@attrs.define(kw_only=True)
class TrueLine:
    """One line of an order; ``quantity`` is gross."""

    line_id: str
    sku: str
    quantity: int
    cancelled: int = 0
    shipped: int = 0

    @property
    def open(self) -> int:
        """Return how many pieces are still to ship; below zero when too many have left."""
        return self.quantity - self.cancelled - self.shipped


@attrs.frozen(kw_only=True, eq=False)
class Shown:
    """One form of an order, as readers see it from one change to the next.

    ``version`` counts the order's changes. ``done``: nothing is left to ship, which takes it out of a sweep.
    """

    reference: str
    number: int
    version: int
    updated_at: datetime
    done: bool
    document: ChannelOrder | UnreadableOrder


@attrs.define(kw_only=True, eq=False)
class TrueOrder:
    """One order as the marketplace keeps it.

    ``taken_at`` is when its own levels fell, ``placed_at`` what it says of that. ``lines_ever`` counts dropped lines
    too, so that no line id is used twice. ``word`` overrides the status word that follows from the facts. ``spoiled``:
    its document cannot be read; ``anonymous``: nor does it say whose it is. ``removed`` orders are shown to nobody.
    ``buyer`` is a name that occurs nowhere else. ``sight`` is what readers see of it, ``told`` the last form that
    was answered to one, with ``told_at``, and ``former`` the one that was answered before that. ``moved`` is the
    version of the last change of what is bought, ``direction`` whether that was more (1) or less (-1); ``ended`` the
    version of the last cancellation or revival.
    """

    reference: str
    number: int
    taken_at: datetime
    placed_at: datetime
    updated_at: datetime
    lines: list[TrueLine]
    lines_ever: int
    payment: PaymentStatus
    paid_at: datetime | None
    buyer: str
    held: bool = False
    word: str | None = None
    spoiled: bool = False
    anonymous: bool = False
    removed: bool = False
    version: int = 0
    moved: int = 0
    direction: int = 0
    ended: int = 0
    shipments: list[TrueShipment] = attrs.field(factory=list)
    sight: Veil[Shown | None] = attrs.field(factory=Veil, repr=False)
    told: Shown | None = attrs.field(default=None, repr=False)
    told_at: datetime | None = None
    former: Shown | None = attrs.field(default=None, repr=False)

    @property
    def done(self) -> bool:
        """Say whether nothing is left to ship."""
        return all(line.open <= 0 for line in self.lines)

    @property
    def cancelled(self) -> bool:
        """Say whether it was cancelled as a whole, or in all that had not left."""
        return self.done and not any(line.shipped for line in self.lines)

    @property
    def shipped(self) -> bool:
        """Say whether it is done and something of it has left."""
        return self.done and not self.cancelled

    def line(self, line_id: str) -> TrueLine | None:
        """Return a line by its id, if it has it."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    @property
    def open_lines(self) -> dict[str, int]:
        """Return how many pieces of each line are still to ship."""
        return {line.line_id: line.open for line in self.lines if line.open > 0}
