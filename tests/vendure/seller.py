"""Work in the shop as its seller and its buyers do, through the public APIs alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from vendure.graphql import Api
from vendure.opening import Shop, open_shop
from vendure.running import VendureServer

LOG_IN = """mutation ($user: String!, $password: String!) {
  login(username: $user, password: $password) {
    __typename ... on ErrorResult { errorCode message }
  }
}"""

KNOWN_SHOP = """{
  stockLocations { items { id name } }
  productVariants { items { id sku } }
  shippingMethods { items { id } }
}"""

PUT_INTO_CART = """mutation ($variant: ID!, $quantity: Int!) {
  addItemToOrder(productVariantId: $variant, quantity: $quantity) {
    __typename ... on ErrorResult { errorCode message }
  }
}"""

CHECK_OUT = """mutation ($email: String!, $method: ID!) {
  setCustomerForOrder(input: {firstName: "Ann", lastName: "Buyer", emailAddress: $email}) {
    __typename ... on ErrorResult { errorCode message }
  }
  setOrderShippingAddress(input: {
    fullName: "Ann Buyer", streetLine1: "Hauptstr. 1", streetLine2: "Hof 2", city: "Berlin",
    postalCode: "10115", countryCode: "DE", phoneNumber: "+49 30 555"
  }) { __typename ... on ErrorResult { errorCode message } }
  setOrderShippingMethod(shippingMethodId: [$method]) {
    __typename ... on ErrorResult { errorCode message }
  }
  transitionOrderToState(state: "ArrangingPayment") {
    __typename ... on Order { code } ... on ErrorResult { errorCode message }
  }
}"""

PAY = """mutation ($method: String!) {
  addPaymentToOrder(input: {method: $method, metadata: {}}) {
    __typename ... on Order { state } ... on ErrorResult { errorCode message }
  }
}"""

SETTLE = """mutation ($payment: ID!) {
  settlePayment(id: $payment) { __typename ... on ErrorResult { errorCode message } }
}"""

CANCEL = """mutation ($input: CancelOrderInput!) {
  cancelOrder(input: $input) { __typename ... on ErrorResult { errorCode message } }
}"""

FULFIL = """mutation ($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode message }
  }
}"""

MOVE_FULFILMENT = """mutation ($id: ID!, $state: String!) {
  transitionFulfillmentToState(id: $id, state: $state) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode message }
    ... on FulfillmentStateTransitionError { transitionError fromState toState }
  }
}"""

ORDER = """query ($code: String!) {
  orders(options: {take: 1, filter: {code: {eq: $code}}}) {
    items {
      id code state active createdAt updatedAt orderPlacedAt totalWithTax
      lines { id quantity orderPlacedQuantity productVariant { sku } }
      payments { id state refunds { id state } }
      fulfillments { id state trackingCode method lines { orderLineId quantity } }
    }
  }
}"""

EVERY_ORDER = """query ($skip: Int!) {
  orders(options: {take: 100, skip: $skip, sort: {id: ASC}}) { totalItems items { code state } }
}"""

STOCK = """{
  productVariants(options: {take: 1000}) {
    items { sku stockLevels { stockOnHand stockAllocated stockLocation { name } } }
  }
}"""

SET_STOCK = """mutation ($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id }
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """One line of an order: how many are wanted now, and how many were when it was placed."""

    id: str
    quantity: int
    placed_quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentFacts:
    """One parcel of an order as the server has it."""

    id: str
    state: str
    tracking_code: str
    method: str
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """One order as the server has it; lines are by SKU."""

    id: str
    code: str
    state: str
    active: bool
    updated_at: str
    placed_at: str | None
    total: int
    lines: Mapping[str, LineFacts]
    payments: Mapping[str, str]
    refunds: Mapping[str, str]
    fulfillments: tuple[FulfillmentFacts, ...]


