"""Orders and what belongs to them, as rows of columns that any SQL storage can keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..model.channel_orders import FulfillmentStatus, PaymentStatus
from ..model.ids import OrderKey
from ..model.orders import Decision, Order, OrderChange, OrderLine, OrderState, Outcome
from ..model.stock import Claim, Due, Sale
from . import codec

Row = Sequence[Any]

ORDER_COLUMNS = (
    "state",
    "revision",
    "stock_revision",
    "reserved_revision",
    "channel_revision",
    "links_revision",
    "wanted",
    "sold",
    "taken_at",
    "placed_at",
    "updated_at",
    "paid_at",
    "saved_at",
    "dispatch_by",
    "status",
    "payment",
    "fulfillment",
    "fulfilled_by_channel",
    "location",
    "channel_location",
    "currency",
    "total",
    "channel_order_id",
    "secondary_reference",
    "shipping_service",
    "parked",
    "conflict",
    "reviewed",
    "set_aside",
    "held",
    "ended",
    "reserves",
)
"""An order's own columns; its key, lines, buyer and address stand elsewhere."""

LINE_COLUMNS = (
    "line_id",
    "channel_sku",
    "quantity",
    "cancelled",
    "shipped",
    "processed",
    "title",
    "unit_price",
    "components",
)

DECISION_COLUMNS = (
    "admitted",
    "code",
    "sentence",
    "outcome",
    "digest",
    "status",
    "mapping_version",
    "run_id",
    "page",
    "final",
    "placed_at",
    "seen",
)


def order_row(order: Order) -> Row:
    """Return what ``ORDER_COLUMNS`` hold of an order."""
    return (
        order.state.value,
        order.revision,
        order.stock_revision,
        order.reserved_revision,
        order.channel_revision,
        order.links_revision,
        codec.quantities(order.wanted),
        codec.quantities(order.sold),
        codec.maybe_micros(order.taken_at),
        codec.micros(order.placed_at),
        codec.micros(order.updated_at),
        codec.maybe_micros(order.paid_at),
        codec.maybe_micros(order.saved_at),
        codec.maybe_micros(order.dispatch_by),
        order.status,
        order.payment.value,
        order.fulfillment.value,
        order.fulfilled_by_channel,
        order.location,
        order.channel_location,
        order.currency,
        codec.money(order.total),
        order.channel_order_id,
        order.secondary_reference,
        order.shipping_service,
        order.parked,
        codec.conflict(order.conflict),
        order.reviewed,
        codec.reason(order.set_aside),
        codec.reason(order.held),
        codec.reason(order.ended),
        order.reserves,
    )


def order_of(key: OrderKey, row: Row, *, lines: Iterable[OrderLine], people: Row) -> Order:
    """Build an order of what ``ORDER_COLUMNS`` hold; *people* are the buyer's and the address's bytes."""
    fields = dict(zip(ORDER_COLUMNS, row, strict=True))
    buyer, address = people
    fields.update(
        state=OrderState(fields["state"]),
        payment=PaymentStatus(fields["payment"]),
        fulfillment=FulfillmentStatus(fields["fulfillment"]),
        fulfilled_by_channel=bool(fields["fulfilled_by_channel"]),
        placed_at=codec.moment_of(fields["placed_at"]),
        updated_at=codec.moment_of(fields["updated_at"]),
        taken_at=codec.maybe_moment_of(fields["taken_at"]),
        paid_at=codec.maybe_moment_of(fields["paid_at"]),
        saved_at=codec.maybe_moment_of(fields["saved_at"]),
        dispatch_by=codec.maybe_moment_of(fields["dispatch_by"]),
        wanted=codec.quantities_of(fields["wanted"]),
        sold=codec.quantities_of(fields["sold"]),
        total=codec.money_of(fields["total"]),
        conflict=codec.conflict_of(fields["conflict"]),
        set_aside=codec.reason_of(fields["set_aside"]),
        held=codec.reason_of(fields["held"]),
        ended=codec.reason_of(fields["ended"]),
        reserves=bool(fields["reserves"]),
    )
    return Order(
        key=key,
        lines=tuple(lines),
        buyer=codec.buyer_of(buyer),
        shipping_address=codec.address_of(address),
        **fields,
    )


