"""Fingerprints of orders: equal while nothing is shown differently."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from ordersync.model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
)
from ordersync.model.money import Money
from ordersync.sync.digests import order_digest, payload_hash
from ordersync.testing.builders import NOON, make_channel_order

LATER = NOON + timedelta(days=1)
LINE = ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=1)

CHANGES: dict[str, Any] = {
    "reference": None,
    "status": "Other",
    "payment": PaymentStatus.AUTHORIZED,
    "fulfillment": FulfillmentStatus.PARTIAL,
    "placed_at": LATER,
    "updated_at": None,
    "currency": "USD",
    "lines": [attrs.evolve(LINE, quantity=2)],
    "channel_order_id": "gid",
    "secondary_reference": "PO",
    "paid_at": LATER,
    "total": Money(Decimal("1.0"), "EUR"),
    "buyer": Buyer(phone="1"),
    "shipping_address": Address(postcode="1"),
    "shipping_service": "Express",
    "dispatch_by": LATER,
    "channel_location": "north",
    "fulfilled_by_channel": True,
    "shipments": [Shipment(lines={"1": 1})],
    "raw": None,
    "payment_method": "checkmo",
    "state": "processing",
}
"""For each field of an order another value; None where another value is no change."""


def test_every_field_is_thought_of() -> None:
    """A new field of an order must be decided here: it changes the fingerprint, or it does not."""
    assert [field.name for field in attrs.fields(ChannelOrder)] == list(CHANGES)


@pytest.mark.parametrize("name", [name for name, value in CHANGES.items() if value is not None])
def test_any_change_shows(name: str) -> None:
    """Whatever else an order shows changes its fingerprint."""
    assert order_digest(make_channel_order(**{name: CHANGES[name]})) != order_digest(make_channel_order())


def test_time_of_update_and_document_do_not_show() -> None:
    """A new update time or other bytes around the same facts are no change."""
    touched = make_channel_order(updated_at=LATER, raw=b"{}")

    assert order_digest(touched) == order_digest(make_channel_order())


@pytest.mark.parametrize(
    "line",
    [
        {"channel_sku": "LID"},
        {"title": "A mug"},
        {"unit_price": Money(Decimal("1.0"), "EUR")},
        {"cancelled": 1},
        {"shipped": 1},
        {"line_id": "2"},
    ],
)
def test_any_change_of_a_line_shows(line: dict[str, Any]) -> None:
    """Each fact of a line is part of the fingerprint."""
    changed = make_channel_order(lines=[attrs.evolve(LINE, **line)])

    assert order_digest(changed) != order_digest(make_channel_order(lines=[LINE]))


def test_any_change_of_buyer_or_address_shows() -> None:
    """Each part of a name or an address makes another fingerprint, and no two parts the same."""
    buyers: list[Any] = [{field.name: "x"} for field in attrs.fields(Buyer)]
    places: list[Any] = [{field.name: ["x"] if field.name == "lines" else "x"} for field in attrs.fields(Address)]
    digests = {order_digest(make_channel_order(buyer=Buyer(**one))) for one in buyers}
    digests |= {order_digest(make_channel_order(shipping_address=Address(**one))) for one in places}

    assert len(digests) == len(buyers) + len(places)


def test_shipments_show_with_carrier_and_number() -> None:
    """A shipment's carrier and number show, and when it left does not."""
    digests = {
        order_digest(make_channel_order(shipments=[Shipment(lines={"1": 1}, **facts)]))
        for facts in ({}, {"carrier": "DHL"}, {"tracking_number": "JD"}, {"shipped_at": NOON})
    }

    assert len(digests) == 3


def test_orders_keep_the_fingerprint_of_earlier_versions() -> None:
    """An order without the facts that came later has the fingerprint under which it was stored before they came."""
    assert order_digest(make_channel_order()).hex() == "6644664b4e843132668eea559b83eb80"


def test_later_facts_are_not_confused() -> None:
    """One text makes different fingerprints as payment method and as state."""
    by_method, by_state = make_channel_order(payment_method="new"), make_channel_order(state="new")

    assert order_digest(by_method) != order_digest(by_state)


def test_half_characters_have_a_fingerprint() -> None:
    """Text that no database holds is refused by records, and still hashed where it comes from elsewhere."""
    assert len(payload_hash("\ud800".encode("utf-8", "surrogatepass"))) == 32
    assert payload_hash(b"a") != payload_hash(b"b")
