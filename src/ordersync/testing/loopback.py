"""The channel to a served fake marketplace, written as one for a real API would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Unpack

import attrs

from ..errors import ChannelAuthError, ChannelError, ChannelRejectedError
from ..http import Answer, BearerAuth, Call, HTTPChannel, Transport
from ..model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    OrderPage,
    PaymentStatus,
    Shipment,
    UnreadableOrder,
)
from ..model.dispatch import DispatchNote
from ..model.ids import ChannelId
from ..model.listings import ChannelListing, ListingPage, StockOutcome, StockResult, StockUpdate
from ..model.money import Money
from ..model.settings import ChannelSettings
from ..structuring import read_order, read_orders, strict_converter
from .market_orders import MEANINGS
from .traits import Traits, give_traits

NOT_FOUND = 404


@attrs.frozen(kw_only=True)
class _Line:
    id: str
    sku: str
    title: str
    quantity: int
    cancelled: int
    shipped: int
    unit_price: Decimal


@attrs.frozen(kw_only=True)
class _Shipment:
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime


@attrs.frozen(kw_only=True)
class _Person:
    name: str | None
    email: str | None
    phone: str | None


@attrs.frozen(kw_only=True)
class _Order:
    reference: str
    id: str
    status: str
    payment: PaymentStatus | None
    fulfillment: FulfillmentStatus | None
    placed_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    currency: str
    total: Decimal
    location: str | None
    buyer: _Person
    ship_to: Address
    lines: Sequence[_Line]
    shipments: Sequence[_Shipment]


@attrs.frozen(kw_only=True)
class _Page:
    orders: Sequence[Any]
    next: str | None


@attrs.frozen(kw_only=True)
class _Listing:
    sku: str
    location: str | None
    quantity: int


@attrs.frozen(kw_only=True)
class _Listings:
    listings: Sequence[_Listing]
    next: str | None


@attrs.frozen(kw_only=True)
class _Result:
    sku: str
    location: str | None
    outcome: StockOutcome
    message: str


@attrs.frozen(kw_only=True)
class _Results:
    results: Sequence[_Result]


CONVERTER = strict_converter()


class NoSuchThingError(ChannelRejectedError):
    """What was asked for is not there."""


class LoopbackChannel(HTTPChannel):
    """A client of ``ordersync.testing.server``; keywords named like class attributes as for ``FakeMarketplace``.

    Give it the traits that the served marketplace has.
    """

    statuses = frozenset(MEANINGS)
    clock_skew = timedelta(0)
    converter = CONVERTER

    def __init__(
        self,
        channel_id: ChannelId,
        *,
        url: str,
        token: str,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - it is frozen
        transport: Transport = Transport(),  # noqa: B008 - it is frozen
        **traits: Unpack[Traits],
    ) -> None:
        """Know the server's URL and the token it wants; opens nothing."""
        give_traits(self, traits)
        auth = BearerAuth(self._no_other_token, token=token)
        super().__init__(channel_id, base_url=url, settings=settings, auth=auth, transport=transport)

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of orders."""
        params = {} if updated_since is None else {"updated_since": updated_since.isoformat()}
        if cursor is not None:
            params["cursor"] = cursor
        answer = await self.request("GET", ("orders",), params=params)
        page = self.understood(answer.json, _Page)
        orders, unreadable = read_orders(self.page_items([*page.orders]), _read, reference=_reference)
        return OrderPage(
            orders=orders,
            unreadable=unreadable,
            next_cursor=page.next,
            server_time=answer.server_time,
        )

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return one order as it stands now."""
        try:
            answer = await self.request("GET", ("orders", reference))
        except NoSuchThingError:
            return None
        return read_order(answer.json, _read, reference=_reference)

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Send the levels in one request."""
        levels = [
            {
                "sku": update.channel_sku,
                "location": update.channel_location,
                "quantity": update.quantity,
                "expected": update.expected,
                "attempt": update.attempt_id,
            }
            for update in updates
        ]
        answer = await self.request("PUT", ("stock",), json={"levels": levels})
        return [
            StockResult(
                channel_sku=result.sku,
                channel_location=result.location,
                outcome=result.outcome,
                message=result.message,
            )
            for result in self.understood(answer.json, _Results).results
        ]

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send the note in one request."""
        shipment = {
            "id": note.id,
            "order": note.order_key.reference,
            "lines": dict(note.lines),
            "carrier": note.carrier,
            "service": note.service,
            "tracking_number": note.tracking_number,
            "tracking_url": note.tracking_url,
            "shipped_at": note.dispatched_at.isoformat(),
        }
        await self.request("POST", ("shipments",), json=shipment)

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Return one page of what the listings show."""
        answer = await self.request("GET", ("listings",), params={} if cursor is None else {"cursor": cursor})
        page = self.understood(answer.json, _Listings)
        return ListingPage(
            listings=[
                ChannelListing(channel_sku=one.sku, channel_location=one.location, quantity=one.quantity)
                for one in page.listings
            ],
            next_cursor=page.next,
        )

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Tell what is not there from what is refused."""
        if answer.status == NOT_FOUND:
            return NoSuchThingError(f"{call}: answered {answer.status}; check the reference and base_url")
        return super().failure(call, answer)

    async def _no_other_token(self) -> str:
        raise ChannelAuthError(f"{self.id}: the token is refused; give the one that the server was started with")


def _reference(document: Any) -> object:  # noqa: ANN401 - any JSON
    return document["reference"]


def _read(document: object) -> ChannelOrder:
    order = CONVERTER.structure(document, _Order)
    return ChannelOrder(
        reference=order.reference,
        status=order.status,
        payment=order.payment,
        fulfillment=order.fulfillment,
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        currency=order.currency,
        lines=[_line(line, order.currency) for line in order.lines],
        channel_order_id=order.id,
        paid_at=order.paid_at,
        total=Money(order.total, order.currency),
        buyer=Buyer(name=order.buyer.name, email=order.buyer.email, phone=order.buyer.phone),
        shipping_address=order.ship_to,
        channel_location=order.location,
        shipments=[
            Shipment(
                lines=shipment.lines,
                carrier=shipment.carrier,
                tracking_number=shipment.tracking_number,
                shipped_at=shipment.shipped_at,
            )
            for shipment in order.shipments
        ],
    )


def _line(line: _Line, currency: str) -> ChannelOrderLine:
    return ChannelOrderLine(
        line_id=line.id,
        channel_sku=line.sku,
        quantity=line.quantity,
        title=line.title,
        unit_price=Money(line.unit_price, currency),
        cancelled=line.cancelled,
        shipped=line.shipped,
    )
