"""Whatever happens to a good document, it is an order or in quarantine, and its neighbours are orders."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordersync.storage.memory import MemoryStorage
from ordersync.structuring import dump_json, parse_json
from ordersync.testing import ManualClock
from runner.bad_shop import BadShop, bad_shop
from runner.world import SHOP, World

GOOD = ("first", "last")

Mutation = tuple[int, object]
"""Which of a document's places, counted round, and what becomes of it: a strange value, or one of these."""

DROP, AS_TEXT, IN_A_LIST, IN_AN_OBJECT = "(drop)", "(text)", "(list)", "(object)"

NUMBERS: list[object] = [0, -1, 1, 2, 1.5, 1e300, 2**31, 2**63, -(2**63) - 1, 10**90]
TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "NaN",
    "XXX",
    "1e9",
    "9" * 300,
    "x" * 70_000,
    "\x00",
    "a\ud800",
    "🙂",
    "\u202e",
    "'; --",
]
TIMES = ["2026-01-05", "2026-01-05T09:00:00", "2026-01-05T09:00:00Z"]
TIMES += [f"{year}-12-31T23:59:59Z" for year in ("0001", "1899", "1900", "2999", "3000", "9999")]
WORDS = ["cancelled", "shipped", "unpaid", "unknown"]
NESTED: list[object] = [[], [None], [[]], {}, {"": None}, {"a": {"b": [None]}}]
STRANGE: list[object] = [None, True, False, *NUMBERS, *TEXTS, *TIMES, *WORDS, *NESTED]

mutations = st.tuples(
    st.integers(0, 200), st.sampled_from([DROP, AS_TEXT, IN_A_LIST, IN_AN_OBJECT]) | st.sampled_from(STRANGE)
)
documents = st.lists(st.lists(mutations, min_size=1, max_size=3), min_size=1, max_size=8)


def places(document: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """Yield every place of a document: what holds it, and under which name or number."""
    steps = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for step in steps:
        yield document, step
        yield from places(document[step])


def mutated(document: object, mutation: Mutation) -> object:
    """Return a document with one place of it changed."""
    number, value = mutation
    changed = copy.deepcopy(document)
    found: list[tuple[Any, Any]] = [(changed, None), *places(changed)]
    holder, step = found[number % len(found)]
    if step is None:
        return changed if value in (DROP, AS_TEXT, IN_A_LIST, IN_AN_OBJECT) else value
    if value == DROP:
        del holder[step]
    elif value == AS_TEXT:
        holder[step] = str(holder[step])
    elif value == IN_A_LIST:
        holder[step] = [holder[step]]
    else:
        holder[step] = {"value": holder[step]} if value == IN_AN_OBJECT else value
    return changed


async def check(changes: Sequence[Sequence[Mutation]]) -> None:
    """Run over a page of good documents and changed ones, twice, and compare with what it showed."""
    clock = ManualClock()
    async with MemoryStorage(clock=clock) as storage:
        world = World(storage, clock)
        await world.sell(world.market, "MUG", 10)
        async with bad_shop(world) as shop:
            await storage.listings.link(SHOP, "MUG", "MUG")
            shown = show(shop, changes)
            for report in (await shop.run(), await shop.run_later(minutes=90)):
                assert report.errors == ()
                assert str(report)
                assert report.to_json()
            assert report.channels[SHOP].new == 0
            await compare(shop, shown)


def show(shop: BadShop, changes: Sequence[Sequence[Mutation]]) -> dict[bytes, object]:
    """Put changed documents between two good ones; return them by what is sent of them."""
    shown: dict[bytes, object] = {}
    shop.place(GOOD[0])
    for number, mutations_of in enumerate(changes):
        shop.place(f"{number}")
        document: object = shop.document(f"{number}")
        for mutation in mutations_of:
            document = mutated(document, mutation)
        shown[in_our_writing(shop.show(f"{number}", document))] = document
    shop.place(GOOD[1])
    return shown


def in_our_writing(payload: bytes) -> bytes:
    """Return a document as it is kept: 1e+300 is written 1E+300."""
    return dump_json(parse_json(payload))


async def compare(shop: BadShop, shown: dict[bytes, object]) -> None:
    """See that every document is a decided order or kept in quarantine, and that stock is held for what is stored."""
    storage = shop.world.storage
    stored = await shop.stored()
    assert stored.keys() >= {*GOOD}
    decided = {one.key.reference for one in await storage.orders.decisions(SHOP, limit=100_000)}
    kept = {one.payload for one in await shop.quarantined(limit=100_000)}
    for payload, document in shown.items():
        assert payload in kept or (isinstance(document, dict) and document["reference"] in decided), document
    wanted = sum(order.wanted.get(("MUG", "main"), 0) for order in stored.values())
    (level,) = await storage.stock.levels(["MUG"])
    assert level.reserved == wanted


@settings(max_examples=30)
@given(documents)
def test_changed_document_is_an_order_or_in_quarantine(changes: list[list[Mutation]]) -> None:
    """Dropped fields, changed types and strange values never end a run, and never cost a neighbour."""
    asyncio.run(check(changes))


@pytest.mark.slow
def test_every_place_meets_every_strange_value() -> None:
    """Each place of a document, with each strange value in it, is an order or in quarantine."""
    asyncio.run(check([[(place, value)] for place in range(60) for value in (DROP, *STRANGE)]))
