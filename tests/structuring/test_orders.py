"""One malformed order stops only itself, and says where it is wrong without saying what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from ordersync.errors import ConfigurationError
from ordersync.model.channel_orders import ChannelOrder, ChannelOrderLine, UnreadableOrder
from ordersync.model.settings import ChannelSettings, StatusMapping, StatusWord, UnknownDispatch
from ordersync.model.stock import StockRule
from ordersync.structuring import parse_json, read_order, read_orders, read_payload, settings_from
from ordersync.testing import make_channel_order


def read(document: Any) -> ChannelOrder:  # noqa: ANN401 - any JSON
    """Read as an author might who checks nothing."""
    lines = [
        ChannelOrderLine(line_id=line["id"], channel_sku=line["sku"], quantity=line["quantity"])
        for line in document["lines"]
    ]
    return make_channel_order(document["number"], lines=lines)


def number(document: Any) -> object:  # noqa: ANN401 - any JSON
    """Find the order number."""
    return document["number"]


def good(reference: str) -> dict[str, Any]:
    """Return a document that can be read."""
    return {"number": reference, "lines": [{"id": "1", "sku": "MUG", "quantity": 1}]}


def test_order_keeps_its_document() -> None:
    """An order that was read carries its document, unless the author has set another."""
    document = parse_json(b'{"number":"1","lines":[{"id":"1","sku":"MUG","quantity":1}],"total":1.10}')

    order = read_order(document, read, reference=number)
    assert isinstance(order, ChannelOrder)
    assert order.raw == b'{"number":"1","lines":[{"id":"1","sku":"MUG","quantity":1}],"total":1.10}'
    kept = read_order(document, lambda one: attrs.evolve(read(one), raw=b"own"), reference=number)
    assert isinstance(kept, ChannelOrder)
    assert kept.raw == b"own"


MALFORMED: list[tuple[object, str | None, str]] = [
    (None, None, "$: TypeError in read() (test_orders.py:"),
    ([], None, "$: TypeError in read()"),
    ({}, None, "$: KeyError in read()"),
    ({"number": "7"}, "7", "$: KeyError in read()"),
    ({"number": "7", "lines": None}, "7", "$: TypeError in read()"),
    ({"number": "7", "lines": "abc"}, "7", "$: TypeError in "),
    ({**good("7"), "lines": []}, "7", "$: ChannelOrder.lines: an order needs"),
    ({"number": 7, "lines": []}, "7", "$: ChannelOrder."),
    ({"number": True, "lines": []}, None, "$: ChannelOrder."),
    ({"number": "  ", "lines": []}, None, "$: ChannelOrder."),
    ({"number": "a\x00b", "lines": []}, None, "$: ChannelOrder."),
    ({"number": "\ud800", "lines": []}, None, "$: ChannelOrder."),
    ({"number": "x" * 300, "lines": []}, "x" * 255, "$: ChannelOrder."),
]


@pytest.mark.parametrize(("document", "reference", "told"), MALFORMED)
def test_malformed_document_becomes_an_unreadable_order(document: object, reference: str | None, told: str) -> None:
    """Its payload, where it is wrong, and its reference if there is one, are kept for whoever repairs it."""
    orders, unreadable = read_orders([good("1"), document, good("2")], read, reference=number)

    assert [order.reference for order in orders] == ["1", "2"]
    (found,) = unreadable
    assert (found.reference, found.error[: len(told)]) == (reference, told)
    assert parse_json(found.payload) == document


def test_error_quotes_no_value() -> None:
    """A card number that stands where a quantity belongs is in the payload, and in no text."""
    document = good("7")
    document["lines"][0]["quantity"] = 4111111111111111

    found = read_order(document, read, reference=number)
    assert isinstance(found, UnreadableOrder)
    assert found.error == "$: ChannelOrderLine.quantity: expected 1 to 1000000"
    assert b"4111111111111111" in found.payload
    assert "4111" not in repr(found)


def test_kept_document_is_read_again() -> None:
    """The bytes that were kept come back with the order, spaces included, or with what is still wrong with them."""
    payload = b'{ "number": "1", "lines": [{"id":"1","sku":"MUG","quantity":1}] }'
    broken = b'{ "number": "7", "lines": [] }'

    order = read_payload(payload, read, reference=number)
    assert isinstance(order, ChannelOrder)
    assert (order.reference, order.raw) == ("1", payload)
    assert read_payload(broken, read, reference=number) == UnreadableOrder(
        payload=broken, error="$: ChannelOrder.lines: an order needs at least one line", reference="7"
    )


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b'{"number": NaN}', b'{"a":1,"a":2}'])
def test_kept_bytes_may_be_no_document(payload: bytes) -> None:
    """What cannot even be parsed is unreadable still, and nothing breaks."""
    found = read_payload(payload, read, reference=number)

    assert isinstance(found, UnreadableOrder)
    assert (found.payload, found.reference) == (payload, None)
    assert found.error.startswith("the document ")


def test_authors_bug_is_no_malformed_document() -> None:
    """What is wrong with the program and not with the document comes out."""

    def broken(_document: object) -> ChannelOrder:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        read_order(good("1"), broken, reference=number)


def test_settings_are_read_from_a_table() -> None:
    """Every setting that is no code can stand in a file."""
    table = {
        "location": {"1": "main"},
        "initial_from": "2026-01-05T10:00:00+01:00",
        "download_unpaid": False,
        "status_mapping": {"version": "2", "paid": ["READY"], "ignored": ["TEST"]},
        "stock_rule": {"locations": ["main"], "buffer": 2, "percentage": "50.5", "cap": 9},
        "carriers": {"DHL": "dhl-de"},
        "overlap": 600,
        "sweep_every": 0.5,
        "unknown_dispatch": "resend",
        "keep_decisions": 2 * 365 * 24 * 60 * 60,
    }

    found = settings_from(table)
    assert found.location == {"1": "main"}
    assert found.initial_from == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert found.download_unpaid is False
    assert found.status_mapping == StatusMapping(version="2", paid=["READY"], ignored=["TEST"])
    assert found.keep_decisions == timedelta(days=730)
    assert found.stock_rule == StockRule(locations="main", buffer=2, percentage=Decimal("50.5"), cap=9)
    assert found.carriers == {"DHL": "dhl-de"}
    assert (found.overlap.total_seconds(), found.sweep_every.total_seconds()) == (600, 0.5)
    assert found.unknown_dispatch is UnknownDispatch.RESEND
    assert settings_from({}) == ChannelSettings()
    assert settings_from({"location": "berlin"}).location == "berlin"


def test_mapping_is_read_from_a_table() -> None:
    """Both stages of a status mapping can stand in a file, under the names that they have in code."""
    table = {
        "version": "2",
        "by": "state",
        "paid": ["READY"],
        "pending": ["NEW"],
        "payment_methods": ["checkmo"],
        "confirm_payment": True,
    }

    assert settings_from({"status_mapping": table}).status_mapping == StatusMapping(
        version="2",
        by=StatusWord.STATE,
        paid=["READY"],
        pending=["NEW"],
        payment_methods=["checkmo"],
        confirm_payment=True,
    )


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"overlaps": 1}, "settings.overlaps does not exist"),
        ({"stock_rule": {"bufer": 1}}, "settings.stock_rule.bufer does not exist"),
        ({"overlap": "5m"}, "settings.overlap: expected a number of seconds"),
        ({"overlap": True}, "settings.overlap: expected a number of seconds"),
        ({"overlap": -1}, "settings.overlap: expected a number of seconds"),
        ({"overlap": float("nan")}, "settings.overlap: expected a number of seconds"),
        ({"overlap": 1e300}, "settings.overlap: expected a number of seconds"),
        ({"stock_rule": {"buffer": -1}}, "settings.stock_rule: StockRule.buffer: expected 0 to"),
        ({"stock_rule": {"percentage": 50.5}}, "settings.stock_rule.percentage: expected an amount as text"),
        ({"status_mapping": {"version": "1", "paid": "READY"}}, "settings.status_mapping.paid: expected a list"),
        ({"status_mapping": {"paid": []}}, "settings.status_mapping.version: is missing"),
        (
            {"status_mapping": {"version": "1", "by": "word"}},
            "settings.status_mapping.by: expected one of status, state",
        ),
        ({"status_mapping": {"version": "1", "pending": ["new"]}}, "StatusMapping.pending: needs payment_methods"),
        (
            {"status_mapping": {"version": "1", "payment_methods": "checkmo"}},
            "settings.status_mapping.payment_methods: expected a list",
        ),
        (
            {"status_mapping": {"version": "1", "confirm_payment": 1}},
            "settings.status_mapping.confirm_payment: expected true or false",
        ),
        ({"status_mapping": {"version": "1", "groups": {}}}, "settings.status_mapping.groups does not exist"),
        ({"download_unpaid": "yes"}, "settings.download_unpaid: expected true or false"),
        ({"keep_decisions": "1y"}, "settings.keep_decisions: expected a number of seconds, at most ten years of them"),
        ({"keep_decisions": 11 * 366 * 24 * 60 * 60}, "settings.keep_decisions: expected a number of seconds"),
        ({"location": {"1": 2}}, "settings.location[...]: expected text"),
        ({"location": None}, "settings.location: expected text"),
        ({"checks": [1]}, "settings.checks[0]: is code"),
        ({"unknown_dispatch": "maybe"}, "settings.unknown_dispatch: expected one of ask, resend, never"),
        ({"initial_from": "2026-01-05"}, "settings.initial_from: expected a time with its zone"),
        ("no table", "settings: expected an object"),
    ],
)
def test_wrong_setting_is_named(table: Any, told: str) -> None:  # noqa: ANN401 - wrong on purpose
    """A setting that does not exist or holds the wrong thing is refused by its name."""
    with pytest.raises(ConfigurationError) as caught:
        settings_from(table)

    assert told in str(caught.value)
