"""The Vendure channel: five verbs, each one request or a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import aiohttp

from ...errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ConfigurationError,
)
from ...http import Answer, BearerAuth, Call, HTTPChannel, Transport
from ...model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ...model.dispatch import DispatchNote
from ...model.ids import ChannelId
from ...model.listings import ListingPage, StockOutcome, StockResult, StockUpdate
from ...model.settings import ChannelSettings
from ...structuring import Document, read_orders, read_payload
from . import parcels, queries, reading, scanning, stock
from .documents import CONVERTER, CheckAnswer, OrdersAnswer, Result, ShopOrder, VariantsAnswer, WrittenAnswer
from .reading import DONE, STATES

STAMP = timedelta(seconds=1)
MANUAL = "manual-fulfillment"
MOST_VARIANTS = 1000


class VendureChannel(HTTPChannel):
    """A shop on Vendure 3.

    *base_url* is the address of the admin API, such as ``https://shop.example/admin-api``. *user* is an
    administrator who may ReadOrder, UpdateOrder, ReadProduct and UpdateProduct; the server must hand out
    bearer tokens (``'bearer'`` in ``authOptions.tokenMethod``). An API key would cost it a bcrypt check with
    every request. *channel_token* chooses one of several Vendure channels.

    *stock_location* is the id of the Vendure stock location of listings that are linked without a channel
    location; a listing at another one is linked with that one's id. Vendure does not tell from which location
    an order is served, so ``settings.location`` names one of ours and is no map. *fulfillment_handler* is the
    code of the handler that makes fulfillments.

    It is scanned both by state and by time: ``updatedAt`` moves when pieces are cancelled, also of an order that has
    shipped, but neither on payment nor on shipping. One change moves no stamp and leaves no open order: pieces that
    are modified away after everything has shipped. ``SyncRunner.hint`` finds that.
    """

    statuses = STATES
    scan = "both"
    decrements_on_sale = True
    stock_batch_size = 100
    call_timeout = timedelta(minutes=2)
    converter = CONVERTER
    page_size: ClassVar[int] = 100
    credentials: ClassVar[str] = "user and password"

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        channel_id: ChannelId,
        *,
        base_url: str,
        user: str,
        password: str,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - frozen
        channel_token: str | None = None,
        stock_location: str = "1",
        fulfillment_handler: str = MANUAL,
        session: aiohttp.ClientSession | None = None,
        transport: Transport = Transport(),  # noqa: B008 - frozen
    ) -> None:
        self._bearer = BearerAuth(self._log_in)
        super().__init__(
            channel_id,
            base_url=base_url,
            settings=settings,
            auth=self._bearer,
            session=session,
            transport=transport,
        )
        self._user, self._password = user, password
        self._stock_location = stock_location
        self._fulfillment_handler = fulfillment_handler
        self._channel_token = channel_token
        self._precision: int | None = None
        if channel_token is not None:
            self.headers["vendure-token"] = channel_token
        _check(channel_id, settings)

    async def test_connection(self) -> None:
        """Raise a ``ChannelError`` unless orders and products of our Vendure channel can be read."""
        answer = await self._ask(queries.CHECK, {})
        token = self._channel_token
        if token is not None and answer.json.get("activeChannel") != {"token": token}:
            raise ChannelAuthError(f"{self.id}: the server has no channel with this token; correct channel_token")
        self._learn_precision(self.understood(answer.json, CheckAnswer))

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of what is not shipped; with a time, of what was placed or stamped since, in any state.

        The stamps say little: what was only paid or shipped since is not among it.
        """
        window = scanning.Window(scanning.position_of(cursor), self.page_size)
        options = {"skip": window.skip, "take": window.take, "sort": {"id": "ASC"}, "filter": _scanned(updated_since)}
        answer = await self._ask(queries.ORDERS, {"options": options})
        found = self.understood(answer.json, OrdersAnswer)
        items, onward = window.page(self.page_items(found.orders.items), total=found.orders.total_items)
        orders, unreadable = self._orders(items, found)
        return OrderPage(
            orders=orders,
            unreadable=unreadable,
            next_cursor=None if onward is None else onward.cursor,
            server_time=answer.server_time,
        )

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return the order with this code, in any state, an unpaid cart included."""
        found = await self._found(reference)
        orders, unreadable = self._orders(found.orders.items, found)
        seen: list[ChannelOrder | UnreadableOrder] = [*orders, *unreadable]
        return next((order for order in seen if order.reference == reference), None)

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read a kept document; before the server's first answer nobody knows the decimal places of its amounts."""
        precision = self._precision
        if precision is None:
            told = "the decimal places of its amounts are not known yet; test the connection first"
            return UnreadableOrder(payload=payload, error=told)
        return read_payload(payload, lambda item: reading.read_order(item, precision=precision), reference=_code)

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Return one page of what variants show: what lies at each location less what is allocated there."""
        skip = scanning.position_of(cursor).seen
        options = {"skip": skip, "take": self.page_size, "sort": {"id": "ASC"}}
        found = self.understood((await self._ask(queries.VARIANTS, {"options": options})).json, VariantsAnswer)
        items = found.product_variants.items
        onward = scanning.Position(seen=skip + len(items), last_id=items[-1].id) if items else None
        is_last = onward is None or onward.seen >= found.product_variants.total_items
        return ListingPage(
            listings=tuple(stock.listings(found, location=self._stock_location)),
            next_cursor=None if is_last or onward is None else onward.cursor,
        )

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Write on-hand levels that leave these quantities beside what is allocated.

        One request reads the allocations, one writes all levels or none. What is shown already is not written.
        """
        skus = sorted({update.channel_sku for update in updates})
        options = {"take": MOST_VARIANTS, "sort": {"id": "ASC"}, "filter": {"sku": {"in": skus}}}
        found = self.understood((await self._ask(queries.VARIANTS, {"options": options})).json, VariantsAnswer)
        if found.product_variants.total_items > len(found.product_variants.items):
            raise ChannelRejectedError(f"{self.id}: too many variants share these SKUs; give each its own")
        planned, refused = stock.plan(updates, found, location=self._stock_location)
        done = [write.result(StockOutcome.ACCEPTED) for write in planned if write.done]
        writes = [write for write in planned if not write.done]
        if not writes:
            return [*refused, *done]
        answer = await self._ask(queries.SET_LEVELS, {"input": stock.rows(writes)})
        written = self.understood(answer.json, WrittenAnswer, effect=True).update_product_variants
        return [*refused, *done, *stock.results(writes, written)]

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Make a fulfillment of the note and move it to Shipped; a half-made one of the same note is finished.

        Of several half-made ones, left by copies of one request, one is shipped and the others are cancelled,
        which gives their pieces back.
        """
        order = await self._order(note)
        reason = parcels.refusal(order, note)
        if reason is not None:
            raise ChannelRejectedError(f"{note.order_key}: {reason}")
        pending = [parcel.id for parcel in parcels.half_made(order, note)]
        if not pending:
            made = parcels.fulfillment(note, handler=self._fulfillment_handler)
            result = await self._change(queries.ADD_FULFILLMENT, {"input": made}, "addFulfillmentToOrder")
            if result.error_code is not None or result.id is None:
                raise _refused(note, result)
            pending = [result.id]
        for extra in pending[1:]:
            await self._move(note, extra, "Cancelled")
        await self._move(note, pending[0], "Shipped")

    def graphql_failure(self, call: Call, answer: Answer) -> ChannelError:
        """Return the error for an answer with errors; a refused mutation has been rolled back as a whole.

        What the database itself refuses, such as a location that does not exist, comes without a code.
        """
        error = super().graphql_failure(call, answer)
        return ChannelRejectedError(str(error)) if isinstance(error, ChannelRejectedError) else error

    async def _ask(self, query: str, variables: Mapping[str, object]) -> Answer:
        """Ask, and once more with a new session if this one has ended: that comes as FORBIDDEN with status 200."""
        token = await self._bearer.token()
        try:
            return await self.graphql(query, variables)
        except ChannelAuthError:
            await self._bearer.renewed(token)
        return await self.graphql(query, variables)

    async def _log_in(self) -> str:
        """Begin a session and return its token."""
        variables = {"user": self._user, "password": self._password}
        answer = await self.graphql(queries.LOG_IN, variables, effect=False, authorized=False)
        result = self.understood(answer.json.get("login"), Result)
        if result.error_code is not None:
            raise ChannelAuthError(f"{self.id}: the login was refused ({result.error_code}); check user and password")
        token = answer.headers.get("vendure-auth-token")
        if not token:
            raise ChannelAuthError(
                f"{self.id}: the server gives no session token; add 'bearer' to its authOptions.tokenMethod"
            )
        return token

    async def _order(self, note: DispatchNote) -> ShopOrder:
        found = await self._found(note.order_key.reference)
        for document in found.orders.items:
            order = self.understood(document, ShopOrder)
            if order.code == note.order_key.reference:
                return order
        raise ChannelRejectedError(f"{note.order_key}: Vendure has no such order; check whose it is")

    async def _found(self, reference: str) -> OrdersAnswer:
        """Ask for the orders with this code; a database that ignores case may find two."""
        options = {"take": 2, "filter": {"code": {"eq": reference}}}
        return self.understood((await self._ask(queries.ORDERS, {"options": options})).json, OrdersAnswer)

    async def _move(self, note: DispatchNote, parcel: str, state: str) -> None:
        """Bring a fulfillment to a state; where it is there already, a copy of this request was faster."""
        variables = {"id": parcel, "state": state}
        result = await self._change(queries.MOVE_FULFILLMENT, variables, "transitionFulfillmentToState")
        if result.error_code is not None and result.from_state != state:
            raise _refused(note, result)

    async def _change(self, mutation: str, variables: Mapping[str, object], name: str) -> Result:
        answer = await self._ask(mutation, variables)
        return self.understood(answer.json.get(name), Result, effect=True)

    def _orders(
        self, items: Sequence[Document], found: OrdersAnswer
    ) -> tuple[Sequence[ChannelOrder], Sequence[UnreadableOrder]]:
        precision = self._learn_precision(found)
        return read_orders(items, lambda item: reading.read_order(item, precision=precision), reference=_code)

    def _learn_precision(self, found: CheckAnswer | OrdersAnswer) -> int:
        self._precision = found.global_settings.server_config.money_strategy_precision
        return self._precision


def _code(document: Document) -> object:
    return document["code"]


def _scanned(updated_since: datetime | None) -> Mapping[str, object]:
    """Return the filter of a scan; ``after`` is strict, and stamps may be cut to whole seconds.

    A cart that was given up is cancelled without ever having been placed.
    """
    if updated_since is None:
        return {"active": {"eq": False}, "state": {"notIn": sorted(DONE)}}
    since = {"after": (updated_since - STAMP).isoformat()}
    return {
        "active": {"eq": False},
        "orderPlacedAt": {"isNull": False},
        "_or": [{"updatedAt": since}, {"orderPlacedAt": since}],
    }


def _refused(note: DispatchNote, result: Result) -> ChannelRejectedError:
    return ChannelRejectedError(
        f"{note.order_key}: Vendure refuses the fulfillment ({result.error_code}); look at the order there"
    )


def _check(channel_id: ChannelId, settings: ChannelSettings) -> None:
    if settings.download_unpaid:
        raise ConfigurationError(
            f"{channel_id}: settings.download_unpaid is on, but an unpaid order of Vendure is still its buyer's "
            "cart and holds no stock there; switch it off"
        )
    if not isinstance(settings.location, str):
        raise ConfigurationError(
            f"{channel_id}: settings.location is a map, but Vendure does not tell where an order is served from; "
            "name one location"
        )
