"""What can be wrong with the document of one order, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from runner.bad_shop import Document

CANARY = "CANARY"
"""Stands wherever a wrong value could be somebody's name: no text may quote it."""


@attrs.frozen
class Bad:
    """One mistake: ``spoil`` makes it, ``told`` is the error, ``reference`` the order that is named."""

    spoil: Callable[[Document], object]
    told: str
    reference: str | None = "bad"


def put(value: object, *path: str | int) -> Callable[[Document], object]:
    """Return what puts *value* into a document at *path*."""

    def spoil(document: Document) -> object:
        inner: Any = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return document

    return spoil


def drop(*path: str | int) -> Callable[[Document], object]:
    """Return what takes away what a document has at *path*."""

    def spoil(document: Document) -> object:
        inner: Any = document
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        return document

    return spoil


def instead(document: object) -> Callable[[Document], object]:
    """Return what shows something else in the document's place."""
    return lambda _good: document


def nested(levels: int) -> object:
    """Return so many lists within each other."""
    found: list[object] = []
    for _ in range(levels - 1):
        found = [found]
    return found


def twice(document: Document) -> object:
    """Show the first line twice."""
    return {**document, "lines": [*document["lines"], *document["lines"]]}


def in_line(value: object, field: str) -> Callable[[Document], object]:
    """Return what puts *value* into the first line."""
    return put(value, "lines", 0, field)


TRUE = json.loads("true")
QUANTITY = "$.lines[0].quantity: expected a whole number"
OUT_OF_RANGE = "$: ChannelOrderLine.quantity: expected 1 to 1000000"
AMOUNT = "expected an amount"
CURRENCY = "$: Money.currency: expected an ISO 4217 currency code"
TIME = "expected a time as ISO 8601 text"
YEARS = "is not of the years 1900 to 2999"
HALF = "holds half a character (a lone surrogate)"
LINE = "$: ChannelOrderLine"
NUL = "holds a NUL character"

