"""What shops with words of their own download: in two stages as EKM does, by state and method as Magento does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.admission import Candidate, admit, canonical, parking_reason
from ordersync.model.channel_orders import PaymentStatus
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.testing.builders import make_channel_order

P = PaymentStatus

EKM = StatusMapping(
    version="ekm-1",
    paid=["Processing"],
    unpaid=["Pending"],
    shipped=["Dispatched"],
    cancelled=["Declined"],
    confirm_payment=True,
)
MAGENTO = StatusMapping(
    version="magento-1",
    by="state",
    paid=["processing"],
    unpaid=["new", "pending_payment", "payment_review", "holded"],
    shipped=["complete"],
    cancelled=["canceled", "closed"],
)
"""Only what is being processed is downloaded."""

WITH_PENDING = attrs.evolve(
    MAGENTO, unpaid=MAGENTO.unpaid - {"new"}, pending=["new"], payment_methods=["checkmo", "banktransfer"]
)
NEW_TOO = attrs.evolve(MAGENTO, unpaid=MAGENTO.unpaid - {"new"}, paid=["new", "processing"])


def fate(settings: ChannelSettings, **changes: Any) -> str:  # noqa: ANN401 - fields of an order
    """Say what becomes of an order that was never seen before: a code, open, or why it is parked."""
    order = make_channel_order(**({"payment": None, "fulfillment": None} | changes))
    refusal = admit(Candidate(order=order, settings=settings))
    if refusal is not None:
        return refusal.code
    return parking_reason(*canonical(order, settings)) or "open"


def said(settings: ChannelSettings, **changes: Any) -> str:  # noqa: ANN401 - fields of an order
    """Return the sentence that refuses an order."""
    order = make_channel_order(**({"payment": None, "fulfillment": None} | changes))
    refusal = admit(Candidate(order=order, settings=settings))
    assert refusal is not None
    return refusal.sentence


@pytest.mark.parametrize(
    ("status", "payment", "by_default", "with_unpaid"),
    [
        ("Complete", None, "STATUS_UNKNOWN", "STATUS_UNKNOWN"),
        ("DISPATCHED", None, "SHIPPED_BEFORE_DOWNLOAD", "SHIPPED_BEFORE_DOWNLOAD"),
        ("DISPATCHED", P.PAID, "SHIPPED_BEFORE_DOWNLOAD", "SHIPPED_BEFORE_DOWNLOAD"),
        ("PENDING", None, "NOT_PAID", "not paid (unpaid)"),
        ("PENDING", P.PAID, "NOT_PAID", "not paid (unpaid)"),
        ("PROCESSING", P.PAID, "open", "open"),
        ("Processing", P.AUTHORIZED, "open", "open"),
        ("PROCESSING", None, "NOT_PAID", "not paid (unpaid)"),
        ("PROCESSING", P.FAILED, "NOT_PAID", "not paid (failed)"),
        ("PROCESSING", P.PENDING, "NOT_PAID", "not paid (pending)"),
        ("PROCESSING", P.REFUNDED, "NOT_PAID", "NOT_PAID"),
        ("PROCESSING", P.UNKNOWN, "STATUS_UNKNOWN", "STATUS_UNKNOWN"),
        ("DECLINED", P.PAID, "CANCELLED_ON_CHANNEL", "CANCELLED_ON_CHANNEL"),
    ],
)
def test_two_stages_decide_as_on_ekm(
    status: str, payment: PaymentStatus | None, by_default: str, with_unpaid: str
) -> None:
    """A word mapped to paid is a first stage; the payment itself, with its transaction, is the second."""
    for unpaid, expected in ((None, by_default), (False, by_default), (True, with_unpaid)):
        settings = ChannelSettings(status_mapping=EKM, download_unpaid=unpaid)
        assert fate(settings, status=status, payment=payment) == expected


def test_silence_confirms_unless_a_payment_must_be_confirmed() -> None:
    """Where nothing is said of the payment, a paid word is enough, unless the mapping asks for more."""
    trusting = attrs.evolve(EKM, confirm_payment=False)

    assert fate(ChannelSettings(status_mapping=trusting), status="PROCESSING") == "open"
    assert said(ChannelSettings(status_mapping=EKM), status="PROCESSING") == (
        "It is not paid (unpaid), and the settings download paid orders only; "
        "its status 'PROCESSING' means paid, but the channel confirms no payment."
    )


@pytest.mark.parametrize(
    ("state", "method", "plain", "pending", "new_too"),
    [
        ("processing", None, "open", "open", "open"),
        ("processing", "checkmo", "open", "open", "open"),
        ("new", None, "NOT_PAID", "NOT_PAID", "open"),
        ("new", "checkmo", "NOT_PAID", "open", "open"),
        ("new", "CheckMo ", "NOT_PAID", "open", "open"),
        ("new", "paypal", "NOT_PAID", "NOT_PAID", "open"),
        ("pending_payment", "checkmo", "NOT_PAID", "NOT_PAID", "NOT_PAID"),
        ("payment_review", "checkmo", "NOT_PAID", "NOT_PAID", "NOT_PAID"),
        ("holded", None, "NOT_PAID", "NOT_PAID", "NOT_PAID"),
        ("complete", None, *["SHIPPED_BEFORE_DOWNLOAD"] * 3),
        ("canceled", None, *["CANCELLED_ON_CHANNEL"] * 3),
        ("closed", None, *["CANCELLED_ON_CHANNEL"] * 3),
        ("processed", None, *["STATUS_UNKNOWN"] * 3),
        (None, "checkmo", *["STATUS_UNKNOWN"] * 3),
    ],
)
def test_state_and_payment_method_decide_as_on_magento(
    *, state: str | None, method: str | None, plain: str, pending: str, new_too: str
) -> None:
    """Only what is processed, new orders whose money will come as well, or new ones however they are paid."""
    for mapping, expected in ((MAGENTO, plain), (WITH_PENDING, pending), (NEW_TOO, new_too)):
        order = {"status": "Paid and packed", "state": state, "payment_method": method}
        assert fate(ChannelSettings(status_mapping=mapping), **order) == expected


def test_status_is_not_heard_where_the_state_decides() -> None:
    """A mapping looks up one of the two words, and the other may say what it likes."""
    by_status = attrs.evolve(MAGENTO, by="status")
    order = {"status": "processing", "state": "canceled"}

    assert fate(ChannelSettings(status_mapping=MAGENTO), **order) == "CANCELLED_ON_CHANNEL"
    assert fate(ChannelSettings(status_mapping=by_status), **order) == "open"


@pytest.mark.parametrize(
    ("told", "counts_as"),
    [
        (None, P.AUTHORIZED),
        (P.PENDING, P.AUTHORIZED),
        (P.UNPAID, P.AUTHORIZED),
        (P.AUTHORIZED, P.AUTHORIZED),
        (P.PAID, P.PAID),
        (P.PARTIALLY_REFUNDED, P.PARTIALLY_REFUNDED),
        (P.REFUNDED, P.REFUNDED),
        (P.FAILED, P.FAILED),
        (P.UNKNOWN, P.UNKNOWN),
    ],
)
def test_money_that_will_come_counts_as_authorized(told: PaymentStatus | None, counts_as: PaymentStatus) -> None:
    """A trusted method stands for money that is not there yet, not for a payment that failed or was given back."""
    settings = ChannelSettings(status_mapping=WITH_PENDING)
    order = make_channel_order(state="new", payment_method="checkmo", payment=told)
    other = attrs.evolve(order, payment_method="paypal")

    assert canonical(order, settings)[0] is counts_as
    assert canonical(other, settings)[0] is P.PENDING


def test_sentences_quote_the_word_that_decides() -> None:
    """A refusal names state or status, whichever was looked up, and what about the payment refused it."""
    settings = ChannelSettings(status_mapping=WITH_PENDING)
    nobody_knows = "Nobody knows what the status 'Odd'"

    assert said(settings, state="new", payment_method="paypal") == (
        "It is not paid (pending), and the settings download paid orders only; it shows payment method 'paypal', "
        "and settings.status_mapping.payment_methods names those that wait for no money."
    )
    assert "; it shows no payment method, and" in said(settings, state="new")
    assert said(settings, state="limbo") == (
        "Nobody knows what the state 'limbo' means; map it in settings.status_mapping."
    )
    assert said(settings, status="Odd") == (
        f"{nobody_knows} without a state means; settings.status_mapping goes by state, so its channel must show one."
    )
    assert said(settings, state="canceled").endswith("(state 'canceled').")
    unheard = said(ChannelSettings(status_mapping=EKM), status="Processing", payment=P.UNKNOWN)
    assert unheard.endswith("its channel must learn what is said of the payment or of its parcels.")
