"""Rules 5 to 8 taken out: what revisions settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync import OrderState, Storage, changes, handling, lifecycle
from ordersync.model.dispatch import ParcelRecord
from ordersync.model.ids import Fence, OrderKey
from ordersync.model.orders import LIVE, Order, OrderChange, Reason
from ordersync.model.stock import Due
from ordersync.storage.memory.dues import MemoryDues
from ordersync.storage.memory.parcels import MemoryParcels
from ordersync.storage.memory.tables import OrderTables
from ordersync.storage.sqlite import dues
from ordersync.sync import reserve

from .registry import MEMORY, Patch, plant

REVISIONS = "tests/protocols/test_revisions.py"


@plant(
    "rule 05: a late reservation reopens a processed order",
    law="L9",
    source="PROTOCOLS 5",
    directed=f"{REVISIONS}::test_rule_05_reserved_counts_in_any_state_and_opens_new_orders_only",
)
def reservation_reopens() -> Sequence[Patch]:
    """Call every order OPEN whose reservation is noted."""
    real = lifecycle.reserved

    def reserved(order: Order, revision: int, *, held: int) -> Order:
        after = real(order, revision, held=held)
        return after if after is order else attrs.evolve(after, state=OrderState.OPEN)

    return [(lifecycle, "reserved", reserved), (dues, "RECORD", dues.RECORD.replace("ELSE state", "ELSE 'open'"))]


@plant(
    "rule 05: only live orders are settled",
    law="L4",
    source="PROTOCOLS 5",
    directed=f"{REVISIONS}::test_rule_05_reserved_counts_in_any_state_and_opens_new_orders_only",
)
def settles_live_orders_only() -> Sequence[Patch]:
    """Note nothing of an order that has ended."""
    real = lifecycle.reserved

    def reserved(order: Order, revision: int, *, held: int) -> Order:
        return real(order, revision, held=held) if order.state in LIVE else order

    record = dues.RECORD.replace("WHERE id = ?", "WHERE id = ? AND state IN ('new', 'open')")
    return [(lifecycle, "reserved", reserved), (dues, "RECORD", record)]


@plant(
    "rule 05: queueing a note settles the order",
    law="L4",
    source="PROTOCOLS 5",
    storages=MEMORY,
    directed=f"{REVISIONS}::test_rule_05_queueing_a_note_settles_nothing",
)
def queueing_settles() -> Sequence[Patch]:
    """Take whatever the order wants by now for held when its note is queued."""
    queue = MemoryParcels.queue

    async def settles(store: MemoryParcels, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        await queue(store, key, parcel_id, fence=fence)
        order = store._orders[key]
        store._orders[key] = attrs.evolve(order, reserved_revision=order.stock_revision)

    return [(MemoryParcels, "queue", settles)]


@plant(
    "rule 06: a tombstone drops parcels and notes",
    law="L9",
    source="PROTOCOLS 6",
    storages=MEMORY,
    directed=f"{REVISIONS}::test_rule_06_tombstone_keeps_what_is_under_way",
)
def tombstone_drops_parcels() -> Sequence[Patch]:
    """Forget what is under way of an order that is deleted."""
    write = OrderTables._write_over

    def written(store: OrderTables, order: Order, change: OrderChange | None) -> None:
        write(store, order, change)
        if order.state is OrderState.DELETED:
            store._parcels.pop(order.key, None)
            store._notes.pop(order.key, None)

    return [(OrderTables, "_write_over", written)]


def _restored_low() -> Sequence[Patch]:
    real = handling.restore

    def restore(order: Order, *, by: Reason) -> Order:
        return attrs.evolve(real(order, by=by), stock_revision=1, reserved_revision=0)

    return [(handling, "restore", restore)]


@plant(
    "rule 06: a restored order begins at revision 1",
    law="L4",
    source="PROTOCOLS 6",
    directed="tests/simulator/test_directed.py::test_restored_order_is_reserved",
)
def restored_at_the_first_revision() -> Sequence[Patch]:
    """Let the stock revision fall; the storage refuses to write that."""
    return _restored_low()


@plant(
    "rule 06: a restored order begins at revision 1, unchecked",
    law="L4",
    source="PROTOCOLS 6",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_restored_order_keeps_its_revision",
    masked="rule 7: the ledger holds a higher revision, and is overtaken at once",
)
def restored_at_the_first_revision_unchecked() -> Sequence[Patch]:
    """Let the stock revision fall, and the storage not object."""
    return [*_restored_low(), (OrderTables, "_require_no_fall", lambda _store, _order: None)]


@plant(
    "rule 06: a restored order begins at revision 1, unchecked and unheard",
    law="L4",
    source="PROTOCOLS 6 and 7",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_restored_order_is_reserved",
)
def restored_at_the_first_revision_unheard() -> Sequence[Patch]:
    """Let the stock revision fall, and nobody listen to a ledger that holds more."""
    return [*restored_at_the_first_revision_unchecked(), *deaf_to_the_ledger()]


@plant(
    "rule 07: a claim mixes a new revision with an old list",
    law="L4",
    source="PROTOCOLS 7",
    directed=f"{REVISIONS}::test_rule_07_revision_and_wanted_are_read_as_one",
)
def claim_of_two_reads() -> Sequence[Patch]:
    """Read the revision once more before claiming what was wanted before."""

    async def mixes(storage: Storage, orders: Sequence[Due], *, at: datetime, fence: Fence | None = None) -> None:
        keys = [due.claim.order_key for due in orders]
        now = {one: (await storage.orders.get(one)).stock_revision for one in keys}
        claims = [attrs.evolve(due.claim, revision=now[due.claim.order_key]) for due in orders]
        await storage.stock.reserve(claims, at=at)
        await storage.listings.sold([due.sale for due in orders], fence=fence)
        await storage.orders.reserved(now, fence=fence)

    return [(reserve, "settle", mixes), (changes, "settle", mixes)]


@plant(
    "rule 07: nobody listens to a ledger that holds more",
    law="L4",
    source="PROTOCOLS 7",
    directed=f"{REVISIONS}::test_rule_07_ledger_that_knows_more_is_overtaken",
)
def deaf_to_the_ledger() -> Sequence[Patch]:
    """Take the ledger's answer for the revision that was asked for."""
    real = lifecycle.reserved

    def deaf(order: Order, revision: int, *, held: int) -> Order:
        return real(order, revision, held=min(held, revision))

    record = dues.RECORD.replace("stock_revision >= ?", "? IS NOT NULL")
    overtake = dues.OVERTAKE + " AND 1 = 0"
    return [(lifecycle, "reserved", deaf), (dues, "RECORD", record), (dues, "OVERTAKE", overtake)]


