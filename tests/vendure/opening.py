"""Open the shop: everything a new Vendure server needs before it can sell."""

from __future__ import annotations

from dataclasses import dataclass, field

from vendure.graphql import Api

ON_HAND = {
    "MUG": {"main": 200, "back": 40},
    "LID": {"main": 150, "back": 0},
    "TEE": {"main": 120, "back": 25},
    "BAG": {"main": 90, "back": 30},
    "RUG": {"main": 3, "back": 3},
}
PRICES = {"MUG": 1299, "LID": 250, "TEE": 1999, "BAG": 4950, "RUG": 12000}

COUNTRY = """mutation {
  createCountry(input: {
    code: "DE", enabled: true, translations: [{languageCode: en, name: "Germany"}]
  }) { id }
}"""

TAX = """mutation ($country: ID!) {
  createZone(input: {name: "Europe", memberIds: [$country]}) { id }
  createTaxCategory(input: {name: "standard", isDefault: true}) { id }
}"""

CHANNEL = """mutation ($zone: ID!, $category: ID!) {
  createTaxRate(input: {
    name: "VAT", enabled: true, value: 19, zoneId: $zone, categoryId: $category
  }) { id }
  updateChannel(input: {
    id: "1", availableCurrencyCodes: [EUR], defaultCurrencyCode: EUR,
    defaultTaxZoneId: $zone, defaultShippingZoneId: $zone
  }) { __typename ... on ErrorResult { errorCode message } }
}"""

# The first location is there from the start, under another name.
LOCATIONS = """mutation {
  main: updateStockLocation(input: {id: "1", name: "main"}) { id name }
  back: createStockLocation(input: {name: "back"}) { id name }
}"""

PAYMENT = """mutation ($code: String!, $settle: String!) {
  createPaymentMethod(input: {
    code: $code, enabled: true, translations: [{languageCode: en, name: $code}],
    handler: {
      code: "dummy-payment-handler", arguments: [{name: "automaticSettle", value: $settle}]
    }
  }) { id }
}"""

SHIPPING = """mutation {
  createShippingMethod(input: {
    code: "parcel", fulfillmentHandler: "manual-fulfillment",
    translations: [{languageCode: en, name: "Parcel"}],
    checker: {
      code: "default-shipping-eligibility-checker",
      arguments: [{name: "orderMinimum", value: "0"}]
    },
    calculator: {
      code: "default-shipping-calculator",
      arguments: [
        {name: "rate", value: "500"}
        {name: "includesTax", value: "auto"}
        {name: "taxRate", value: "19"}
      ]
    }
  }) { id }
}"""

PRODUCT = """mutation ($sku: String!) {
  createProduct(input: {
    enabled: true,
    translations: [{languageCode: en, name: $sku, slug: $sku, description: ""}]
  }) { id }
}"""

VARIANT = """mutation ($input: [CreateProductVariantInput!]!) {
  createProductVariants(input: $input) { id sku }
}"""


@dataclass(slots=True)
class Shop:
    """The server's ids for what the tests call by name."""

    locations: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    shipping_method: str = ""


async def open_shop(admin: Api) -> Shop:
    """Set up tax, locations, payment, shipping and products in an empty server."""
    shop = Shop()
    country = (await admin.ask(COUNTRY))["createCountry"]["id"]
    tax = await admin.ask(TAX, country=country)
    category = tax["createTaxCategory"]["id"]
    await admin.ask(CHANNEL, zone=tax["createZone"]["id"], category=category)
    for location in (await admin.ask(LOCATIONS)).values():
        shop.locations[location["name"]] = location["id"]
    await admin.ask(PAYMENT, code="card", settle="true")
    await admin.ask(PAYMENT, code="invoice", settle="false")
    shop.shipping_method = (await admin.ask(SHIPPING))["createShippingMethod"]["id"]
    for sku, on_hand in ON_HAND.items():
        shop.variants[sku] = await add_product(admin, shop, sku, on_hand, tax_category=category)
    return shop


async def add_product(admin: Api, shop: Shop, sku: str, on_hand: dict[str, int], *, tax_category: str) -> str:
    """Make a product with one variant, with stock at each location; give the variant's id."""
    product = (await admin.ask(PRODUCT, sku=sku))["createProduct"]["id"]
    variant = {
        "productId": product,
        "sku": sku,
        "price": PRICES[sku],
        "taxCategoryId": tax_category,
        "translations": [{"languageCode": "en", "name": sku.title()}],
        "stockLevels": [
            {"stockLocationId": shop.locations[name], "stockOnHand": quantity} for name, quantity in on_hand.items()
        ],
    }
    created = await admin.ask(VARIANT, input=[variant])
    variant_id: str = created["createProductVariants"][0]["id"]
    return variant_id
