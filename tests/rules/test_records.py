"""What records refuse: each error names the record and the field, and quotes nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from ordersync.model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    Diagnosis,
    FulfillmentStatus,
    OrderPage,
    PaymentStatus,
    Shipment,
    UnreadableOrder,
)
from ordersync.model.dispatch import Parcel
from ordersync.model.fields import FieldError
from ordersync.model.ids import ChannelId, OrderKey
from ordersync.model.listings import (
    ChannelListing,
    ListingId,
    ListingPage,
    StockOutcome,
    StockResult,
    StockUpdate,
    checked_components,
)
from ordersync.model.money import Money
from ordersync.model.settings import ChannelSettings, HostCheck, StatusMapping
from ordersync.model.stock import Claim, Deduction, StockRule

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LINE = ChannelOrderLine(line_id="L1", channel_sku="MUG", quantity=2)
KEY = OrderKey(ChannelId("Shop", "one"), "1001")
CLAIM = Claim(order_key=KEY, revision=1, wanted={("MUG", "main"): 1})

RIGHT: Mapping[type, Mapping[str, Any]] = {
    Address: {},
    Buyer: {},
    ChannelId: {"source": "Shop", "subsource": "one"},
    ChannelListing: {"channel_sku": "MUG", "quantity": 1},
    ChannelOrder: {
        "reference": "1001",
        "status": "Paid",
        "payment": PaymentStatus.PAID,
        "fulfillment": FulfillmentStatus.UNSHIPPED,
        "placed_at": NOON,
        "updated_at": NOON,
        "currency": "EUR",
        "lines": [LINE],
    },
    ChannelOrderLine: {"line_id": "L1", "channel_sku": "MUG", "quantity": 2},
    ChannelSettings: {},
    Claim: {"order_key": KEY, "revision": 1, "wanted": {}},
    Diagnosis: {"code": "FRAUD_REVIEW", "sentence": "It is reviewed.", "next_step": "Approve it there."},
    Deduction: {"id": "d", "taken": {("MUG", "main"): 1}, "claim": CLAIM},
    HostCheck: {"code": "MINE", "refuses": lambda _: None},
    ListingId: {"channel_sku": "MUG"},
    ListingPage: {"listings": []},
    Money: {"amount": Decimal("12.50"), "currency": "EUR"},
    OrderKey: {"channel": ChannelId("Shop", "one"), "reference": "1001"},
    OrderPage: {"orders": []},
    Parcel: {},
    Shipment: {"lines": {"L1": 1}},
    StatusMapping: {"version": "1"},
    StockResult: {"channel_sku": "MUG", "outcome": StockOutcome.ACCEPTED},
    StockRule: {},
    StockUpdate: {"channel_sku": "MUG", "quantity": 1, "attempt_id": "a"},
    UnreadableOrder: {"payload": b"{", "error": "lines: is missing"},
}
"""Every record that is checked when it is made, with the least that it accepts."""

NO_TEXT = [(7, "expected text, got int"), ("   ", "is empty"), ("a\x00b", "NUL"), ("\ud800", "surrogate")]
NO_COUNT: list[tuple[Any, str]] = [
    (True, "got bool"),
    (2.0, "got float"),
    ("2", "got str"),
    (None, "got NoneType"),
    (-1, "expected"),
    (10**9, "expected"),
]
NO_MOMENT: list[tuple[Any, str]] = [
    ("2026-01-05", "expected a datetime, got str"),
    (datetime(2026, 1, 5, 12), "has no time zone"),  # noqa: DTZ001 - what is refused
    (datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=1))), "is not in UTC"),
    (datetime(1899, 12, 31, 23, 59, tzinfo=UTC), "is not of the years 1900 to 2999"),
    (datetime(3000, 1, 1, tzinfo=UTC), "is not of the years 1900 to 2999"),
]
NO_LIST: list[tuple[Any, str]] = [("abc", "got str"), (7, "got int"), ({"a": 1}, "got dict"), (["x"], "got str")]
NO_QUANTITIES: list[tuple[Any, str]] = [
    (7, "expected a mapping, got int"),
    ({"L1": True}, "expected whole numbers from 1"),
    ({"L1": 2.0}, "expected whole numbers from 1"),
    ({"L1": 0}, "expected whole numbers from 1"),
]


GROUPS_OF_WORDS = ("paid", "unpaid", "pending", "shipped", "cancelled", "ignored", "payment_methods")

GROUPS: list[tuple[list[tuple[type, str]], list[tuple[Any, str]]]] = [
    (
        [
            (ChannelId, "source"),
            (ChannelId, "subsource"),
            (OrderKey, "reference"),
            (ChannelOrder, "reference"),
            (ChannelOrder, "status"),
            (ChannelOrderLine, "line_id"),
            (ChannelOrderLine, "channel_sku"),
            (ListingId, "channel_sku"),
            (ChannelListing, "channel_sku"),
            (StockUpdate, "channel_sku"),
            (StockUpdate, "attempt_id"),
            (StockResult, "channel_sku"),
            (UnreadableOrder, "error"),
            (UnreadableOrder, "reference"),
            (Parcel, "id"),
            (Deduction, "id"),
            (StatusMapping, "version"),
            (HostCheck, "code"),
            (Diagnosis, "code"),
            (Diagnosis, "sentence"),
            (Diagnosis, "next_step"),
            (ChannelSettings, "location"),
        ],
        NO_TEXT,
    ),
    ([(ChannelOrderLine, "quantity"), (ChannelOrderLine, "cancelled"), (ChannelOrderLine, "shipped")], NO_COUNT),
    ([(StockRule, "buffer"), (StockRule, "end_when"), (Claim, "revision")], NO_COUNT[:5]),
    ([(StockUpdate, "quantity")], NO_COUNT[:5]),
    ([(StockRule, "cap")], [(True, "got bool"), (2.0, "got float"), (-1, "expected")]),
    ([(StockUpdate, "expected"), (ChannelListing, "quantity")], [(True, "got bool"), (2.0, "got float")]),
    ([(ChannelOrder, "placed_at"), (ChannelOrder, "updated_at"), (ChannelOrder, "paid_at")], NO_MOMENT),
    ([(ChannelOrder, "dispatch_by"), (Shipment, "shipped_at"), (OrderPage, "server_time")], NO_MOMENT),
    ([(Parcel, "dispatched_at"), (ChannelSettings, "initial_from")], NO_MOMENT),
    ([(ChannelOrder, "lines"), (ChannelOrder, "shipments"), (OrderPage, "orders")], NO_LIST),
    ([(OrderPage, "unreadable"), (ListingPage, "listings"), (ChannelSettings, "checks")], NO_LIST),
    ([(StatusMapping, word) for word in GROUPS_OF_WORDS], NO_LIST[:3]),
    ([(StatusMapping, "paid")], [([7], "expected text, got int")]),
    ([(Shipment, "lines"), (Parcel, "lines"), (Claim, "wanted"), (Deduction, "taken")], NO_QUANTITIES),
    ([(ChannelSettings, "carriers")], [(7, "expected a mapping, got int")]),
    ([(ChannelSettings, "location")], [({}, "is empty"), ({"north": 3}, "expected text")]),
    ([(StockRule, "locations")], [([], "is empty"), ([7], "expected text"), (7, "expected a list")]),
    (
        [(StockRule, "percentage")],
        [(50, "is a int"), (0.5, "is a float"), (Decimal("NaN"), "finite"), (Decimal(101), "expected 0 to 100")],
    ),
    ([(Money, "amount")], [(12.5, "is a float"), ("12.50", "is a str"), (Decimal("Infinity"), "finite")]),
    ([(Money, "currency"), (ChannelOrder, "currency")], [("EURO", "an ISO 4217"), (["EUR"], "an ISO 4217")]),
    ([(ChannelOrder, "payment"), (ChannelOrder, "fulfillment")], [("paid", "got str")]),
    ([(ChannelOrder, "total"), (ChannelOrderLine, "unit_price")], [(Decimal(1), "expected Money")]),
    ([(ChannelOrder, "buyer"), (ChannelOrder, "shipping_address")], [("Ada", "got str")]),
    ([(ChannelOrder, "fulfilled_by_channel"), (ChannelSettings, "download_unpaid")], [(1, "got int")]),
    ([(StatusMapping, "confirm_payment")], [(1, "got int"), (None, "got NoneType")]),
    ([(HostCheck, "version")], [(1, "expected text"), ("x" * 41, "longer than 40")]),
    ([(ChannelOrder, "raw"), (UnreadableOrder, "payload")], [("{}", "expected bytes")]),
    ([(ChannelOrder, "channel_order_id"), (ChannelOrder, "payment_method"), (ChannelOrder, "state")], NO_TEXT[:1]),
    ([(Parcel, "carrier"), (StockResult, "channel_location")], NO_TEXT[:1]),
    ([(StockResult, "outcome")], [("accepted", "got str")]),
    ([(StockResult, "message")], [(None, "got NoneType")]),
    ([(OrderKey, "channel")], [("Shop/one", "expected ChannelId")]),
    ([(Claim, "order_key"), (Deduction, "claim")], [("1001", "got str")]),
    ([(ChannelSettings, "stock_rule"), (ChannelSettings, "status_mapping")], [("all", "got str")]),
    ([(ChannelSettings, "overlap"), (ChannelSettings, "sweep_every")], [(300, "expected timedelta")]),
    ([(ChannelSettings, "drift_check_every"), (ChannelSettings, "dispatch_window")], [(1, "expected timedelta")]),
    ([(ChannelSettings, "keep_decisions")], [(365, "expected timedelta"), (timedelta(days=-1), "is negative")]),
]
"""Fields, and what each of them refuses with which words."""

CASES = [(kind, name, *bad) for fields, values in GROUPS for kind, name in fields for bad in values]


@pytest.mark.parametrize(("kind", "name", "value", "said"), CASES)
def test_wrong_value_is_refused_by_name(kind: type, name: str, value: object, said: str) -> None:
    """A field that holds something wrong is named with its record, and told what was expected."""
    kind(**RIGHT[kind])

    with pytest.raises(ValueError, match=said) as caught:
        kind(**{**RIGHT[kind], name: value})

    assert str(caught.value).startswith(f"{kind.__name__}.{name}: ")


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (ChannelOrder, {"lines": []}, "ChannelOrder.lines: an order needs at least one line"),
        (ChannelOrder, {"lines": [LINE, LINE]}, "ChannelOrder.lines: two lines have the same line_id"),
        (ChannelOrder, {"total": Money(Decimal(1), "GBP")}, "ChannelOrder.total: an amount is not in .* EUR"),
        (
            ChannelOrderLine,
            {"shipped": 2, "cancelled": 1},
            "ChannelOrderLine.quantity: .* line 'L1' has 2, 1 cancelled and 2 shipped",
        ),
        (ChannelOrderLine, {"quantity": 0}, "ChannelOrderLine.quantity: expected 1 to 1000000, got 0"),
        (StatusMapping, {"paid": ["A", "B"], "shipped": ["B"]}, "StatusMapping: mapped more than once: 'B'"),
        (StatusMapping, {"paid": ["Sent"], "shipped": [" SENT"]}, "mapped more than once: ' SENT', 'Sent'"),
        (StatusMapping, {"pending": ["new"]}, r"StatusMapping\.pending: needs payment_methods"),
        (StatusMapping, {"payment_methods": ["checkmo"]}, r"StatusMapping\.payment_methods: .* there are none"),
        (StatusMapping, {"by": "word"}, "'word' is not a valid StatusWord"),
        (
            ChannelSettings,
            {"checks": [HostCheck(code="MINE", refuses=lambda _: None)] * 2},
            r"ChannelSettings\.checks: several have the code 'MINE'",
        ),
        (OrderKey, {"reference": "x" * 256}, "OrderKey.reference: is longer than 255 characters"),
    ],
)
def test_contradiction_is_refused(kind: type, changes: Mapping[str, Any], said: str) -> None:
    """Values that are right one by one and not together are refused, and the field that shows it is named."""
    with pytest.raises(ValueError, match=said):
        kind(**{**RIGHT[kind], **changes})


def test_price_in_a_foreign_currency_is_refused() -> None:
    """A line's price must be in the currency of its order."""
    dear = ChannelOrderLine(line_id="L1", channel_sku="MUG", quantity=1, unit_price=Money(Decimal(3), "USD"))

    with pytest.raises(ValueError, match=r"ChannelOrder\.total: an amount is not in the order's currency EUR"):
        ChannelOrder(**{**RIGHT[ChannelOrder], "lines": [dear]})


