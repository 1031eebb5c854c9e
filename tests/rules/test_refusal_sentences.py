"""What is said of an order that is not downloaded, word for word: people read it, and search for it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.admission import Candidate, admit, refusals
from ordersync.model.channel_orders import FulfillmentStatus, PaymentStatus
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.testing.builders import make_channel_order

UNPAID_TOO = ChannelSettings(download_unpaid=True)
WAITING = ChannelSettings(
    status_mapping=StatusMapping(version="1", paid=["Paid"], pending=["New"], payment_methods=["transfer"])
)


def candidate(settings: ChannelSettings | None = None, **changes: Any) -> Candidate:  # noqa: ANN401 - fields of an order
    """Put an order up for admission."""
    return Candidate(order=make_channel_order(**changes), settings=settings or ChannelSettings())


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (
            attrs.evolve(candidate(), tombstone=True),
            "A person deleted this order here; restoring it lifts the block.",
        ),
        (
            candidate(payment=PaymentStatus.PENDING),
            "It is not paid (pending), and the settings download paid orders only.",
        ),
        (
            candidate(UNPAID_TOO, payment=PaymentStatus.REFUNDED),
            "It is not paid (refunded), and the settings download paid orders and unpaid ones, but not this.",
        ),
        (
            candidate(WAITING, status="New", payment=PaymentStatus.FAILED, payment_method="transfer"),
            "It is not paid (failed), and the settings download paid orders only.",
        ),
    ],
)
def test_refusal_says_why_and_no_more(refused: Candidate, sentence: str) -> None:
    """A refusal names what the order lacks, and gives reasons of the mapping only where these decided."""
    refusal = admit(refused)

    assert refusal is not None
    assert refusal.sentence == sentence


def test_order_of_a_mapped_place_is_admitted() -> None:
    """An order of one of the channel's locations is downloaded where the settings say to which place it goes."""
    assert admit(candidate(ChannelSettings(location={"north": "main"}), channel_location="north")) is None


def test_word_that_nobody_understands_is_no_matter_of_payment() -> None:
    """Of an order whose fulfillment is not understood only that is said, whatever is known of its payment."""
    unknown = candidate(payment=PaymentStatus.UNPAID, fulfillment=FulfillmentStatus.UNKNOWN)

    assert [refusal.code for refusal in refusals(unknown)] == ["STATUS_UNKNOWN"]
