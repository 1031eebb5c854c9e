"""The order store on SQLite: what people ask of it, and all its verbs together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...errors import OrderNotFoundError
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import LIVE, Order, OrderChange, OrderState, search_name
from ...model.pages import Quarantined
from ...ports import OrderStore
from .. import codec
from .connection import Connection
from .decisions import DecisionVerbs
from .dues import DueVerbs
from .erasure import ErasureVerbs
from .keys import channel_number, channels_from, key_numbers
from .order_tables import load_history, load_orders
from .pages import PageVerbs
from .parcels import ParcelVerbs
from .parts import FencedPart
from .watches import WatchVerbs

FIND_BY_NAME = "SELECT order_id FROM order_names WHERE name = ?"

LISTED = """
SELECT id FROM orders INDEXED BY {index} WHERE channel_id = ? AND reference > ? AND {condition}
ORDER BY reference LIMIT ?
"""

LISTED_BY_KEY = """
SELECT orders.id FROM order_keys CROSS JOIN orders ON orders.id = order_keys.id
WHERE order_keys.channel_id = ? AND order_keys.reference > ? AND {condition} ORDER BY order_keys.reference LIMIT ?
"""

SMALL_SETS = (
    (LIVE, "orders_live", "state IN ('new', 'open')"),
    (frozenset({OrderState.DELETED}), "orders_deleted", "state = 'deleted'"),
)
"""The states whose orders have an index of their own, and its condition, to be repeated word for word."""


def listing(*, states: Collection[OrderState] | None, conflicts: bool) -> str:
    """Return the statement that lists the orders of one channel, by the smallest index that holds them all."""
    named = [] if states is None else [repr(state.value) for state in OrderState if state in states]
    asked = f"state IN ({', '.join(named)})" if named else "true"
    if conflicts:
        return LISTED.format(index="orders_in_conflict", condition=f"conflict IS NOT NULL AND {asked}")
    for small, index, condition in SMALL_SETS:
        if states is not None and small.issuperset(states):
            return LISTED.format(index=index, condition=f"{condition} AND {asked}")
    return LISTED_BY_KEY.format(condition=asked)


QUARANTINED = """
SELECT payload_hash, code, error, at, reference, payload
FROM quarantine JOIN quarantine_payloads ON quarantine_id = quarantine.id
WHERE channel_id = ? ORDER BY quarantine.id LIMIT ?
"""


class QueryVerbs(FencedPart, OrderStore):
    """What people ask of the orders."""

    async def load(self, keys: Collection[OrderKey], *, fence: Fence | None = None) -> Mapping[OrderKey, Order]:
        """Return the stored orders among *keys*."""

        def work(db: Connection) -> Mapping[OrderKey, Order]:
            found = load_orders(db, key_numbers(db, keys).values())
            return {order.key: order for order in found.values()}

        return await self._read(work, fence)

    async def get(self, key: OrderKey) -> Order:
        """Return one order in any state."""
        found = await self.load([key])
        if key not in found:
            raise OrderNotFoundError(f"{key}: is not stored; orders.decision(key) says why, if it was ever seen")
        return found[key]

    async def find(
        self, reference: str, *, states: Collection[OrderState] | None = None, channel: ChannelId | None = None
    ) -> Sequence[Order]:
        """Return orders of any state whose reference, channel id or secondary reference this is."""

        def work(db: Connection) -> Sequence[Order]:
            numbers = [number for (number,) in db.execute(FIND_BY_NAME, (search_name(reference),))]
            return [
                order
                for order in sorted(load_orders(db, numbers).values(), key=lambda order: order.key)
                if (states is None or order.state in states) and channel in (None, order.key.channel)
            ]

        return await self._read(work)

    async def listed(
        self,
        *,
        states: Collection[OrderState] | None = None,
        channel: ChannelId | None = None,
        conflicts: bool = False,
        limit: int = 1000,
        after: OrderKey | None = None,
    ) -> Sequence[Order]:
        """Return stored orders by key, from behind *after*; with *conflicts* only those in conflict."""
        if states is not None and not states:
            return []
        sql = listing(states=states, conflicts=conflicts)

        def work(db: Connection) -> Sequence[Order]:
            numbers: list[int] = []
            for own_number, reference in channels_from(db, channel, after):
                room = limit - len(numbers)
                numbers += [number for (number,) in db.execute(sql, (own_number, reference, room))]
            return sorted(load_orders(db, numbers).values(), key=lambda order: order.key)

        return await self._read(work)

    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Return what happened to a stored order, oldest first."""
        return await self._read(lambda db: load_history(db, key_numbers(db, [key]).get(key)))

    async def quarantined(self, channel: ChannelId, *, limit: int = 1000) -> Sequence[Quarantined]:
        """Return documents that wait in quarantine, payloads included, oldest first."""

        def work(db: Connection) -> Sequence[Quarantined]:
            rows = db.execute(QUARANTINED, (channel_number(db, channel), limit))
            return [
                Quarantined(
                    channel=channel,
                    payload_hash=payload_hash,
                    code=code,
                    error=error,
                    at=codec.moment_of(at),
                    reference=reference,
                    payload=payload,
                )
                for payload_hash, code, error, at, reference, payload in rows
            ]

        return await self._read(work)


class SQLiteOrderStore(PageVerbs, DueVerbs, WatchVerbs, ParcelVerbs, DecisionVerbs, ErasureVerbs, QueryVerbs):
    """Orders, and everything that an order makes due."""

    port = "orders"
