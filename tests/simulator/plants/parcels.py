"""Rules 1 to 4 and 9 taken out: parcels, and the goods that leave with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync import Claim, Deduction, Parcel, Storage, changes, desk, lifecycle
from ordersync.errors import ParcelConflictError, TransitionError
from ordersync.model.dispatch import ParcelRecord
from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import LIVE
from ordersync.model.stock import Due
from ordersync.settlement import finish
from ordersync.storage.memory import MemoryStockLedger
from ordersync.storage.memory.dues import MemoryDues
from ordersync.storage.memory.parcels import MemoryParcels
from ordersync.storage.sqlite import dues, movements
from ordersync.storage.sqlite import parcels as parcel_tables
from ordersync.storage.sqlite import stock as ledger_tables
from ordersync.storage.sqlite.connection import Connection
from ordersync.storage.sqlite.stock import SQLiteStockLedger
from ordersync.sync import resolve, resume

from .registry import Patch, plant

FINISHERS = (changes, desk, resolve, resume)
"""The modules that finish parcels."""

PARCELS = "tests/protocols/test_orders_and_parcels.py"
REVISIONS = "tests/protocols/test_revisions.py"


@plant(
    "rule 01: an order is due while its parcel waits",
    law="L4",
    source="PROTOCOLS 1",
    directed=f"{PARCELS}::test_rule_01_order_is_not_due_while_its_parcel_waits",
)
def due_in_spite_of_a_parcel() -> Sequence[Patch]:
    """Reserve for an order whose parcel has not moved yet."""

    async def due(
        store: MemoryDues,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Due]:
        store._fences.check(fence)
        asked = store._orders.of(channel, after=after) if key is None else filter(None, [store._orders.get(key)])
        found = [lifecycle.due_of(one) for one in asked if one.stock_revision != one.reserved_revision]
        return found[:limit]

    waits = "AND NOT EXISTS (SELECT 1 FROM notes WHERE order_id = orders.id AND notes.status = 'waiting')"
    return [
        (MemoryDues, "due", due),
        (dues, "DUE", dues.DUE.replace(waits, "")),
        (dues, "DUE_ONE", dues.DUE_ONE.replace(waits, "")),
    ]


@plant(
    "rule 01: a run finishes no waiting parcel",
    law="L9",
    source="PROTOCOLS 1",
    directed=f"{PARCELS}::test_rule_01_run_finishes_waiting_parcels_first",
)
def leaves_parcels_waiting() -> Sequence[Patch]:
    """Leave what a dead desk has begun."""

    async def nothing(_run: object) -> None:
        pass

    return [(resume, "finish_parcels", nothing)]


@plant(
    "rule 02: a second parcel waits beside the first",
    law="L4",
    source="PROTOCOLS 2",
    directed=f"{PARCELS}::test_rule_02_second_parcel_waits_for_the_first",
)
def two_waiting_parcels() -> Sequence[Patch]:
    """Record a parcel although another of the order has not moved."""
    record = MemoryParcels.record_parcel

    async def recorded(store: MemoryParcels, *args: Any, **facts: Any) -> Any:  # noqa: ANN401 - passed on
        has_waiting = store._has_waiting
        store._has_waiting = lambda _key: False  # type: ignore[method-assign, assignment]
        try:
            return await record(store, *args, **facts)
        finally:
            store._has_waiting = has_waiting  # type: ignore[method-assign]

    return [
        (MemoryParcels, "record_parcel", recorded),
        (parcel_tables, "HAS_WAITING", parcel_tables.HAS_WAITING + " AND 1 = 0"),
    ]


@plant(
    "rule 03: a stale claim stops the movement",
    law="L5",
    source="PROTOCOLS 3",
    directed=f"{PARCELS}::test_rule_03_stale_claim_stops_no_movement",
)
def movement_hangs_on_the_claim() -> Sequence[Patch]:
    """Move goods only where the claim is newer than what is held."""

    def wrong(kind: type[Any]) -> object:
        real = kind.deduct

        async def deduct(ledger: Any, deduction: Deduction, *, at: datetime) -> None:  # noqa: ANN401
            held = await ledger.held(deduction.claim.order_key)
            if held is None or held.revision < deduction.claim.revision:
                await real(ledger, deduction, at=at)

        return deduct

    return [(kind, "deduct", wrong(kind)) for kind in (MemoryStockLedger, SQLiteStockLedger)]


@plant(
    "rule 03: a movement happens again under the same id",
    law="L5",
    source="PROTOCOLS 3",
    directed=f"{PARCELS}::test_rule_03_movement_happens_once_per_id",
)
def movement_happens_again() -> Sequence[Patch]:
    """Forget the ids of movements: in memory at once, on SQLite by giving each try a name of its own."""
    move, move_row = MemoryStockLedger._move, movements.move

    def moves(
        ledger: MemoryStockLedger, movement: str, quantities: Mapping[tuple[str, str], int], at: datetime | None
    ) -> None:
        ledger._moved.discard(movement)
        move(ledger, movement, quantities, at)

    def moves_row(db: Connection, name: str, quantities: Mapping[tuple[str, str], int], *, at: datetime | None) -> None:
        move_row(db, f"{name} at {at}", quantities, at=at)

    return [(MemoryStockLedger, "_move", moves), (ledger_tables, "move", moves_row)]


@plant(
    "rule 04: a parcel leaves where its order is by now",
    law="L5",
    source="PROTOCOLS 4",
    directed=f"{PARCELS}::test_rule_04_parcel_is_finished_as_it_was_recorded",
)
def parcel_reads_the_order() -> Sequence[Patch]:
    """Work the movement out anew from the order when a parcel is finished."""

    async def recomputes(storage: Storage, parcel: ParcelRecord, *, at: datetime, fence: Fence | None = None) -> None:
        place = (await storage.orders.get(parcel.order_key)).location
        taken = {(sku, place): quantity for (sku, _), quantity in parcel.deduction.taken.items()}
        deduction = attrs.evolve(parcel.deduction, taken=taken)
        await finish(storage, attrs.evolve(parcel, deduction=deduction), at=at, fence=fence)

    return [(module, "finish", recomputes) for module in FINISHERS]


@plant(
    "rule 09: a repeat is compared with what the rest is by now",
    law="L9",
    source="PROTOCOLS 9",
    directed=f"{REVISIONS}::test_rule_09_repeat_is_compared_as_asked",
)
def repeat_is_resolved_anew() -> Sequence[Patch]:
    """Refuse "the rest" when it is asked for again."""

    def same(known: ParcelRecord, asked: Parcel) -> ParcelRecord:
        if known.lines != (asked.lines or {}):
            raise ParcelConflictError(f"{known.order_key}: other content")
        return known

    return [(changes, "_same", same)]


@plant(
    "rule 09: the state is checked before the repeat",
    law="L9",
    source="PROTOCOLS 9",
    directed=f"{REVISIONS}::test_rule_09_repeat_is_compared_as_asked",
)
def state_is_checked_first() -> Sequence[Patch]:
    """Hold a repeat against the order before it is held against its parcel."""
    real = changes.Change.record

    async def record(change: changes.Change, asked: Parcel) -> ParcelRecord:
        order = await change.storage.orders.get(change.key)
        if order.state not in LIVE:
            raise TransitionError(f"{change.key}: a {order.state} order cannot be processed")
        return await real(change, asked)

    return [(changes.Change, "record", record)]


@plant(
    "a parcel is deducted twice after a repeat with another quantity",
    law="L5",
    source="issue 5, point 5",
    directed=f"{REVISIONS}::test_rule_09_other_content_is_a_conflict",
)
def repeat_is_another_parcel() -> Sequence[Patch]:
    """Take other content under a known id for a movement of its own."""

    def same(known: ParcelRecord, asked: Parcel) -> ParcelRecord:
        if known.asked == asked:
            return known
        deduction = attrs.evolve(known.deduction, id=f"{known.deduction.id}/{len(str(asked))}")
        return attrs.evolve(known, deduction=deduction)

    return [(changes, "_same", same)]


@plant(
    "a reservation is made after the order was cancelled",
    law="L4",
    source="issue 5, point 5",
    directed="tests/simulator/test_directed.py::test_claim_that_comes_late_reserves_nothing",
)
def late_claim_counts() -> Sequence[Patch]:
    """Let a claim replace what is held, older or not."""
    held = ledger_tables._held

    def holds(ledger: MemoryStockLedger, claim: Claim) -> None:
        before = ledger._held.get(claim.order_key)
        old = {} if before is None else before.wanted
        ledger._held[claim.order_key] = claim
        for place in {*old, *claim.wanted}:
            ledger._reserved[place] += claim.wanted.get(place, 0) - old.get(place, 0)
            ledger._versions[place[0]] += 1

    def held_lower(db: Connection, numbers: Iterable[int]) -> dict[int, ledger_tables.Held]:
        return {number: (0, wanted) for number, (_, wanted) in held(db, numbers).items()}

    return [(MemoryStockLedger, "_hold", holds), (ledger_tables, "_held", held_lower)]
