"""What must be gone of an order once it is erased, and what must be as if nobody had erased anything."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from ordersync import OrderKey
from ordersync.errors import OrderNotFoundError
from ordersync.model.runs import EntryKind
from ordersync.storage.sqlite import SQLiteStorage

from .facts import Facts
from .world import World

OF_ERASURE = ("erased", "personal")
"""The facts of an order that an erasure changes."""

DOCUMENTS = """
SELECT count(*) FROM order_documents
  JOIN order_keys ON order_keys.id = order_id
  JOIN channels ON channels.id = channel_id
WHERE (source, subsource, reference) = (?, ?, ?)
"""


async def is_left(world: World, key: OrderKey) -> list[str]:
    """Say what is left of an erased order that should not be, and whether the journal tells of it once."""
    orders, wrong = world.storage.orders, list[str]()
    if key not in await orders.erased([key]):
        wrong.append(f"{key} is not erased")
    order = (await orders.load([key])).get(key)
    if order is not None and (order.buyer, order.shipping_address) != (None, None):
        wrong.append(f"{key} still tells who bought it")
    if await _documents(world, key):
        wrong.append(f"{key} still has its document")
    if any(one.payload for one in await orders.quarantined(key.channel) if one.reference == key.reference):
        wrong.append(f"{key} still has a document in quarantine")
    told = await world.storage.journal.entries(order=key, kinds=[EntryKind.ERASED])
    return wrong if len(told) == 1 else [*wrong, f"the journal tells {len(told)} times that {key} was erased"]


async def _documents(world: World, key: OrderKey) -> int:
    """Count the documents kept of an order, which no verb of the port shows."""
    if isinstance(world.storage, SQLiteStorage):
        named = (key.channel.source, key.channel.subsource, key.reference)
        ((number,),) = await world.storage._database.read(lambda db: db.execute(DOCUMENTS, named).fetchall())
        return int(number)
    kept: Collection[OrderKey] = vars(world.storage.orders)["_raw"]
    return int(key in kept)


def but_for_erasures(facts: Facts) -> Facts:
    """Return what is so without what an erasure changes: whose orders they are, and documents in quarantine."""
    kept: Facts = {}
    for name, value in facts.items():
        if isinstance(name, tuple) and name[-1] == "quarantine":
            assert isinstance(value, list)
            kept[name] = [(reference, code) for reference, code, _ in value]
        elif not (isinstance(name, tuple) and name[-1] in OF_ERASURE):
            kept[name] = value
    return kept


async def erase_all(world: World, keys: Collection[OrderKey]) -> None:
    """Erase orders; those that nobody has seen yet are left for later."""
    for key in keys:
        with suppress(OrderNotFoundError):
            await world.desk.erase(key, who="Bob", why="was asked to")
