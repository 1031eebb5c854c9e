"""Vendure's answers as records: only what we use of them, checked strictly."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from ...structuring import camel_case, strict_converter

CONVERTER = strict_converter(names=camel_case)


@attrs.frozen
class ShopVariant:
    """What an order line says of its product variant."""

    sku: str
    name: str


@attrs.frozen
class ShopLine:
    """A line: how many pieces are wanted now, and how many were when the order was placed."""

    id: str
    quantity: int
    order_placed_quantity: int
    unit_price_with_tax: int
    product_variant: ShopVariant


@attrs.frozen
class ParcelLine:
    """What a fulfillment holds of one order line, perhaps of another order's."""

    order_line_id: str
    quantity: int


@attrs.frozen
class ShopParcel:
    """A fulfillment: ``Pending`` until it is moved to ``Shipped``."""

    id: str
    state: str
    method: str | None
    tracking_code: str | None
    created_at: datetime
    lines: tuple[ParcelLine, ...]


@attrs.frozen
class Refund:
    """Money given back."""

    state: str
    total: int


@attrs.frozen
class Payment:
    """One payment."""

    state: str
    amount: int
    refunds: tuple[Refund, ...]


@attrs.frozen
class Customer:
    """Who bought."""

    first_name: str | None = attrs.field(repr=False)
    last_name: str | None = attrs.field(repr=False)
    email_address: str | None = attrs.field(repr=False)
    phone_number: str | None = attrs.field(repr=False)


@attrs.frozen
class ShopAddress:
    """Where to ship; all of it is null for an order that needs no shipping."""

    full_name: str | None = attrs.field(repr=False)
    company: str | None = attrs.field(repr=False)
    street_line1: str | None = attrs.field(repr=False)
    street_line2: str | None = attrs.field(repr=False)
    city: str | None = attrs.field(repr=False)
    province: str | None = attrs.field(repr=False)
    postal_code: str | None = attrs.field(repr=False)
    country_code: str | None = attrs.field(repr=False)
    phone_number: str | None = attrs.field(repr=False)


@attrs.frozen
class ShippingMethod:
    """How the buyer wants it sent."""

    name: str


@attrs.frozen
class ShippingLine:
    """One chosen shipping method."""

    shipping_method: ShippingMethod


@attrs.frozen
class ShopOrder:
    """An order; amounts are whole numbers of a unit that the server's settings name."""

    id: str
    code: str
    state: str
    created_at: datetime
    updated_at: datetime
    order_placed_at: datetime | None
    currency_code: str
    total_with_tax: int
    customer: Customer | None
    shipping_address: ShopAddress | None
    shipping_lines: tuple[ShippingLine, ...]
    lines: tuple[ShopLine, ...]
    payments: tuple[Payment, ...] | None
    fulfillments: tuple[ShopParcel, ...] | None


@attrs.frozen
class OrderList:
    """A page of orders, each still as it came: one that is malformed stops only itself."""

    total_items: int
    items: list[Any]


@attrs.frozen
class ServerConfig:
    """How many decimal places amounts have, in every currency alike."""

    money_strategy_precision: int


@attrs.frozen
class MoneySettings:
    """The part of the global settings that amounts depend on."""

    server_config: ServerConfig


@attrs.frozen
class CheckAnswer:
    """The part of the answer to ``CHECK`` that is kept."""

    global_settings: MoneySettings


@attrs.frozen
class OrdersAnswer:
    """The answer to ``ORDERS``."""

    global_settings: MoneySettings
    orders: OrderList


@attrs.frozen
class ShopLevel:
    """What lies at one stock location, and how much of that is allocated to orders."""

    stock_location_id: str
    stock_on_hand: int
    stock_allocated: int

    @property
    def available(self) -> int:
        """Return what may still be sold."""
        return self.stock_on_hand - self.stock_allocated


@attrs.frozen
class Variant:
    """A product variant with its stock; ``track_inventory`` is TRUE, FALSE or INHERIT."""

    id: str
    sku: str
    track_inventory: str
    stock_levels: tuple[ShopLevel, ...]

    def level(self, location: str) -> ShopLevel:
        """Return the level at a location; a location younger than the variant has none yet."""
        found = [level for level in self.stock_levels if level.stock_location_id == location]
        return found[0] if found else ShopLevel(location, 0, 0)


@attrs.frozen
class VariantList:
    """A page of variants."""

    total_items: int
    items: tuple[Variant, ...]


@attrs.frozen
class StockSettings:
    """Whether variants that inherit it track their inventory."""

    track_inventory: bool


@attrs.frozen
class VariantsAnswer:
    """The answer to ``VARIANTS``."""

    global_settings: StockSettings
    product_variants: VariantList

    def tracks(self, variant: Variant) -> bool:
        """Say whether the shop counts this variant at all."""
        inherits = variant.track_inventory == "INHERIT"
        return variant.track_inventory == "TRUE" or (inherits and self.global_settings.track_inventory)


@attrs.frozen
class WrittenVariant:
    """A variant's levels after they were written."""

    id: str
    stock_levels: tuple[ShopLevel, ...]


@attrs.frozen
class WrittenAnswer:
    """The answer to ``SET_LEVELS``; it is in the order of ids, not of what was sent."""

    update_product_variants: tuple[WrittenVariant, ...]


@attrs.frozen
class Result:
    """What a mutation answers: a refusal has an error code, and comes with status 200."""

    id: str | None = None
    error_code: str | None = None
    from_state: str | None = None
    to_state: str | None = None
