"""What is true of an order that is missing, and that whoever tells otherwise is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync import (
    ChannelId,
    ChannelOrder,
    ChannelOrderLine,
    ChannelSettings,
    FulfillmentStatus,
    OrderKey,
    OrderState,
    PaymentStatus,
    StatusMapping,
    UnreadableOrder,
)
from ordersync.admission import Candidate, refusals
from ordersync.model.runs import ChannelState
from ordersync.testing.clock import START
from ordersync.testing.simulator.checkers.explanations import (
    OrderFacts,
    Told,
    check_told,
    refused_for,
    should_be_stored,
)
from ordersync.testing.simulator.trace import Violation

KEY = OrderKey(ChannelId("Shop", "north"), "1001")
PAID = ChannelOrder(
    reference="1001",
    status="Ready",
    payment=PaymentStatus.PAID,
    fulfillment=FulfillmentStatus.UNSHIPPED,
    placed_at=START,
    updated_at=START,
    currency="EUR",
    lines=(ChannelOrderLine(line_id="L1", channel_sku="MUG", quantity=1),),
)
UNPAID = attrs.evolve(PAID, payment=PaymentStatus.UNPAID)
SHIPPED = attrs.evolve(PAID, fulfillment=FulfillmentStatus.SHIPPED)
SPOILED = UnreadableOrder(payload=b"{}", error="lines: expected a list", reference="1001")
WORDS = StatusMapping(version="1", paid={"ready"}, unpaid={"Awaiting"}, shipped={"Gone"}, ignored={"Test"})


def facts(**changes: Any) -> OrderFacts:  # noqa: ANN401
    """Return an order that is shown, paid, and not stored, on a channel that is well."""
    shown = changes.pop("shown", changes.get("now", PAID))
    usual = {
        "key": KEY,
        "state": None,
        "now": PAID,
        "settings": ChannelSettings(),
        "channel_state": ChannelState.ENABLED,
    }
    return OrderFacts(**{**usual, "shown": shown, **changes})


def told(*causes: str, code: str | None = None, stored: bool = False, live: bool = True) -> Told:
    """Return what the doctor said."""
    return Told(code=code or causes[0], causes=causes, stored=stored, live=live)


DELETED = facts(state=OrderState.DELETED)
OFF = facts(channel_state=ChannelState.DISABLED)

TRUE = {
    "stored": (told(code="HERE", stored=True), facts(state=OrderState.OPEN)),
    "processed": (told(code="PROCESSED", stored=True), facts(state=OrderState.PROCESSED)),
    "deleted": (told("DELETED_HERE"), DELETED),
    "unpaid": (told("NOT_PAID"), facts(now=UNPAID)),
    "unpaid by heart": (told("NOT_PAID", live=False), facts(now=UNPAID)),
    "paid since": (told("NOT_READ_YET"), facts(shown=UNPAID)),
    "paid since, by heart": (told("NOT_PAID", live=False), facts(shown=UNPAID)),
    "unreadable": (told("UNREADABLE"), facts(now=SPOILED)),
    "shipped unseen": (told("SHIPPED_BEFORE_DOWNLOAD", "NOT_SHOWN"), facts(now=SHIPPED, shown=None)),
    "never seen": (told("NEVER_SEEN", live=False), facts(now=SHIPPED, shown=None)),
    "gone": (told("NOT_ON_CHANNEL"), facts(now=None, shown=PAID)),
    "disabled": (told("CHANNEL_DISABLED", "NOT_READ_YET"), OFF),
    "disabled and unpaid": (told("CHANNEL_DISABLED", "NOT_PAID"), attrs.evolve(OFF, now=UNPAID, shown=UNPAID)),
    "refused": (told("AUTH_FAILED", "NEVER_SEEN"), facts(connection="refused", shown=None)),
    "refused, by heart": (
        told("AUTH_FAILED", "CHANNEL_RESTING", "NEVER_SEEN", live=False),
        facts(connection="refused", failures=3, resting=True, shown=None),
    ),
    "left out": (told("UNEXPLAINED"), facts(left_out=True, shown=None)),
    "not settled": (told("CHANNEL_DISABLED", "NOT_PAID", live=False), attrs.evolve(OFF, settled=False)),
    "no mapping": (told("CHANNEL_DISABLED", "STATUS_MAPPING_MISSING", "STATUS_UNKNOWN"), None),
}


@pytest.mark.parametrize("name", sorted(TRUE))
def test_what_is_true_is_let_through(name: str) -> None:
    """An answer that names the true causes, and no other, is no violation."""
    answer, about = TRUE[name]
    if about is None:
        words = attrs.evolve(PAID, payment=None, fulfillment=None)
        about = attrs.evolve(OFF, needs_mapping=True, now=attrs.evolve(words, fulfillment=FulfillmentStatus.UNKNOWN))

    check_told(answer, about)


FALSE = {
    "said to be stored": (told(code="HERE", stored=True), facts()),
    "said to be missing": (told("NOT_PAID"), facts(state=OrderState.OPEN)),
    "processed, and said to be here": (told(code="HERE", stored=True), facts(state=OrderState.PROCESSED)),
    "no cause at all": (told(code="HERE"), facts(now=UNPAID)),
    "a cause that is none": (told("CHANNEL_DISABLED", "NOT_PAID"), facts(now=UNPAID)),
    "a cause that is not named": (told("NOT_PAID"), attrs.evolve(OFF, now=UNPAID, shown=UNPAID)),
    "another cause": (told("STATUS_UNKNOWN"), facts(now=UNPAID)),
    "a verdict that is not the first": (
        told("CHANNEL_DISABLED", "NOT_PAID", code="NOT_PAID"),
        attrs.evolve(OFF, now=UNPAID, shown=UNPAID),
    ),
    "the wrong order": (told("NOT_PAID", "CHANNEL_DISABLED"), attrs.evolve(OFF, now=UNPAID, shown=UNPAID)),
    "unexplained though no list left it out": (told("UNEXPLAINED"), facts(shown=None)),
    "unpaid though it was paid since": (told("NOT_PAID"), facts(shown=UNPAID)),
    "a tombstone with another cause": (told("NOT_PAID"), attrs.evolve(DELETED, now=UNPAID)),
    "there though it is gone": (told("NOT_READ_YET"), facts(now=None, shown=PAID)),
    "read no more though it was refused as it is": (told("NOT_PAID", "NOT_READ_YET"), facts(now=UNPAID)),
}


@pytest.mark.parametrize("name", sorted(FALSE))
def test_what_is_false_is_found(name: str) -> None:
    """An answer that names a cause too many, too few, or the wrong one breaks O6."""
    answer, about = FALSE[name]

    with pytest.raises(Violation, match=r"^O6: "):
        check_told(answer, about)


def test_order_that_nothing_keeps_out_should_be_stored() -> None:
    """What was shown as it is, and is refused by nothing, should be kept; every reason against it counts."""
    assert should_be_stored(facts())
    for other in (OFF, DELETED, facts(now=UNPAID), facts(shown=UNPAID), facts(settled=False), facts(now=None)):
        assert not should_be_stored(other)


WISHES = {
    "nothing": ChannelSettings(),
    "unpaid too": ChannelSettings(download_unpaid=True),
    "what ended too": ChannelSettings(import_shipped=True, import_cancelled=True),
    "later ones": ChannelSettings(initial_from=START + timedelta(days=1)),
    "one place": ChannelSettings(location={"north": "main"}),
    "words": ChannelSettings(status_mapping=WORDS),
    "words and proof": ChannelSettings(status_mapping=attrs.evolve(WORDS, confirm_payment=True)),
    "words and methods": ChannelSettings(
        status_mapping=attrs.evolve(WORDS, pending={"Late"}, payment_methods={"invoice"})
    ),
}


@pytest.mark.parametrize("name", sorted(WISHES))
def test_oracle_and_admission_agree(name: str) -> None:
    """The oracle, which shares no code with admission, refuses the same documents for the same reasons."""
    settings = WISHES[name]
    payments, fulfillments = [None, *PaymentStatus], [None, *FulfillmentStatus]
    words, places, methods = ["READY", "Awaiting", "Gone", "Test", "Late", "?"], [None, "north"], [None, "Invoice"]
    for payment in payments:
        for fulfillment in fulfillments:
            for word in words:
                for place, method in zip(places, methods, strict=True):
                    document = attrs.evolve(
                        PAID,
                        status=word,
                        payment=payment,
                        fulfillment=fulfillment,
                        channel_location=place,
                        payment_method=method,
                    )
                    told_by_rule = {one.code for one in refusals(Candidate(order=document, settings=settings))}
                    assert refused_for(document, facts(settings=settings)) == told_by_rule, document