class Seller:
    """The shop's seller, who also plays the buyers."""

    def __init__(self, http: aiohttp.ClientSession, server: VendureServer) -> None:
        self._http = http
        self._server = server
        self._buyers: dict[str, Api] = {}
        self.admin = Api(http, server.admin_api)
        self.shop = Shop()

    async def log_in(self) -> None:
        """Begin a session with the admin API."""
        password = self._server.password
        await self.admin.ask(LOG_IN, user=self._server.user, password=password)

    async def set_up(self) -> None:
        """Open the shop in an empty server."""
        self.shop = await open_shop(self.admin)

    async def look_around(self) -> None:
        """Learn the ids of what is in the shop; in an empty server, nothing."""
        known = await self.admin.ask(KNOWN_SHOP)
        methods = known["shippingMethods"]["items"]
        self.shop = Shop(
            locations={one["name"]: one["id"] for one in known["stockLocations"]["items"]},
            variants={one["sku"]: one["id"] for one in known["productVariants"]["items"]},
            shipping_method=methods[0]["id"] if methods else "",
        )

    async def place_order(self, lines: Mapping[str, int], *, pay: bool = True, branch: str | None = None) -> str:
        """Buy as a new buyer and give the order's code; unpaid, it stays ArrangingPayment.

        *branch*: the token of the Vendure channel in which it is bought; the default channel has all orders.
        """
        buyer = Api(self._http, self._server.shop_api + ("" if branch is None else f"?vendure-token={branch}"))
        for sku, quantity in lines.items():
            await buyer.ask(PUT_INTO_CART, variant=self.shop.variants[sku], quantity=quantity)
        email = f"buyer-{(buyer.token or '')[:12]}@example.test"
        done = await buyer.ask(CHECK_OUT, email=email, method=self.shop.shipping_method)
        code: str = done["transitionOrderToState"]["code"]
        self._buyers[code] = buyer
        if pay:
            await self.pay(code)
        return code

    async def pay(self, code: str) -> None:
        """Pay an unpaid order as its buyer; it becomes PaymentSettled."""
        await self._buyers[code].ask(PAY, method="card")

    async def authorize(self, code: str) -> None:
        """Promise to pay an unpaid order as its buyer; it becomes PaymentAuthorized."""
        await self._buyers[code].ask(PAY, method="invoice")

    async def settle(self, code: str) -> None:
        """Take the money that was promised; the order becomes PaymentSettled."""
        for payment, state in (await self.order_facts(code)).payments.items():
            if state == "Authorized":
                await self.admin.ask(SETTLE, payment=payment)

    async def cancel_order(self, code: str) -> None:
        """Cancel all that is left of an order."""
        order = await self.order_facts(code)
        await self.admin.ask(CANCEL, input={"orderId": order.id, "reason": "test"})

    async def cancel_line(self, code: str, sku: str, quantity: int) -> None:
        """Cancel some pieces of one line."""
        order = await self.order_facts(code)
        line = {"orderLineId": order.lines[sku].id, "quantity": quantity}
        await self.admin.ask(CANCEL, input={"orderId": order.id, "lines": [line]})

    async def ship_by_hand(self, code: str, lines: Mapping[str, int], tracking: str) -> str:
        """Ship some pieces, as a person in the admin UI would; give the fulfillment's id."""
        fulfillment = await self.fulfill(code, lines, tracking)
        await self.move(fulfillment, "Shipped")
        return fulfillment

    async def fulfill(self, code: str, lines: Mapping[str, int], tracking: str) -> str:
        """Make a fulfillment and leave it Pending; give its id."""
        request = await self.fulfillment_request(code, lines, tracking)
        made = await self.admin.ask(FULFIL, input=request)
        fulfillment: str = made["addFulfillmentToOrder"]["id"]
        return fulfillment

    async def fulfillment_request(self, code: str, lines: Mapping[str, int], tracking: str) -> dict[str, Any]:
        """Give the input that FULFIL takes."""
        order = await self.order_facts(code)
        arguments = {"method": "DHL", "trackingCode": tracking}
        return {
            "lines": [{"orderLineId": order.lines[sku].id, "quantity": quantity} for sku, quantity in lines.items()],
            "handler": {
                "code": "manual-fulfillment",
                "arguments": [{"name": k, "value": v} for k, v in arguments.items()],
            },
        }

    async def move(self, fulfillment: str, state: str) -> None:
        """Bring a fulfillment to another state."""
        await self.admin.ask(MOVE_FULFILMENT, id=fulfillment, state=state)

    async def order_facts(self, code: str) -> OrderFacts:
        """Tell what the server knows about an order."""
        (found,) = (await self.admin.ask(ORDER, code=code))["orders"]["items"]
        return _order_facts(found)

    async def codes_by_state(self) -> dict[str, set[str]]:
        """List the codes of all orders there are, by the state that they are in."""
        codes: dict[str, set[str]] = {}
        seen, total = 0, 1
        while seen < total:
            page = (await self.admin.ask(EVERY_ORDER, skip=seen))["orders"]
            for order in page["items"]:
                codes.setdefault(order["state"], set()).add(order["code"])
            seen, total = seen + len(page["items"]), page["totalItems"]
        return codes

    async def count_fulfillments(self, code: str) -> int:
        """Count the parcels of an order that are not cancelled."""
        order = await self.order_facts(code)
        return sum(one.state != "Cancelled" for one in order.fulfillments)

    async def stock_facts(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Tell on-hand and allocated by SKU and location."""
        found = (await self.admin.ask(STOCK))["productVariants"]["items"]
        return {
            variant["sku"]: {
                level["stockLocation"]["name"]: (level["stockOnHand"], level["stockAllocated"])
                for level in variant["stockLevels"]
            }
            for variant in found
        }

    async def set_stock(self, sku: str, location: str, on_hand: int) -> None:
        """Count a SKU at a location and write down how many there are."""
        level = {"stockLocationId": self.shop.locations[location], "stockOnHand": on_hand}
        variant = {"id": self.shop.variants[sku], "stockLevels": [level]}
        await self.admin.ask(SET_STOCK, input=[variant])


@asynccontextmanager
async def selling(server: VendureServer) -> AsyncIterator[Seller]:
    """Log in to a running server whose shop is open, or is now opened."""
    # The server prefers a cookie to a bearer token: with a jar, all buyers would be one.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        seller = Seller(http, server)
        await seller.log_in()
        await seller.look_around()
        if not seller.shop.variants:
            await seller.set_up()
        yield seller


def _order_facts(found: dict[str, Any]) -> OrderFacts:
    lines = {
        line["productVariant"]["sku"]: LineFacts(
            id=line["id"],
            quantity=line["quantity"],
            placed_quantity=line["orderPlacedQuantity"],
        )
        for line in found["lines"]
    }
    sku_of = {line.id: sku for sku, line in lines.items()}
    return OrderFacts(
        id=found["id"],
        code=found["code"],
        state=found["state"],
        active=found["active"],
        updated_at=found["updatedAt"],
        placed_at=found["orderPlacedAt"],
        total=found["totalWithTax"],
        lines=lines,
        payments={one["id"]: one["state"] for one in found["payments"] or ()},
        refunds={back["id"]: back["state"] for one in found["payments"] or () for back in one["refunds"]},
        fulfillments=tuple(
            FulfillmentFacts(
                id=one["id"],
                state=one["state"],
                tracking_code=one["trackingCode"],
                method=one["method"],
                lines={sku_of[part["orderLineId"]]: part["quantity"] for part in one["lines"]},
            )
            # PostgreSQL gives them in any order, and in another one after each change.
            for one in sorted(found["fulfillments"] or (), key=lambda one: int(one["id"]))
        ),
    )
