"""The shop behind HTTP: it knows the questions that the channel asks, and answers them as Vendure does."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from canaries import SECRET
from channels.vendure_shop import (
    Order,
    Parcel,
    RefusedError,
    Variant,
    VendureShop,
    levels_document,
    order_document,
)
from ordersync.channels.vendure import queries
from ordersync.testing.network import BadNetwork

USER = "superadmin"
Variables = dict[str, Any]


class VendureStub:
    """The admin API over one shop.

    ``asked`` names what was asked for; ``on_ask`` is told the same just before it is answered.
    """

    def __init__(self, shop: VendureShop) -> None:
        self.shop = shop
        self.network = BadNetwork()
        self.password = f"{SECRET}-{secrets.token_urlsafe(8)}"
        self.sessions: set[str] = set()
        self.gives_tokens = True
        self.permits = True
        self.asked: list[str] = []
        self.on_ask: Callable[[str], None] | None = None
        self._answers: dict[str, Callable[[Variables], Any]] = {
            queries.CHECK: self._check,
            queries.ORDERS: self._orders,
            queries.VARIANTS: self._variants,
            queries.SET_LEVELS: self._set_levels,
            queries.ADD_FULFILLMENT: self._add_fulfillment,
            queries.MOVE_FULFILLMENT: self._move_fulfillment,
        }

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve it on loopback; yield the address of the admin API."""
        app = web.Application(middlewares=[self.network.middleware])
        app.router.add_post("/admin-api", self.answer)
        server = TestServer(app)
        await server.start_server(access_log=None, shutdown_timeout=0.1)
        try:
            yield str(server.make_url("/admin-api"))
        finally:
            await server.close()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one question; errors come with status 200."""
        question = await request.json()
        if question["query"] == queries.LOG_IN:
            return self._log_in(question["variables"])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.cookies or token not in self.sessions:  # a cookie outranks the token
            return _errors("FORBIDDEN", token="")
        if not self.permits:
            return _errors("FORBIDDEN")
        try:
            return web.json_response({"data": self._answers[question["query"]](question["variables"])})
        except RefusedError as error:
            return _errors(error.code)

    def _note(self, name: str) -> None:
        self.asked.append(name)
        if self.on_ask is not None:
            self.on_ask(name)

    def _log_in(self, variables: Variables) -> web.Response:
        self._note("login")
        if variables != {"user": USER, "password": self.password}:
            refused = {"__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR"}
            return web.json_response({"data": {"login": refused}})
        token = f"{SECRET}-{secrets.token_hex(16)}"
        self.sessions.add(token)
        headers = {"vendure-auth-token": token} if self.gives_tokens else {}
        return web.json_response({"data": {"login": {"__typename": "CurrentUser"}}}, headers=headers)

    def _check(self, _variables: Variables) -> Any:  # noqa: ANN401 - JSON
        return {
            "activeChannel": {"token": "default"},
            "globalSettings": {"serverConfig": {"moneyStrategyPrecision": self.shop.precision}},
            "orders": {"totalItems": len(self.shop.orders)},
            "productVariants": {"totalItems": len(self.shop.variants)},
        }

    def _orders(self, variables: Variables) -> Any:  # noqa: ANN401 - JSON
        self._note("orders")
        options = variables["options"]
        found = [order for order in self.shop.orders.values() if _matches(order, options["filter"])]
        return {
            "globalSettings": {"serverConfig": {"moneyStrategyPrecision": self.shop.precision}},
            "orders": {
                "totalItems": len(found),
                "items": [order_document(order) for order in _slice(found, options)],
            },
        }

    def _variants(self, variables: Variables) -> Any:  # noqa: ANN401 - JSON
        self._note("productVariants")
        options = variables["options"]
        wanted = options.get("filter", {}).get("sku", {}).get("in")
        found = [one for one in self.shop.variants if wanted is None or one.sku in wanted]
        return {
            "globalSettings": {"trackInventory": self.shop.tracks_inventory},
            "productVariants": {
                "totalItems": len(found),
                "items": [_variant_document(one) for one in _slice(found, options)],
            },
        }

    def _set_levels(self, variables: Variables) -> Any:  # noqa: ANN401 - JSON
        self._note("updateProductVariants")
        by_id = {variant.id: variant for variant in self.shop.variants}
        writes = [(row["id"], level) for row in variables["input"] for level in row["stockLevels"]]
        if any(variant not in by_id for variant, _ in writes):
            raise RefusedError("ENTITY_NOT_FOUND")
        if any(level["stockLocationId"] not in self.shop.locations for _, level in writes):
            raise RefusedError(None)
        for variant, level in writes:
            by_id[variant].levels.setdefault(level["stockLocationId"], [0, 0])[0] = level["stockOnHand"]
        touched = sorted({variant for variant, _ in writes}, key=int)
        return {
            "updateProductVariants": [
                {"id": variant, "stockLevels": levels_document(by_id[variant])} for variant in touched
            ]
        }

    def _add_fulfillment(self, variables: Variables) -> Any:  # noqa: ANN401 - JSON
        self._note("addFulfillmentToOrder")
        request = variables["input"]
        lines = {row["orderLineId"]: row["quantity"] for row in request["lines"]}
        arguments = {row["name"]: row["value"] for row in request["handler"]["arguments"]}
        order = self._order_of(lines)
        taken = self.shop.fulfilled(order, ("Pending", "Shipped", "Delivered"))
        for line in order.lines:
            wanted = lines.get(line.id, 0)
            if order.state == "Cancelled" or taken[line.id] + wanted > line.quantity:
                return _refused("addFulfillmentToOrder", "ITEMS_ALREADY_FULFILLED_ERROR")
            if sum(level[0] for level in self.shop.variant(line.sku).levels.values()) < wanted:
                return _refused("addFulfillmentToOrder", "INSUFFICIENT_STOCK_ON_HAND_ERROR")
        made = self.shop.fulfill(order, lines, tracking=arguments["trackingCode"], method=arguments["method"])
        return {"addFulfillmentToOrder": {"__typename": "Fulfillment", "id": made.id}}

    def _move_fulfillment(self, variables: Variables) -> Any:  # noqa: ANN401 - JSON
        self._note(f"transitionFulfillmentToState {variables['state']}")
        order, parcel = self._parcel(variables["id"])
        arrows = {"Pending": ("Shipped", "Delivered", "Cancelled"), "Shipped": ("Delivered", "Cancelled")}
        if variables["state"] not in arrows.get(parcel.state, ()):
            name = "transitionFulfillmentToState"
            told = {"fromState": parcel.state, "toState": variables["state"]}
            return _refused(name, "FULFILLMENT_STATE_TRANSITION_ERROR", **told)
        self.shop.move(order, parcel, variables["state"])
        return {"transitionFulfillmentToState": {"__typename": "Fulfillment"}}

    def _order_of(self, lines: Mapping[str, int]) -> Order:
        for order in self.shop.orders.values():
            if lines.keys() <= {line.id for line in order.lines}:
                return order
        raise RefusedError("ENTITY_NOT_FOUND")

    def _parcel(self, parcel_id: str) -> tuple[Order, Parcel]:
        for order in self.shop.orders.values():
            for parcel in order.parcels:
                if parcel.id == parcel_id:
                    return order, parcel
        raise RefusedError("ENTITY_NOT_FOUND")


def _matches(order: Order, wanted: Mapping[str, Any]) -> bool:
    if "code" in wanted:
        return bool(order.code == wanted["code"]["eq"])
    if order.active is not wanted["active"]["eq"]:
        return False
    if "state" in wanted:
        return order.state not in wanted["state"]["notIn"]
    assert wanted["orderPlacedAt"] == {"isNull": False}
    updated, placed = wanted["_or"]
    after = updated["updatedAt"]["after"]
    assert placed == {"orderPlacedAt": {"after": after}}
    return order.placed_at is not None and max(order.placed_at, order.updated_at).isoformat() > after


def _slice(found: list[Any], options: Mapping[str, Any]) -> list[Any]:
    assert options.get("sort", {"id": "ASC"}) == {"id": "ASC"}
    skip = options.get("skip", 0)
    return sorted(found, key=lambda one: int(one.id))[skip : skip + options["take"]]


def _variant_document(variant: Variant) -> dict[str, Any]:
    return {
        "id": variant.id,
        "sku": variant.sku,
        "trackInventory": variant.tracks,
        "stockLevels": levels_document(variant),
    }


def _refused(name: str, code: str, **told: str) -> dict[str, Any]:
    return {name: {"__typename": "SomeError", "errorCode": code, **told}}


def _errors(code: str | None, *, token: str | None = None) -> web.Response:
    error = {"message": "CANARY", **({} if code is None else {"extensions": {"code": code}})}
    headers = {} if token is None else {"vendure-auth-token": token}
    return web.json_response({"errors": [error], "data": None}, headers=headers)
