"""How values stand in the columns of SQL storages: times, money and small records.

Times are whole microseconds since 1970 in UTC: exact, and compared as plain numbers by every
database. Money is text with the channel's own digits. What is only ever read whole is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar

import attrs

from ..model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
)
from ..model.dispatch import Parcel
from ..model.fields import frozen_mapping
from ..model.money import Money
from ..model.orders import Conflict, ConflictCode, OrderLine, Reason, SoldByListing, StockByPlace
from ..model.stock import StockRule
from .seen import PERSONAL

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

SKUS = 4096
"""How many components are kept at hand: the lines of orders name the same ones again and again."""

from_json = json.JSONDecoder().decode
"""Read JSON text."""

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Write JSON without blanks, so that equal values give equal text."""


def micros(moment: datetime) -> int:
    """Return an aware time as whole microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def maybe_micros(moment: datetime | None) -> int | None:
    """Return a time as whole microseconds since 1970, None as None."""
    return None if moment is None else (moment - EPOCH) // MICROSECOND


def moment_of(value: int) -> datetime:
    """Return the time that ``micros`` wrote, in UTC."""
    return EPOCH + timedelta(microseconds=value)


def maybe_moment_of(value: int | None) -> datetime | None:
    """Return the time that ``maybe_micros`` wrote."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


def money(value: Money | None) -> str | None:
    """Write an amount with its currency; no digit is added or lost."""
    return None if value is None else f"{value.amount} {value.currency}"


def money_of(value: str | None) -> Money | None:
    """Read what ``money`` wrote."""
    if value is None:
        return None
    amount, _, currency = value.partition(" ")
    return Money(Decimal(amount), currency)


def components(value: Mapping[str, int] | None) -> str | None:
    """Write what a line takes from stock; None, which is nothing linked yet, stays None."""
    return None if value is None else _components(tuple(value.items()))


@lru_cache(maxsize=SKUS)
def _components(items: tuple[tuple[str, int], ...]) -> str:
    return to_json(dict(items))


@lru_cache(maxsize=SKUS)
def components_of(value: str | None) -> Mapping[str, int] | None:
    """Read what ``components`` wrote."""
    return None if value is None else frozen_mapping(from_json(value))


def quantities(value: StockByPlace | SoldByListing) -> str:
    """Write quantities by SKU and location, or by channel SKU and channel location."""
    return to_json([[sku, place, quantity] for (sku, place), quantity in value.items()])


def quantities_of(value: str) -> dict[tuple[str, Any], int]:
    """Read what ``quantities`` wrote."""
    return {(sku, place): quantity for sku, place, quantity in from_json(value)}


def buyer(value: Buyer | None) -> bytes | None:
    """Write a buyer."""
    return None if value is None else to_json(_fields(value)).encode()


def buyer_of(value: bytes | None) -> Buyer | None:
    """Read what ``buyer`` wrote."""
    return None if value is None else Buyer(**from_json(value.decode()))


def address(value: Address | None) -> bytes | None:
    """Write an address."""
    return None if value is None else to_json(_fields(value)).encode()


def address_of(value: bytes | None) -> Address | None:
    """Read what ``address`` wrote."""
    return None if value is None else Address(**from_json(value.decode()))


def reason(value: Reason | None) -> str | None:
    """Write what somebody did, with who and why."""
    return None if value is None else to_json(_fields(value) | {"at": micros(value.at)})


def reason_of(value: str | None) -> Reason | None:
    """Read what ``reason`` wrote."""
    if value is None:
        return None
    fields = from_json(value)
    return Reason(**(fields | {"at": moment_of(fields["at"])}))


def conflict(value: Conflict | None) -> str | None:
    """Write a conflict with the lines that its channel shows."""
    if value is None:
        return None
    return to_json(_fields(value) | {"at": micros(value.at), "lines": [_line(line) for line in value.lines]})


def conflict_of(value: str | None) -> Conflict | None:
    """Read what ``conflict`` wrote."""
    if value is None:
        return None
    fields = from_json(value)
    lines = tuple(OrderLine(**(line | {"unit_price": money_of(line["unit_price"])})) for line in fields["lines"])
    code = ConflictCode(fields["code"])
    return Conflict(**(fields | {"code": code, "at": moment_of(fields["at"]), "lines": lines}))


def _line(line: OrderLine) -> dict[str, Any]:
    parts = None if line.components is None else dict(line.components)
    return _fields(line) | {"unit_price": money(line.unit_price), "components": parts}


