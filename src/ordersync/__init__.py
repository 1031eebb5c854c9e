"""Keep orders and stock in step with every place where you sell."""

from __future__ import annotations

from . import errors
from .channel import Channel, SupportsListings, SupportsOrderLookup, SupportsWebhooks
from .clock import Clock
from .desk import OrderDesk
from .doctor import Doctor, Explanation, View
from .model.channel_orders import (
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
from .model.dispatch import DispatchNote, Parcel
from .model.events import Event, Observer
from .model.ids import ChannelId, OrderKey
from .model.listings import ChannelListing, Listing, ListingPage, StockOutcome, StockResult, StockUpdate
from .model.money import Money
from .model.orders import Decision, Order, OrderLine, OrderState
from .model.settings import ChannelSettings, StatusMapping
from .model.stock import Claim, Deduction, StockLevel, StockRule
from .ports import (
    Journal,
    ListingBook,
    OrderStore,
    StockLedger,
    Storage,
    SupportsAudit,
    SupportsHistory,
    SupportsMovements,
)
from .sync.report import ChannelReport, RunReport
from .sync.retry import RetryPolicy
from .sync.runner import SyncRunner

__all__ = [
    "Address",
    "Buyer",
    "Channel",
    "ChannelId",
    "ChannelListing",
    "ChannelOrder",
    "ChannelOrderLine",
    "ChannelReport",
    "ChannelSettings",
    "Claim",
    "Clock",
    "Decision",
    "Deduction",
    "DispatchNote",
    "Doctor",
    "Event",
    "Explanation",
    "FulfillmentStatus",
    "Journal",
    "Listing",
    "ListingBook",
    "ListingPage",
    "Money",
    "Observer",
    "Order",
    "OrderDesk",
    "OrderKey",
    "OrderLine",
    "OrderPage",
    "OrderState",
    "OrderStore",
    "Parcel",
    "PaymentStatus",
    "RetryPolicy",
    "RunReport",
    "Shipment",
    "StatusMapping",
    "StockLedger",
    "StockLevel",
    "StockOutcome",
    "StockResult",
    "StockRule",
    "StockUpdate",
    "Storage",
    "SupportsAudit",
    "SupportsHistory",
    "SupportsListings",
    "SupportsMovements",
    "SupportsOrderLookup",
    "SupportsWebhooks",
    "SyncRunner",
    "UnreadableOrder",
    "View",
    "errors",
]