def test_unknown_policy_is_refused() -> None:
    """A policy for notes of unknown fate is one of three words, and may be given as text."""
    assert ChannelSettings(unknown_dispatch="resend").unknown_dispatch == "resend"
    with pytest.raises(ValueError, match="'perhaps' is not a valid UnknownDispatch"):
        ChannelSettings(unknown_dispatch="perhaps")


@pytest.mark.parametrize(
    "components", [{}, {"": 1}, {7: 1}, {"MUG": 0}, {"MUG": True}, {"MUG": 2.0}, {"MUG": 10**7}, "  "]
)
def test_listing_needs_parts_that_exist(components: Any) -> None:  # noqa: ANN401 - what a caller may get wrong
    """A listing is linked to SKUs with whole quantities from 1, or refused."""
    assert checked_components("MUG") == {"MUG": 1}
    with pytest.raises(ValueError, match=r"^components: "):
        checked_components(components)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Buyer, name) for name in ("name", "email", "phone")]
    + [(Address, name) for name in ("name", "company", "city", "region", "postcode", "country", "phone")],
)
@pytest.mark.parametrize("spoil", ["Grete\x00", "Grete\ud800", "Grete" * 300])
def test_personal_field_is_never_quoted(kind: type, name: str, spoil: str) -> None:
    """What is wrong with a name or an address is told without the name or the address."""
    with pytest.raises(ValueError, match=rf"{kind.__name__}\.{name}: ") as caught:
        kind(**{name: spoil})

    assert "Grete" not in str(caught.value)


