"""What status words mean: the canonical table, a shop's own mapping, and which orders are parked."""

from __future__ import annotations

from typing import Any

import pytest

from ordersync import admission
from ordersync.admission import Candidate, admit, canonical, parking_reason
from ordersync.model.channel_orders import FulfillmentStatus, PaymentStatus
from ordersync.model.settings import ChannelSettings, MappedStatus, StatusMapping
from ordersync.testing.builders import make_channel_order

P, F = PaymentStatus, FulfillmentStatus

MAPPING = StatusMapping(
    version="2026-01",
    paid=["Paid", "Ready to ship"],
    unpaid=["Awaiting payment"],
    shipped=["Sent"],
    cancelled=["Void"],
    ignored=["Draft"],
)

NEVER = "not downloaded"
OPEN = "open"
PARKED = "parked"


def fate(payment: PaymentStatus | None, fulfillment: FulfillmentStatus | None, settings: ChannelSettings) -> str:
    """Say what becomes of an order that was never seen before."""
    order = make_channel_order(payment=payment, fulfillment=fulfillment)
    refusal = admit(Candidate(order=order, settings=settings))
    if refusal is not None:
        return refusal.code
    return OPEN if parking_reason(*canonical(order, settings)) is None else PARKED


def _table() -> list[tuple[PaymentStatus, FulfillmentStatus, str, str]]:
    """Return for each canonical pair its fate by default, and with unpaid orders downloaded."""
    unshipped = (F.UNSHIPPED, F.PARTIAL)
    rows = [(pay, ful, OPEN, OPEN) for pay in (P.PAID, P.AUTHORIZED, P.PARTIALLY_REFUNDED) for ful in unshipped]
    rows += [(pay, F.ON_HOLD, PARKED, PARKED) for pay in (P.PAID, P.AUTHORIZED, P.PARTIALLY_REFUNDED)]
    rows += [
        (pay, ful, "NOT_PAID", PARKED) for pay in (P.UNPAID, P.PENDING, P.FAILED) for ful in (*unshipped, F.ON_HOLD)
    ]
    rows += [(P.REFUNDED, ful, "NOT_PAID", "NOT_PAID") for ful in (*unshipped, F.ON_HOLD)]
    known = [pay for pay in P if pay is not P.UNKNOWN]
    rows += [(pay, F.SHIPPED, "SHIPPED_BEFORE_DOWNLOAD", "SHIPPED_BEFORE_DOWNLOAD") for pay in known]
    rows += [(pay, F.CANCELLED, "CANCELLED_ON_CHANNEL", "CANCELLED_ON_CHANNEL") for pay in known]
    rows += [(P.UNKNOWN, ful, "STATUS_UNKNOWN", "STATUS_UNKNOWN") for ful in F]
    return [*rows, *((pay, F.UNKNOWN, "STATUS_UNKNOWN", "STATUS_UNKNOWN") for pay in known)]


@pytest.mark.parametrize(("payment", "fulfillment", "by_default", "with_unpaid"), _table())
def test_default_table(
    payment: PaymentStatus, fulfillment: FulfillmentStatus, by_default: str, with_unpaid: str
) -> None:
    """Every pair of canonical words has one fate, and another one only where unpaid orders are downloaded."""
    assert fate(payment, fulfillment, ChannelSettings()) == by_default
    assert fate(payment, fulfillment, ChannelSettings(download_unpaid=False)) == by_default
    assert fate(payment, fulfillment, ChannelSettings(download_unpaid=True)) == with_unpaid


def test_default_table_is_whole() -> None:
    """The table above names each pair once."""
    assert sorted((pay, ful) for pay, ful, *_ in _table()) == sorted((pay, ful) for pay in P for ful in F)


def test_silence_of_a_channel_with_fixed_words_is_unknown() -> None:
    """Where no mapping decides, a status that the channel left open is known to nobody."""
    order = make_channel_order(payment=None, fulfillment=None)

    assert canonical(order, ChannelSettings()) == (P.UNKNOWN, F.UNKNOWN)
    assert fate(None, None, ChannelSettings()) == admission.STATUS_UNKNOWN
    assert fate(P.PAID, None, ChannelSettings()) == admission.STATUS_UNKNOWN


