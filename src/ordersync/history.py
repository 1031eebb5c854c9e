"""What differs between two moments of an order, told without personal data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .model.orders import Order, OrderChange, OrderLine, Reason

TOLD = ("state", "location", "status", "payment", "fulfillment", "parked", "total", "shipping_service", "dispatch_by")
TOLD_OF_LINES = ("channel_sku", "quantity", "cancelled", "shipped", "processed", "components")
PERSONAL = ("buyer", "shipping_address")


def entry_of(before: Order, after: Order, event: str, by: Reason, **facts: str) -> OrderChange:
    """Return the entry of an order's history for the step from *before* to *after*, with further *facts* about it."""
    details = {**facts, **dict(_differences(before, after))}
    return OrderChange(revision=after.revision, event=event, who=by.who, why=by.why, at=by.at, details=details)


def _differences(before: Order, after: Order) -> Iterator[tuple[str, str]]:
    for name in TOLD:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield name, f"{_word(was)} -> {_word(now)}"
    for name in PERSONAL:
        if getattr(before, name) != getattr(after, name):
            yield name, "changed"
    if after.conflict is not None and after.conflict != before.conflict:
        yield "conflict", after.conflict.code.value
    lines = {line.line_id: line for line in before.lines}
    for line in after.lines:
        yield from _of_line(lines.pop(line.line_id, None), line)
    for line_id in lines:
        yield f"line {line_id}", "gone"


def _of_line(before: OrderLine | None, after: OrderLine) -> Iterator[tuple[str, str]]:
    if before is None:
        yield f"line {after.line_id}", f"new: {after.quantity} of {after.channel_sku}"
        return
    for name in TOLD_OF_LINES:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield f"line {after.line_id} {name}", f"{_word(was)} -> {_word(now)}"


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{quantity} {sku}" for sku, quantity in sorted(value.items()))
    return "none" if value is None else str(value)