def line_rows(order: Order) -> Iterator[Row]:
    """Yield, for each line, its position and what ``LINE_COLUMNS`` hold of it."""
    for position, line in enumerate(order.lines):
        yield (
            position,
            line.line_id,
            line.channel_sku,
            line.quantity,
            line.cancelled,
            line.shipped,
            line.processed,
            line.title,
            codec.money(line.unit_price),
            codec.components(line.components),
        )


def line_of(row: Row) -> OrderLine:
    """Build a line of what ``LINE_COLUMNS`` hold."""
    line_id, channel_sku, quantity, cancelled, shipped, processed, title, unit_price, components = row
    return OrderLine(
        line_id=line_id,
        channel_sku=channel_sku,
        quantity=quantity,
        cancelled=cancelled,
        shipped=shipped,
        processed=processed,
        title=title,
        unit_price=codec.money_of(unit_price),
        components=codec.components_of(components),
    )


def decision_row(decision: Decision) -> Row:
    """Return what ``DECISION_COLUMNS`` hold of a decision."""
    return (
        decision.admitted,
        decision.code,
        decision.sentence,
        decision.outcome.value,
        decision.digest,
        decision.status,
        decision.mapping_version,
        decision.run_id,
        decision.page,
        decision.final,
        codec.maybe_micros(decision.placed_at),
        codec.seen(decision.seen),
    )


SIGHTINGS = ("first_seen_at", "decided_at", "last_seen_at")
"""When an order was first seen, when this was decided about it, and when it was last seen under it."""


def decision_of(key: OrderKey, sightings: Row, row: Row) -> Decision:
    """Build a decision of what ``SIGHTINGS`` and ``DECISION_COLUMNS`` hold."""
    fields = dict(zip(DECISION_COLUMNS, row, strict=True))
    fields.update(
        admitted=bool(fields["admitted"]),
        final=bool(fields["final"]),
        outcome=Outcome(fields["outcome"]),
        placed_at=codec.maybe_moment_of(fields["placed_at"]),
        seen=codec.seen_of(fields["seen"]),
    )
    fields.update(zip(SIGHTINGS, map(codec.moment_of, sightings), strict=True))
    return Decision(key=key, **fields)


CHANGE_COLUMNS = ("revision", "event", "who", "at", "why", "details")


def change_row(change: OrderChange) -> Row:
    """Return what ``CHANGE_COLUMNS`` hold of an entry of an order's history."""
    details = codec.to_json(dict(change.details))
    return (change.revision, change.event, change.who, codec.micros(change.at), change.why, details)


def change_of(row: Row) -> OrderChange:
    """Build an entry of an order's history of what ``CHANGE_COLUMNS`` hold."""
    revision, event, who, at, why, details = row
    return OrderChange(
        revision=revision,
        event=event,
        who=who,
        at=codec.moment_of(at),
        why=why,
        details=codec.from_json(details),
    )


DUE_COLUMNS = ("stock_revision", "channel_revision", "taken_at", "placed_at", "wanted", "sold")
"""What of an order settles it: a subset of ``ORDER_COLUMNS``, read as one row."""


def due_of(key: OrderKey, row: Row) -> Due:
    """Build what settles an order of what ``DUE_COLUMNS`` hold."""
    revision, channel_revision, taken_at, placed_at, wanted, sold = row
    return Due(
        claim=Claim(order_key=key, revision=revision, wanted=codec.quantities_of(wanted)),
        sale=Sale(
            order_key=key,
            revision=revision,
            channel_revision=channel_revision,
            taken_at=codec.moment_of(placed_at if taken_at is None else taken_at),
            sold=codec.quantities_of(sold),
        ),
    )
