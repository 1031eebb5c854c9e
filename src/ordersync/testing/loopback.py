"""The channel to a served fake marketplace, written as one for a real API would be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

import attrs

from ..errors import ChannelAuthError, ChannelError, ChannelRejectedError
from ..http import Answer, BearerAuth, Call, HTTPChannel, Transport
from ..model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ..model.dispatch import DispatchNote
from ..model.ids import ChannelId
from ..model.listings import ChannelListing, ListingPage, StockOutcome, StockResult, StockUpdate
from ..model.settings import ChannelSettings
from ..structuring import read_order, read_orders, read_payload
from .market_documents import CONVERTER, read_document, reference_of
from .market_orders import MEANINGS
from .traits import Traits, give_traits

NOT_FOUND = 404


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
        orders, unreadable = read_orders(self.page_items([*page.orders]), read_document, reference=reference_of)
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
        return read_order(answer.json, read_document, reference=reference_of)

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

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read a document that was kept."""
        return read_payload(payload, read_document, reference=reference_of)

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
