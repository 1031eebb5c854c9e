"""Which orders are downloaded: each check alone, their order, and all reasons at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import admission
from ordersync.admission import Candidate, Refusal, admit, refusals
from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from ordersync.model.settings import ChannelSettings, HostCheck, StatusMapping
from ordersync.testing.builders import NOON, make_channel_order

MAPPING = StatusMapping(version="7", paid=["Paid"], shipped=["Sent"], cancelled=["Void"], ignored=["Draft"])
HOST = HostCheck(code="TOO_FAR", refuses=lambda order: "too far" if order.currency == "USD" else None)
DEAR = HostCheck(code="TOO_DEAR", refuses=HOST.refuses)


def candidate(settings: ChannelSettings | None = None, **changes: Any) -> Candidate:  # noqa: ANN401 - fields of an order
    """Put an order up for admission."""
    return Candidate(order=make_channel_order(**changes), settings=settings or ChannelSettings())


def code(one: Candidate) -> str:
    """Return the code of a decision."""
    refusal = admit(one)
    return admission.ADMITTED if refusal is None else refusal.code


ALONE: dict[str, Candidate] = {
    "UNREADABLE": Candidate(order=UnreadableOrder(payload=b"{", error="lines: is missing"), settings=ChannelSettings()),
    "CHANNEL_DISABLED": attrs.evolve(candidate(), channel_enabled=False),
    "DELETED_HERE": attrs.evolve(candidate(), tombstone=True),
    "STATUS_UNKNOWN": candidate(fulfillment=FulfillmentStatus.UNKNOWN),
    "STATUS_IGNORED": candidate(
        ChannelSettings(status_mapping=MAPPING, download_unpaid=True), status="Draft", payment=None
    ),
    "CANCELLED_ON_CHANNEL": candidate(fulfillment=FulfillmentStatus.CANCELLED),
    "SHIPPED_BEFORE_DOWNLOAD": candidate(fulfillment=FulfillmentStatus.SHIPPED),
    "NOT_PAID": candidate(payment=PaymentStatus.UNPAID),
    "BEFORE_INITIAL_FROM": candidate(ChannelSettings(initial_from=NOON), placed_at=NOON - timedelta(seconds=1)),
    "NO_LOCATION": candidate(ChannelSettings(location={"north": "main"}), channel_location="south"),
    "TOO_FAR": candidate(ChannelSettings(checks=[HOST]), currency="USD"),
}
"""For each check an order that it alone refuses."""


@pytest.mark.parametrize("expected", ALONE)
def test_each_check_refuses_alone(expected: str) -> None:
    """Each check has an order that it refuses and that every other check lets pass."""
    found = list(refusals(ALONE[expected]))

    assert [refusal.code for refusal in found] == [expected]
    assert admit(ALONE[expected]) == found[0]
    assert found[0].sentence


def test_codes_are_public_and_in_order() -> None:
    """The checks and their order are part of the contract."""
    assert [check.code for check in admission.CHECKS] == list(ALONE)[:-1]


def test_plain_order_is_admitted() -> None:
    """A paid, unshipped order passes every check."""
    assert admit(candidate()) is None
    assert list(refusals(candidate())) == []


def test_all_reasons_are_listed() -> None:
    """Every reason against an order is found, in the order of the checks."""
    settings = ChannelSettings(initial_from=NOON + timedelta(days=1), location={"n": "main"}, checks=[HOST, DEAR])
    order = make_channel_order(
        payment=PaymentStatus.REFUNDED, fulfillment=FulfillmentStatus.SHIPPED, currency="USD", channel_location="s"
    )
    refused = Candidate(order=order, settings=settings, channel_enabled=False, tombstone=True)

    assert [refusal.code for refusal in refusals(refused)] == [
        "CHANNEL_DISABLED",
        "DELETED_HERE",
        "SHIPPED_BEFORE_DOWNLOAD",
        "BEFORE_INITIAL_FROM",
        "NO_LOCATION",
        "TOO_FAR",
        "TOO_DEAR",
    ]
    assert admit(refused) == Refusal("CHANNEL_DISABLED", "The channel is disabled.")


def test_unreadable_order_has_one_reason() -> None:
    """Behind an unreadable document nothing can be checked, a host's own check included."""
    broken = Candidate(
        order=UnreadableOrder(payload=b"{", error="lines[0].quantity: expected a whole number"),
        settings=ChannelSettings(checks=[HOST]),
        channel_enabled=False,
    )

    assert list(refusals(broken)) == [Refusal("UNREADABLE", "lines[0].quantity: expected a whole number")]
    with pytest.raises(TypeError, match="an unreadable order has no fields"):
        _ = broken.readable


@given(st.data())
def test_first_reason_decides(data: st.DataObject) -> None:
    """What admits an order and what explains a refusal are the same checks."""
    settings = ChannelSettings(
        download_unpaid=data.draw(st.booleans()),
        initial_from=data.draw(st.sampled_from([None, NOON, NOON + timedelta(1)])),
        checks=[HOST],
    )
    one = Candidate(
        order=make_channel_order(
            payment=data.draw(st.sampled_from(PaymentStatus)),
            fulfillment=data.draw(st.sampled_from(FulfillmentStatus)),
            currency=data.draw(st.sampled_from(["EUR", "USD"])),
        ),
        settings=settings,
        channel_enabled=data.draw(st.booleans()),
        tombstone=data.draw(st.booleans()),
    )

    found = list(refusals(one))

    assert admit(one) == (found[0] if found else None)
    assert code(one) in {admission.ADMITTED, *ALONE}