BAD = {
    "no reference": Bad(drop("reference"), "$.reference: is missing", None),
    "reference null": Bad(put(None, "reference"), "$.reference: expected text", None),
    "reference empty": Bad(put("", "reference"), "$: ChannelOrder.reference: is empty", None),
    "reference blank": Bad(put("   ", "reference"), "$: ChannelOrder.reference: is empty", None),
    "reference a number": Bad(put(4711, "reference"), "$.reference: expected text", "4711"),
    "reference true": Bad(put(TRUE, "reference"), "$.reference: expected text", None),
    "reference of 10 kB": Bad(
        put("9" * 10_000, "reference"), "$: ChannelOrder.reference: is longer than 255 characters", "9" * 255
    ),
    "reference with NUL": Bad(put("b\x00d", "reference"), f"$: ChannelOrder.reference: {NUL}", None),
    "reference with half a character": Bad(put("b\ud800d", "reference"), f"$: ChannelOrder.reference: {HALF}", None),
    "no lines": Bad(drop("lines"), "$.lines: is missing"),
    "lines empty": Bad(put([], "lines"), "$: ChannelOrder.lines: an order needs at least one line"),
    "lines null": Bad(put(None, "lines"), "$.lines: expected a list"),
    "lines an object": Bad(put({"0": CANARY}, "lines"), "$.lines: expected a list"),
    "lines text": Bad(put(CANARY, "lines"), "$.lines: expected a list"),
    "line null": Bad(put([None], "lines"), "$.lines[0]: expected an object"),
    "two lines with one id": Bad(twice, "$: ChannelOrder.lines: two lines have the same line_id"),
    "quantity 0": Bad(in_line(0, "quantity"), OUT_OF_RANGE),
    "quantity negative": Bad(in_line(-1, "quantity"), OUT_OF_RANGE),
    "quantity fractional": Bad(in_line(1.5, "quantity"), QUANTITY),
    "quantity 2.0": Bad(in_line(2.0, "quantity"), QUANTITY),
    "quantity huge": Bad(in_line(1_000_001, "quantity"), OUT_OF_RANGE),
    "quantity beyond 2**63": Bad(in_line(2**63, "quantity"), OUT_OF_RANGE),
    "quantity of 99 digits": Bad(in_line(10**98, "quantity"), OUT_OF_RANGE),
    "quantity as text": Bad(in_line("2", "quantity"), QUANTITY),
    "quantity as a card number": Bad(in_line(4111111111111111, "quantity"), OUT_OF_RANGE),
    "quantity true": Bad(in_line(TRUE, "quantity"), QUANTITY),
    "quantity null": Bad(in_line(None, "quantity"), QUANTITY),
    "quantity a list": Bad(in_line([1], "quantity"), QUANTITY),
    "no quantity": Bad(drop("lines", 0, "quantity"), "$.lines[0].quantity: is missing"),
    "more cancelled than bought": Bad(
        in_line(2, "cancelled"), f"{LINE}.quantity: is less than what was cancelled and shipped of it"
    ),
    "time without zone": Bad(put("2026-01-05T09:00:00", "placed_at"), "$.placed_at: expected a time with its zone"),
    "date alone": Bad(put("2026-01-05", "updated_at"), "$.updated_at: expected a time with its zone"),
    "time a number": Bad(put(1767603600, "placed_at"), f"$.placed_at: {TIME}"),
    "time in words": Bad(put(f"yesterday, {CANARY}", "placed_at"), f"$.placed_at: {TIME}"),
    "month 13": Bad(put("2026-13-05T09:00:00Z", "paid_at"), f"$.paid_at: {TIME}"),
    "year 1": Bad(put("0001-01-01T00:00:00Z", "placed_at"), f"$: ChannelOrder.placed_at: {YEARS}"),
    "year 1 at the update": Bad(put("0001-01-01T00:00:00Z", "updated_at"), f"$: ChannelOrder.updated_at: {YEARS}"),
    "before year 1": Bad(put("0001-01-01T00:00:00+05:00", "placed_at"), f"$.placed_at: {TIME}"),
    "year 9999": Bad(put("9999-12-31T23:59:59Z", "paid_at"), f"$: ChannelOrder.paid_at: {YEARS}"),
    "year 9999 at the update": Bad(put("9999-12-31T23:59:59Z", "updated_at"), f"$: ChannelOrder.updated_at: {YEARS}"),
    "after year 9999": Bad(put("9999-12-31T23:59:59-05:00", "paid_at"), f"$.paid_at: {TIME}"),
    "noise of a binary fraction": Bad(
        put("0.1000000000000000055511151231257827", "total"), f"$.total: {AMOUNT} of at most 28 digits"
    ),
    "amount with a comma": Bad(put("12,50", "total"), f"$.total: {AMOUNT} such as 12.50"),
    "amount NaN": Bad(in_line("NaN", "unit_price"), f"$.lines[0].unit_price: {AMOUNT} such as 12.50"),
    "amount true": Bad(put(TRUE, "total"), f"$.total: {AMOUNT} as text"),
    "amount null": Bad(put(None, "total"), f"$.total: {AMOUNT} as text"),
    "amount endless": Bad(put("9" * 5000, "total"), f"$.total: {AMOUNT} of at most 28 digits"),
    "amount 1e999": Bad(put("1e999", "total"), f"$.total: {AMOUNT} of at most 28 digits"),
    "currency unknown": Bad(put("XXQ", "currency"), CURRENCY),
    "currency in lower case": Bad(put("eur", "currency"), CURRENCY),
    "currency null": Bad(put(None, "currency"), "$.currency: expected text"),
    "status null": Bad(put(None, "status"), "$.status: expected text"),
    "status blank": Bad(put(" ", "status"), "$: ChannelOrder.status: is empty"),
    "payment unknown": Bad(
        put(CANARY, "payment"),
        "$.payment: expected one of paid, authorized, pending, unpaid, partially-refunded, refunded, failed, unknown",
    ),
    "sku blank": Bad(in_line(" ", "sku"), f"{LINE}.channel_sku: is empty"),
    "sku of 256 characters": Bad(in_line("S" * 256, "sku"), f"{LINE}.channel_sku: is longer than 255 characters"),
    "sku with NUL": Bad(in_line(f"{CANARY}\x00", "sku"), f"{LINE}.channel_sku: {NUL}"),
    "sku with half a character": Bad(in_line(f"{CANARY}\udfff", "sku"), f"{LINE}.channel_sku: {HALF}"),
    "sku a number": Bad(in_line(7, "sku"), "$.lines[0].sku: expected text"),
    "title with NUL": Bad(in_line(f"{CANARY}\x00", "title"), f"{LINE}.title: {NUL}"),
    "buyer null": Bad(put(None, "buyer"), "$.buyer: expected an object"),
    "buyer text": Bad(put(CANARY, "buyer"), "$.buyer: expected an object"),
    "name an object of nulls": Bad(put({"a": {"b": None}}, "buyer", "name"), "$.buyer.name: expected text"),
    "name with NUL": Bad(put(f"{CANARY}\x00", "buyer", "name"), f"$: Buyer.name: {NUL}"),
    "city with half a character": Bad(put(f"{CANARY}\ud800", "ship_to", "city"), f"$.ship_to: Address.city: {HALF}"),
    "address of nulls": Bad(
        put([None, None], "ship_to", "lines"), "$.ship_to.lines[0]: expected text; $.ship_to.lines[1]: expected text"
    ),
    "null": Bad(instead(None), "$: expected an object", None),
    "list": Bad(instead([[]]), "$: expected an object", None),
    "number": Bad(instead(7), "$: expected an object", None),
    "text": Bad(instead(CANARY), "$: expected an object", None),
    "deep": Bad(put(nested(58), "buyer", "name"), "$.buyer.name: expected text"),
}
"""Every mistake by its name."""