def test_line_of_an_address_is_never_quoted() -> None:
    """An address' lines are personal too."""
    with pytest.raises(ValueError, match=r"Address\.lines: ") as caught:
        Address(lines=["Secret Lane\x00"])

    assert "Secret" not in str(caught.value)


def test_plain_field_shows_where_its_text_is_broken() -> None:
    """Text that is nobody's secret is quoted in part, with what is broken escaped."""
    with pytest.raises(ValueError, match=r"NUL character in '99\\x00'"):
        OrderKey(KEY.channel, "99\x00")


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (OrderKey, {"reference": "Grete\x00"}),
        (OrderKey, {"reference": "Grete\ud800"}),
        (ChannelOrder, {"currency": "Grete"}),
        (Shipment, {"lines": {"Grete": 0}}),
        (ChannelOrderLine, {"line_id": "Grete", "cancelled": 3}),
        (StockRule, {"percentage": Decimal(47110815)}),
        (ChannelOrderLine, {"quantity": 47110815}),
    ],
)
def test_expectation_quotes_no_value(kind: type, changes: Mapping[str, Any]) -> None:
    """An error has a text without the value too, for places where what came from a channel may be personal."""
    with pytest.raises(FieldError) as caught:
        kind(**{**RIGHT[kind], **changes})

    assert caught.value.expected.startswith(f"{kind.__name__}.")
    assert str(caught.value).startswith(caught.value.expected)
    assert not [word for word in ("Grete", "47110815") if word in caught.value.expected]


def test_one_word_in_two_spellings_is_mapped_once() -> None:
    """Spellings of one word in one group contradict nothing."""
    mapping = StatusMapping(version="1", paid=["Paid", "PAID"], shipped=["Sent"])

    assert mapping.paid == {"Paid", "PAID"}
    assert mapping.meaning("paid") == "paid"
