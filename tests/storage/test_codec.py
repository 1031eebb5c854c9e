"""What SQL storages write comes back exactly as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
)
from ordersync.model.dispatch import Parcel
from ordersync.model.fields import EARLIEST, LATEST
from ordersync.model.money import Money
from ordersync.model.orders import Conflict, ConflictCode, OrderLine, Reason
from ordersync.model.stock import StockRule
from ordersync.storage import codec
from ordersync.storage.seen import PERSONAL, impersonal

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20)
names = texts.filter(str.strip)
maybe_texts = st.none() | texts
counts = st.integers(1, 1_000_000)
moments = st.datetimes(timezones=st.just(UTC))
field_moments = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None) - datetime.resolution, timezones=st.just(UTC)
)
lines = st.builds(
    OrderLine,
    line_id=texts,
    channel_sku=texts,
    quantity=counts,
    title=texts,
    unit_price=st.none() | st.builds(Money, st.decimals(places=4, min_value=-9, max_value=9), st.just("EUR")),
    cancelled=counts,
    shipped=counts,
    processed=counts,
    components=st.none() | st.dictionaries(texts, counts, max_size=2),
)
amounts = st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(places=28, min_value=-9, max_value=9)


@given(moments)
def test_time_comes_back_to_the_microsecond(moment: datetime) -> None:
    """Every time from the year 1 to 9999 comes back equal, and in UTC."""
    back = codec.moment_of(codec.micros(moment))

    assert back == moment
    assert back.tzinfo is UTC


@given(moments, moments)
def test_times_are_ordered_as_they_are_written(one: datetime, other: datetime) -> None:
    """What is written of a time compares as the time does."""
    assert (one < other) is (codec.micros(one) < codec.micros(other))


@given(amounts)
def test_amount_keeps_its_digits(amount: Decimal) -> None:
    """An amount comes back with the very digits and the exponent that it had."""
    back = codec.money_of(codec.money(Money(amount, "EUR")))

    assert back is not None
    assert back.amount.as_tuple() == amount.as_tuple()
    assert back.currency == "EUR"


@given(st.dictionaries(st.tuples(texts, maybe_texts), counts))
def test_quantities_come_back(quantities: dict[tuple[str, str | None], int]) -> None:
    """Quantities by SKU and place come back equal; no place is not a place without a name."""
    assert codec.quantities_of(codec.quantities(quantities)) == quantities


@given(st.none() | st.dictionaries(texts, counts))
def test_components_come_back(components: dict[str, int] | None) -> None:
    """Nothing linked, linked to nothing and linked to something are three things."""
    back = codec.components_of(codec.components(components))

    assert back == components
    assert (back is None) is (components is None)


@given(st.builds(Buyer, name=maybe_texts, email=maybe_texts, phone=maybe_texts))
def test_buyer_comes_back(buyer: Buyer) -> None:
    """A buyer comes back equal."""
    assert codec.buyer_of(codec.buyer(buyer)) == buyer


@given(st.builds(Address, name=maybe_texts, lines=st.lists(texts, max_size=3), city=maybe_texts, country=maybe_texts))
def test_address_comes_back(address: Address) -> None:
    """An address comes back equal."""
    assert codec.address_of(codec.address(address)) == address


@given(st.builds(Reason, who=names, why=st.just("") | texts, at=field_moments))
def test_reason_comes_back(reason: Reason) -> None:
    """Who did something to an order, when and why, comes back equal."""
    assert codec.reason_of(codec.reason(reason)) == reason


@given(
    st.builds(
        Conflict,
        code=st.sampled_from(ConflictCode),
        sentence=texts,
        at=moments,
        lines=st.lists(lines, max_size=3).map(tuple),
        view=texts,
    )
)
def test_conflict_comes_back(conflict: Conflict) -> None:
    """A conflict comes back equal, with the lines that its channel shows, linked or not, and their prices."""
    back = codec.conflict_of(codec.conflict(conflict))

    assert back == conflict
    assert back is not None
    assert [type(line.components) for line in back.lines] == [type(line.components) for line in conflict.lines]
    assert [str(line.unit_price) for line in back.lines] == [str(line.unit_price) for line in conflict.lines]


def test_conflict_without_a_view_comes_back() -> None:
    """A conflict that was written before there were views has an empty one."""
    text = '{"code":"SHIPPED_ELSEWHERE","sentence":"shipped","at":0,"lines":[]}'

    code = ConflictCode.SHIPPED_ELSEWHERE
    assert codec.conflict_of(text) == Conflict(code=code, sentence="shipped", at=codec.moment_of(0))


@given(
    st.builds(
        Parcel,
        id=names,
        lines=st.none() | st.dictionaries(texts, counts, max_size=3),
        carrier=maybe_texts,
        tracking_number=maybe_texts,
        dispatched_at=st.none() | field_moments,
    )
)
def test_parcel_comes_back(parcel: Parcel) -> None:
    """A parcel as it was asked for comes back equal; all lines and no lines are two things."""
    assert codec.parcel_of(codec.parcel(parcel)) == parcel


@given(
    st.builds(
        StockRule,
        locations=st.none() | st.sets(names, min_size=1, max_size=3),
        buffer=counts,
        percentage=st.decimals(0, 100, places=6),
        cap=st.none() | counts,
    )
)
def test_rule_comes_back(rule: StockRule) -> None:
    """A listing's own rule comes back equal, and so does its fingerprint."""
    back = codec.rule_of(codec.rule(rule))

    assert back == rule
    assert back is not None
    assert back.fingerprint() == rule.fingerprint()


