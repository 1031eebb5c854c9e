"""A second Vendure channel of a shop: a branch that sees its own orders alone, while the default channel sees all."""

from __future__ import annotations

from vendure.seller import Seller

KNOWN = """{
  zones { items { id } }
  products { items { id } }
  paymentMethods { items { id } }
}"""

OPEN_BRANCH = """mutation ($token: String!, $zone: ID!) {
  createChannel(input: {
    code: $token, token: $token, defaultLanguageCode: en, pricesIncludeTax: false,
    availableCurrencyCodes: [EUR], defaultCurrencyCode: EUR, defaultTaxZoneId: $zone, defaultShippingZoneId: $zone
  }) { __typename ... on Channel { id } ... on ErrorResult { errorCode message } }
}"""

# Each in a request of its own: a server on PostgreSQL would do them at once.
SHARE = (
    """mutation ($ids: [ID!]!, $channel: ID!) {
      assignProductsToChannel(input: {productIds: $ids, channelId: $channel, priceFactor: 1}) { id }
    }""",
    """mutation ($ids: [ID!]!, $channel: ID!) {
      assignPaymentMethodsToChannel(input: {paymentMethodIds: $ids, channelId: $channel}) { id }
    }""",
    """mutation ($ids: [ID!]!, $channel: ID!) {
      assignShippingMethodsToChannel(input: {shippingMethodIds: $ids, channelId: $channel}) { id }
    }""",
    """mutation ($ids: [ID!]!, $channel: ID!) {
      assignStockLocationsToChannel(input: {stockLocationIds: $ids, channelId: $channel}) { id }
    }""",
)


async def open_branch(seller: Seller, token: str) -> None:
    """Open a branch that sells the same goods out of the same stock."""
    known = await seller.admin.ask(KNOWN)
    zone = known["zones"]["items"][0]["id"]
    channel = (await seller.admin.ask(OPEN_BRANCH, token=token, zone=zone))["createChannel"]["id"]
    shared = (
        [one["id"] for one in known["products"]["items"]],
        [one["id"] for one in known["paymentMethods"]["items"]],
        [seller.shop.shipping_method],
        list(seller.shop.locations.values()),
    )
    for mutation, ids in zip(SHARE, shared, strict=True):
        await seller.admin.ask(mutation, ids=ids, channel=channel)
