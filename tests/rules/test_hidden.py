"""What a repr hides, and that records cannot be changed from outside."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.model.channel_orders import Address, Buyer, ChannelOrder, OrderPage, Shipment, UnreadableOrder
from ordersync.model.listings import checked_components
from ordersync.model.orders import Order
from ordersync.model.pages import ChangedOrder, PageWork, Quarantined
from ordersync.model.settings import ChannelSettings
from ordersync.model.stock import Claim
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_key, make_order

PERSONAL: dict[str, Any] = {
    "buyer": Buyer(name="Grete Secret", email="grete@secret.example", phone="+49 Secret"),
    "shipping_address": Address(
        name="Grete Secret",
        company="Secret Ltd",
        lines=("Secret Lane 7",),
        city="Secretville",
        region="Secretshire",
        postcode="Secret-1",
        country="Secretia",
        phone="+49 Secret",
    ),
}


def _records() -> list[object]:
    seen: ChannelOrder = make_channel_order(**PERSONAL, raw=b'{"name": "Grete Secret"}')
    unreadable = UnreadableOrder(payload=b"Secret", error="lines: is missing")
    stored: Order = make_order(**PERSONAL)
    quarantined = Quarantined(channel=SHOP, payload_hash="h", code="C", error="e", at=NOON, payload=b"Secret")
    work = PageWork(
        channel=SHOP,
        new=(stored,),
        changed=(ChangedOrder(order=stored, expect=1),),
        quarantined=(quarantined,),
        raw={stored.key: b"Secret"},
    )
    page = OrderPage(orders=[seen], unreadable=[unreadable])
    return [*PERSONAL.values(), seen, unreadable, stored, quarantined, work, page]


@pytest.mark.parametrize("record", _records(), ids=lambda record: type(record).__name__)
def test_repr_hides_who_bought(record: object) -> None:
    """Neither buyer nor address nor a raw document is ever in a repr."""
    assert "Secret" not in repr(record)
    assert "Secret" not in f"{record}"


def test_collections_are_copied() -> None:
    """A record keeps what it was made from, whatever becomes of the caller's list or mapping."""
    lines = {"L1": 1}
    orders = [make_channel_order()]
    shipment, page = Shipment(lines=lines), OrderPage(orders=orders)

    lines["L1"] = 9
    orders.clear()

    assert shipment.lines == {"L1": 1}
    assert len(page.orders) == 1


@pytest.mark.parametrize(
    "mapping",
    [
        Shipment(lines={"L1": 1}).lines,
        Claim(order_key=make_key("1"), revision=1, wanted={("MUG", "main"): 1}).wanted,
        ChannelSettings(carriers={"DHL": "dhl"}).carriers,
        ChannelSettings(location={"north": "main"}).location,
        checked_components({"MUG": 1}),
    ],
    ids=lambda mapping: str(dict(mapping)),
)
def test_mappings_cannot_be_written_to(mapping: Any) -> None:  # noqa: ANN401 - what a caller may try
    """A mapping in a record cannot be changed."""
    with pytest.raises(TypeError, match="does not support item assignment"):
        mapping["x"] = 1


def test_records_are_frozen() -> None:
    """A field of a record cannot be set."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        make_channel_order().status = "Shipped"  # type: ignore[misc]