@pytest.mark.parametrize(
    ("word", "by_default", "with_unpaid"),
    [
        ("Paid", OPEN, OPEN),
        ("Ready to ship", OPEN, OPEN),
        ("Awaiting payment", "NOT_PAID", PARKED),
        ("Sent", "SHIPPED_BEFORE_DOWNLOAD", "SHIPPED_BEFORE_DOWNLOAD"),
        ("Void", "CANCELLED_ON_CHANNEL", "CANCELLED_ON_CHANNEL"),
        ("Draft", "STATUS_IGNORED", "STATUS_IGNORED"),
        ("Limbo", "STATUS_UNKNOWN", "STATUS_UNKNOWN"),
        ("PAID", OPEN, OPEN),
        (" ready to SHIP ", OPEN, OPEN),
        ("Ready", "STATUS_UNKNOWN", "STATUS_UNKNOWN"),
    ],
)
def test_mapping_decides_for_words(word: str, by_default: str, with_unpaid: str) -> None:
    """A shop's own word has the fate that it is mapped to, in whatever case and with whatever blanks it comes."""
    for download_unpaid, expected in ((False, by_default), (True, with_unpaid)):
        settings = ChannelSettings(status_mapping=MAPPING, download_unpaid=download_unpaid)
        order = make_channel_order(status=word, payment=None, fulfillment=None)
        refusal = admit(Candidate(order=order, settings=settings))
        parked = parking_reason(*canonical(order, settings))
        assert (refusal.code if refusal else PARKED if parked else OPEN) == expected


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        (None, OPEN),
        (P.PAID, OPEN),
        (P.AUTHORIZED, OPEN),
        (P.FAILED, "NOT_PAID"),
        (P.PENDING, "NOT_PAID"),
        (P.REFUNDED, "NOT_PAID"),
        (P.UNKNOWN, "STATUS_UNKNOWN"),
    ],
)
def test_word_mapped_to_paid_needs_a_payment_that_agrees(payment: PaymentStatus | None, expected: str) -> None:
    """What the channel knows of the transaction itself is the second check behind a word that means paid."""
    settings = ChannelSettings(status_mapping=MAPPING)
    order = make_channel_order(status="Paid", payment=payment, fulfillment=None)

    refusal = admit(Candidate(order=order, settings=settings))

    assert (OPEN if refusal is None else refusal.code) == expected


def test_failed_payment_behind_a_paid_word_is_parked_where_unpaid_is_wanted() -> None:
    """An order mapped to paid whose transaction failed is downloaded as unpaid, and parked."""
    settings = ChannelSettings(status_mapping=MAPPING, download_unpaid=True)
    order = make_channel_order(status="Paid", payment=P.FAILED, fulfillment=None)

    assert admit(Candidate(order=order, settings=settings)) is None
    assert parking_reason(*canonical(order, settings)) == "not paid (failed)"


def test_payment_beside_an_unpaid_word_is_not_heard() -> None:
    """A word mapped to unpaid stays unpaid, whatever the transaction says."""
    order = make_channel_order(status="Awaiting payment", payment=P.PAID, fulfillment=None)

    assert canonical(order, ChannelSettings(status_mapping=MAPPING)) == (P.UNPAID, F.UNSHIPPED)


@pytest.mark.parametrize("word", ["Sent", "Void"])
def test_ended_order_keeps_the_payment_that_its_channel_knows(word: str) -> None:
    """A shipped or cancelled word says nothing about payment, so the channel's own knowledge counts."""
    settings = ChannelSettings(status_mapping=MAPPING)
    fulfillment = F.SHIPPED if word == "Sent" else F.CANCELLED

    paid = make_channel_order(status=word, payment=P.PAID, fulfillment=None)
    silent = make_channel_order(status=word, payment=None, fulfillment=None)

    assert canonical(paid, settings) == (P.PAID, fulfillment)
    assert canonical(silent, settings) == (P.UNPAID, fulfillment)


def test_fulfillment_beside_a_mapped_word_is_kept() -> None:
    """What the channel knows of its shipments refines a word that is neither shipped nor cancelled."""
    settings = ChannelSettings(status_mapping=MAPPING)

    for told in (F.PARTIAL, F.ON_HOLD, F.UNSHIPPED):
        assert canonical(make_channel_order(status="Paid", fulfillment=told), settings) == (P.PAID, told)


@pytest.mark.parametrize("status", MappedStatus)
def test_every_group_gives_its_meaning(status: MappedStatus) -> None:
    """Each group of a mapping is what its words mean."""
    methods = {"payment_methods": ["checkmo"]} if status is MappedStatus.PENDING else {}
    groups: dict[str, Any] = {status.value: ["Word"], **methods}
    mapping = StatusMapping(version="1", **groups)

    assert [mapping.meaning(word) for word in ("Word", "WORD", " word\t")] == [status] * 3
    assert [mapping.meaning(word) for word in ("Wo rd", "Words", "", None)] == [None] * 4


@pytest.mark.parametrize(
    ("settings", "place", "expected"),
    [
        (ChannelSettings(), None, "main"),
        (ChannelSettings(), "north", "main"),
        (ChannelSettings(location={"north": "hall"}), "north", "hall"),
        (ChannelSettings(location={"north": "hall"}), "south", None),
        (ChannelSettings(location={"north": "hall"}), None, None),
    ],
)
def test_where_an_order_is_saved_to(settings: ChannelSettings, place: str | None, expected: str | None) -> None:
    """One location takes every order; a map takes those that it names."""
    assert settings.location_of(place) == expected