def test_nothing_stays_nothing() -> None:
    """What is not there comes back as not there."""
    assert codec.money_of(codec.money(None)) is None
    assert codec.maybe_moment_of(codec.maybe_micros(None)) is None
    assert codec.buyer_of(codec.buyer(None)) is None
    assert codec.address_of(codec.address(None)) is None
    assert codec.reason_of(codec.reason(None)) is None
    assert codec.conflict_of(codec.conflict(None)) is None
    assert codec.rule_of(codec.rule(None)) is None


euros = st.none() | st.builds(Money, st.decimals(places=4, min_value=-9, max_value=9), st.just("EUR"))
shown_lines = st.builds(
    ChannelOrderLine,
    line_id=names,
    channel_sku=names,
    quantity=st.integers(9, 1_000_000),
    title=texts | st.just(""),
    unit_price=euros,
    cancelled=st.integers(0, 4),
    shipped=st.integers(0, 5),
)
shipments = st.builds(
    Shipment,
    lines=st.dictionaries(names, counts, max_size=2),
    carrier=maybe_texts,
    tracking_number=maybe_texts,
    shipped_at=st.none() | field_moments,
)
shown_orders = st.builds(
    ChannelOrder,
    reference=names,
    status=names,
    payment=st.none() | st.sampled_from(PaymentStatus),
    fulfillment=st.none() | st.sampled_from(FulfillmentStatus),
    placed_at=field_moments,
    updated_at=field_moments,
    currency=st.just("EUR"),
    lines=st.lists(shown_lines, min_size=1, max_size=3, unique_by=lambda line: line.line_id),
    channel_order_id=maybe_texts,
    secondary_reference=maybe_texts,
    paid_at=st.none() | field_moments,
    total=euros,
    buyer=st.none() | st.builds(Buyer, name=texts),
    shipping_address=st.none() | st.builds(Address, name=texts),
    shipping_service=maybe_texts,
    dispatch_by=st.none() | field_moments,
    channel_location=maybe_texts,
    fulfilled_by_channel=st.booleans(),
    shipments=st.lists(shipments, max_size=2),
    raw=st.none() | st.binary(),
    payment_method=maybe_texts,
    state=maybe_texts,
)


@given(shown_orders)
def test_order_as_it_was_shown_comes_back_equal(order: ChannelOrder) -> None:
    """Every field of an order as its channel showed it comes back as it was, but those that hold personal data."""
    back = codec.seen_of(codec.seen(order))

    assert back is not None
    assert back == impersonal(order)
    assert [str(line.unit_price) for line in back.lines] == [str(line.unit_price) for line in order.lines]
    assert (type(back.payment), type(back.fulfillment)) == (type(order.payment), type(order.fulfillment))


def test_every_field_of_a_shown_order_is_tried() -> None:
    """The orders above have all the fields that there are, and of them no more than these three are personal."""
    tried = shown_orders.wrapped_strategy.kwargs  # type: ignore[attr-defined]

    assert set(tried) == {field.name for field in attrs.fields(ChannelOrder)}
    assert sorted(PERSONAL) == ["buyer", "raw", "shipping_address"]


def test_nothing_personal_is_written_of_a_shown_order() -> None:
    """L13: what is written of an order as it was shown holds no word of buyer, address or document."""
    order = ChannelOrder(
        reference="1",
        status="Paid",
        payment=None,
        fulfillment=None,
        placed_at=EARLIEST,
        updated_at=EARLIEST,
        currency="EUR",
        lines=[ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=1)],
        buyer=Buyer(name="Grete"),
        shipping_address=Address(city="Grete"),
        raw=b"Grete",
    )

    assert "Grete" not in str(codec.seen(order))