@plant(
    "rule 07: a new ledger is told nothing",
    law="L4",
    source="PROTOCOLS 7",
    storages=MEMORY,
    directed=f"{REVISIONS}::test_rule_07_every_order_is_wanted_anew_from_a_new_ledger",
)
def new_ledger_stays_empty() -> Sequence[Patch]:
    """Make no order due when the ledger is replaced."""

    async def nothing(_store: MemoryDues) -> None:
        pass

    return [(MemoryDues, "rewant_all", nothing)]


@plant(
    "rule 08: the desk compares the stock revision",
    law="L9",
    source="PROTOCOLS 8",
    storages=MEMORY,
    directed=f"{REVISIONS}::test_rule_08_desk_compares_the_orders_own_revision",
)
def desk_compares_the_stock_revision() -> Sequence[Patch]:
    """Let a desk's write pass while the order wants what it wanted."""
    record, replace = MemoryParcels.record_parcel, MemoryDues.replace

    async def recorded(store: MemoryParcels, parcel: ParcelRecord, *after: Any, **facts: Any) -> Any:  # noqa: ANN401
        stored = store._orders.get(parcel.order_key)
        if stored is not None and stored.stock_revision == after[0].stock_revision - 1:
            facts["expect"] = stored.revision
        return await record(store, parcel, *after, **facts)

    async def replaced(store: MemoryDues, order: Order, *, expect: int, **facts: Any) -> bool:  # noqa: ANN401
        stored = store._orders.get(order.key)
        if stored is not None and 0 <= order.stock_revision - stored.stock_revision <= 1:
            expect = stored.revision
        return await replace(store, order, expect=expect, **facts)

    return [(MemoryParcels, "record_parcel", recorded), (MemoryDues, "replace", replaced)]