@pytest.mark.parametrize(
    ("code_", "quarantines", "final"),
    [
        ("UNREADABLE", True, False),
        ("STATUS_UNKNOWN", True, False),
        ("NO_LOCATION", True, False),
        ("CANCELLED_ON_CHANNEL", False, True),
        ("SHIPPED_BEFORE_DOWNLOAD", False, True),
        ("NOT_PAID", False, False),
        ("STATUS_IGNORED", False, False),
        ("DELETED_HERE", False, False),
        ("TOO_FAR", False, False),
    ],
)
def test_refusals_have_consequences(*, code_: str, quarantines: bool, final: bool) -> None:
    """Some refusals ask for a person, some end an order for good, and most only wait."""
    refusal = Refusal(code_, "because")

    assert (refusal.quarantines, refusal.final) == (quarantines, final)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(microseconds=1), timedelta(days=900)])
def test_initial_from_takes_orders_of_its_own_moment(later: timedelta) -> None:
    """An order placed at the first moment or behind it is downloaded."""
    assert admit(candidate(ChannelSettings(initial_from=NOON), placed_at=NOON + later)) is None


def test_sentences_name_what_to_do() -> None:
    """A refusal says what was seen, and what would change it."""
    said = {name: next(refusals(one)).sentence for name, one in ALONE.items()}

    assert said["NO_LOCATION"] == (
        "settings.location does not say where orders of the channel's location 'south' are saved to."
    )
    assert said["BEFORE_INITIAL_FROM"] == ("It was placed at 2024-05-06 11:59Z, before initial_from 2024-05-06 12:00Z.")
    assert said["STATUS_IGNORED"] == "The status 'Draft' is mapped to ignored (mapping version 7)."
    assert said["NOT_PAID"] == "It is not paid (unpaid), and the settings download paid orders only."
    assert "restoring it lifts the block" in said["DELETED_HERE"]
    assert said["SHIPPED_BEFORE_DOWNLOAD"].endswith("(status 'Paid').")


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        (ChannelSettings(), "its channel must learn it"),
        (ChannelSettings(status_mapping=MAPPING), "map it in settings.status_mapping"),
    ],
)
def test_unknown_word_is_quoted_with_its_cure(settings: ChannelSettings, cure: str) -> None:
    """A word that nobody knows is told together with who has to learn it."""
    refusal = admit(candidate(settings, status="Limbo", payment=None, fulfillment=None))

    assert refusal == Refusal("STATUS_UNKNOWN", f"Nobody knows what the status 'Limbo' means; {cure}.")


def test_order_of_every_kind_is_decided_without_an_error() -> None:
    """No pair of canonical words is left undecided."""
    for payment in PaymentStatus:
        for fulfillment in FulfillmentStatus:
            order: ChannelOrder = make_channel_order(payment=payment, fulfillment=fulfillment)
            assert code(Candidate(order=order, settings=ChannelSettings())) in {admission.ADMITTED, *ALONE}


@pytest.mark.parametrize("payment", PaymentStatus)
@pytest.mark.parametrize(
    ("fulfillment", "settings", "expected"),
    [
        (FulfillmentStatus.SHIPPED, {}, "SHIPPED_BEFORE_DOWNLOAD"),
        (FulfillmentStatus.SHIPPED, {"import_cancelled": True}, "SHIPPED_BEFORE_DOWNLOAD"),
        (FulfillmentStatus.SHIPPED, {"import_shipped": True}, "ADMITTED"),
        (FulfillmentStatus.CANCELLED, {}, "CANCELLED_ON_CHANNEL"),
        (FulfillmentStatus.CANCELLED, {"import_shipped": True}, "CANCELLED_ON_CHANNEL"),
        (FulfillmentStatus.CANCELLED, {"import_cancelled": True}, "ADMITTED"),
    ],
)
def test_ended_orders_are_imported_by_setting(
    payment: PaymentStatus, fulfillment: FulfillmentStatus, settings: dict[str, Any], expected: str
) -> None:
    """What ended before it was seen is stored only where the settings ask for it, however it was paid."""
    found = code(candidate(ChannelSettings(**settings), payment=payment, fulfillment=fulfillment))

    assert found == ("STATUS_UNKNOWN" if payment is PaymentStatus.UNKNOWN else expected)


def test_imported_order_passes_the_other_checks() -> None:
    """The settings that import ended orders lift no other check."""
    settings = ChannelSettings(import_shipped=True, initial_from=NOON, checks=[HOST])
    shipped = {"fulfillment": FulfillmentStatus.SHIPPED}

    assert code(candidate(settings, placed_at=NOON - timedelta(1), **shipped)) == "BEFORE_INITIAL_FROM"
    assert code(candidate(settings, currency="USD", **shipped)) == "TOO_FAR"


def test_order_fulfilled_by_the_channel_needs_no_location_of_ours() -> None:
    """What the channel sends itself is saved to a place of its own, whatever our map of locations says."""
    settings = ChannelSettings(location={"north": "main"})

    assert code(candidate(settings, channel_location="south", fulfilled_by_channel=True)) == "ADMITTED"


@pytest.mark.parametrize(
    ("payment", "unpaid_too", "said"),
    [
        (PaymentStatus.PAID, False, None),
        (PaymentStatus.PARTIALLY_REFUNDED, False, None),
        (PaymentStatus.PENDING, False, "It is not paid (pending), and the settings download paid orders only"),
        (PaymentStatus.PENDING, True, None),
        (
            PaymentStatus.REFUNDED,
            True,
            "It is not paid (refunded), and the settings download paid orders and unpaid ones, but not this",
        ),
    ],
)
def test_payment_decides_alone(payment: PaymentStatus, said: str | None, *, unpaid_too: bool) -> None:
    """The same rule says whether a payment is enough for a download and for a revival."""
    assert admission.payment_refusal(payment, ChannelSettings(download_unpaid=unpaid_too)) == said