def parcel(value: Parcel) -> str:
    """Write a parcel as it was asked for."""
    lines = None if value.lines is None else dict(value.lines)
    return to_json(_fields(value) | {"lines": lines, "dispatched_at": maybe_micros(value.dispatched_at)})


def parcel_of(value: str) -> Parcel:
    """Read what ``parcel`` wrote."""
    fields = from_json(value)
    return Parcel(**(fields | {"dispatched_at": maybe_moment_of(fields["dispatched_at"])}))


def rule(value: StockRule | None) -> str | None:
    """Write a listing's own rule."""
    if value is None:
        return None
    locations = None if value.locations is None else sorted(value.locations)
    return to_json(_fields(value) | {"locations": locations, "percentage": str(value.percentage)})


def rule_of(value: str | None) -> StockRule | None:
    """Read what ``rule`` wrote."""
    if value is None:
        return None
    fields = from_json(value)
    return StockRule(**(fields | {"percentage": Decimal(fields["percentage"])}))


def seen(value: ChannelOrder | None) -> str | None:
    """Write an order as its channel showed it, without buyer, address and document."""
    return None if value is None else to_json(_sparse(value))


def seen_of(value: str | None) -> ChannelOrder | None:
    """Read what ``seen`` wrote."""
    return None if value is None else _full(ChannelOrder, from_json(value))


R = TypeVar("R", bound=attrs.AttrsInstance)
Conversion = Callable[[Any], Any]


def _sparse(record: attrs.AttrsInstance) -> dict[str, Any]:
    """Return the fields of a record that differ from their defaults, as JSON can hold them."""
    kind = type(record)
    names, defaults, values = _kept(kind)
    of_fields = zip(names, values(record), defaults, strict=True)
    found = {name: value for name, value, default in of_fields if value is not default}  # an equal one does no harm
    for name, (write, _) in CONVERSIONS[kind].items():
        if found.get(name) is not None:
            found[name] = write(found[name])
    return found


def _full(kind: type[R], fields: dict[str, Any]) -> R:
    """Build the record of which ``_sparse`` returned *fields*."""
    conversions = CONVERSIONS[kind]
    for name in conversions.keys() & fields.keys():
        if fields[name] is not None:
            fields[name] = conversions[name][1](fields[name])
    return kind(**fields)


@cache
def _kept(kind: type[attrs.AttrsInstance]) -> tuple[tuple[str, ...], tuple[object, ...], Conversion]:
    """Return the fields of a record that are kept: their names, their defaults, and what gets their values."""
    fields = [field for field in attrs.fields(kind) if field.name not in PERSONAL]
    names = tuple(field.name for field in fields)
    return names, tuple(field.default for field in fields), attrgetter(*names)


def _line_rows(lines: tuple[ChannelOrderLine, ...]) -> list[list[Any]]:
    rows = [list(LINE_VALUES(line)) for line in lines]
    for row in rows:
        row[UNIT_PRICE] = money(row[UNIT_PRICE])
    return rows


def _lines_of(rows: list[list[Any]]) -> list[ChannelOrderLine]:
    for row in rows:
        row[UNIT_PRICE] = money_of(row[UNIT_PRICE])
    return [ChannelOrderLine(**dict(zip(LINE_FIELDS, row, strict=False))) for row in rows]


def _sparse_shipments(shipments: tuple[Shipment, ...]) -> list[dict[str, Any]]:
    return [_sparse(shipment) for shipment in shipments]


def _shipments_of(values: list[dict[str, Any]]) -> list[Shipment]:
    return [_full(Shipment, value) for value in values]


LINE_FIELDS = tuple(field.name for field in attrs.fields(ChannelOrderLine))
"""The fields of a line, written without their names, for there are many lines; one that is new comes last."""

LINE_VALUES: Conversion = attrgetter(*LINE_FIELDS)
UNIT_PRICE = LINE_FIELDS.index("unit_price")

CONVERSIONS: Mapping[type[attrs.AttrsInstance], Mapping[str, tuple[Conversion, Conversion]]] = {
    ChannelOrder: {
        "payment": (str, PaymentStatus),
        "fulfillment": (str, FulfillmentStatus),
        **dict.fromkeys(("placed_at", "updated_at", "paid_at", "dispatch_by"), (micros, moment_of)),
        "total": (money, money_of),
        "lines": (_line_rows, _lines_of),
        "shipments": (_sparse_shipments, _shipments_of),
    },
    Shipment: {"lines": (dict, dict), "shipped_at": (micros, moment_of)},
}
"""How the fields that JSON cannot hold are written and read; all others stand as they are."""


def _fields(record: attrs.AttrsInstance) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _names(type(record))}


@cache
def _names(kind: type[attrs.AttrsInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))
