"""Sell for a day: orders of every kind that a channel must tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from vendure.running import VendureServer
from vendure.seller import Seller

PAID = 32
BASKETS = ({"MUG": 1}, {"MUG": 2, "LID": 2}, {"TEE": 1, "BAG": 1}, {"LID": 3})


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyDay:
    """The codes of the orders that were placed, by what became of them."""

    paid: tuple[str, ...]
    shortened: tuple[str, ...]
    authorized: tuple[str, ...]
    unpaid: tuple[str, ...]
    half_made: tuple[str, ...]
    partly_shipped: tuple[str, ...]
    shipped: tuple[str, ...]
    cancelled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyShop:
    """A running server, its kind of database, and the orders that were placed before the tests."""

    server: VendureServer
    day: BusyDay
    database: str


async def sell_for_a_day(seller: Seller) -> BusyDay:
    """Place the orders of a day, mixed, and treat some of them by hand."""
    paid: list[str] = []
    others: dict[str, list[str]] = {}
    for number in range(PAID):
        paid.append(await seller.place_order(BASKETS[number % len(BASKETS)]))
        # The others lie between the paid ones, so that no page holds only one kind.
        if number % 10 == 0:
            for kind, code in (await _one_of_each(seller, number)).items():
                others.setdefault(kind, []).append(code)
    return BusyDay(paid=tuple(paid), **{kind: tuple(codes) for kind, codes in others.items()})


async def _one_of_each(seller: Seller, number: int) -> dict[str, str]:
    shortened = await seller.place_order({"MUG": 3, "TEE": 1})
    await seller.cancel_line(shortened, "MUG", 1)
    await seller.cancel_line(shortened, "TEE", 1)
    authorized = await seller.place_order({"MUG": 1, "LID": 1}, pay=False)
    await seller.authorize(authorized)
    unpaid = await seller.place_order({"BAG": 1}, pay=False)
    half_made = await seller.place_order({"BAG": 2})
    await seller.fulfill(half_made, {"BAG": 2}, f"HALF-{number}")
    partly = await seller.place_order({"TEE": 3, "LID": 1})
    await seller.ship_by_hand(partly, {"TEE": 2}, f"PART-{number}")
    shipped = await seller.place_order({"MUG": 1})
    await seller.ship_by_hand(shipped, {"MUG": 1}, f"WHOLE-{number}")
    cancelled = await seller.place_order({"TEE": 2})
    await seller.cancel_order(cancelled)
    return {
        "shortened": shortened,
        "authorized": authorized,
        "unpaid": unpaid,
        "half_made": half_made,
        "partly_shipped": partly,
        "shipped": shipped,
        "cancelled": cancelled,
    }
