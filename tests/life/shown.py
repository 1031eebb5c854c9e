"""What a channel shows of an order at one moment: nothing but what matters to its life."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ordersync import ChannelOrder, FulfillmentStatus, PaymentStatus

PAID = (PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED)


@attrs.frozen
class Bought:
    """One line as it is shown."""

    sku: str
    quantity: int
    cancelled: int
    shipped: int

    @property
    def still_bought(self) -> int:
        """Return how many pieces the buyer is to get, those that have left included."""
        return self.quantity - self.cancelled


@attrs.frozen
class Shown:
    """An order as it is shown; two that are equal say the same."""

    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    lines: Mapping[str, Bought]
    by_channel: bool

    def pieces(self, *, living: bool) -> object:
        """Return what is bought; in an order that has left, a line cancelled whole may as well be gone."""
        lines = {name: one for name, one in self.lines.items() if living or one.still_bought}
        return self.cancelled, {name: (one.sku, one.quantity, one.cancelled) for name, one in lines.items()}

    @property
    def cancelled(self) -> bool:
        """Say whether it is cancelled as a whole."""
        return self.fulfillment is FulfillmentStatus.CANCELLED

    @property
    def shipped(self) -> bool:
        """Say whether all of it counts as shipped."""
        return self.fulfillment is FulfillmentStatus.SHIPPED

    @property
    def ended(self) -> bool:
        """Say whether nothing more is to be done about it."""
        return self.cancelled or self.shipped

    @property
    def waits(self) -> str | None:
        """Return what it waits for on its channel."""
        if self.fulfillment is FulfillmentStatus.ON_HOLD:
            return "on hold on the channel"
        return None if self.payment in PAID else f"not paid ({self.payment.value})"


def shown_of(order: ChannelOrder) -> Shown:
    """Read a document that a channel answered."""
    assert order.payment is not None
    assert order.fulfillment is not None
    return Shown(
        payment=order.payment,
        fulfillment=order.fulfillment,
        lines={
            line.line_id: Bought(line.channel_sku, line.quantity, line.cancelled, line.shipped) for line in order.lines
        },
        by_channel=order.fulfilled_by_channel,
    )
