"""The laws L1 to L13 broken one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs

from ordersync import ChannelOrder, Claim, Deduction, OrderKey, OrderPage, Parcel, Storage, changes, desk, lifecycle
from ordersync.admission import NOT_PAID, Candidate, Refusal, clauses
from ordersync.doctor import checks
from ordersync.errors import ChannelError, OrderSyncError
from ordersync.history import entry_of
from ordersync.lifecycle import OrderEvent
from ordersync.model.dispatch import Note, ParcelRecord
from ordersync.model.ids import ChannelId, Fence
from ordersync.model.orders import LIVE, Order, Outcome, StockByPlace
from ordersync.model.pages import Known
from ordersync.parcels import process
from ordersync.ports import ParcelAnswer
from ordersync.storage.memory import MemoryStockLedger
from ordersync.storage.memory.parcels import MemoryParcels
from ordersync.sync import download, pages, resolve, resume, sightings
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.sightings import Scene, Sighting

from .registry import MEMORY, Patch, plant


@plant(
    "an order is stored twice",
    law="L1",
    source="DESIGN L1",
    directed="tests/simulator/test_directed.py::test_order_that_changes_is_one_order",
)
def stored_twice() -> Sequence[Patch]:
    """Store an order that changed as another one."""
    real = sightings._judge_stored

    def judged(scene: Scene, seen: ChannelOrder, known: Known, digest: bytes) -> Sighting:
        sighting = real(scene, seen, known, digest)
        if sighting.changed is None or seen.reference.endswith("-2"):
            return sighting
        again = sightings._admitted(scene, attrs.evolve(seen, reference=f"{seen.reference}-2"), None, digest)
        if again.new is None or again.new.state not in LIVE:
            return sighting
        return attrs.evolve(sighting, new=again.new)

    return [(sightings, "_judge_stored", judged)]


@plant(
    "an order is dropped without a decision",
    law="L2",
    source="DESIGN L2",
    directed="tests/simulator/test_directed_scans.py::test_skipped_order_has_a_decision",
)
def dropped_without_a_decision() -> Sequence[Patch]:
    """Skip an unpaid order and keep nothing of it."""
    real = sightings._refused

    def refused(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes, refusal: Refusal) -> Sighting:
        sighting = real(scene, seen, known, digest, refusal)
        return attrs.evolve(sighting, decision=None) if refusal.code == NOT_PAID else sighting

    return [(sightings, "_refused", refused)]


@plant(
    "an order is dropped silently",
    law="L2",
    source="DESIGN L2",
    directed="tests/simulator/test_directed_scans.py::test_every_order_of_a_page_is_stored",
)
def dropped_silently() -> Sequence[Patch]:
    """Lose the last order of a page of several."""
    real = pages.decide

    async def decide(run: ChannelRun, page: OrderPage, number: int) -> Sequence[pages.Seen]:
        if len(page.orders) > 1:
            page = attrs.evolve(page, orders=page.orders[:-1])
        return await real(run, page, number)

    return [(download, "decide", decide)]


@plant(
    "a sighting is counted in no outcome",
    law="L2",
    source="DESIGN L2",
    directed="tests/simulator/test_directed_scans.py::test_every_sighting_has_one_outcome",
)
def sightings_do_not_add_up() -> Sequence[Patch]:
    """Count what is the same as before as seen, and as nothing else."""
    real = ChannelRun.count

    def count(run: ChannelRun, outcome: Outcome, *, times: int = 1) -> None:
        real(run, outcome, times=times)
        if outcome is Outcome.SAME:
            run.counts[outcome.value] -= times

    return [(ChannelRun, "count", count)]


@plant(
    "a held order reserves",
    law="L4",
    source="DESIGN L4",
    directed="tests/simulator/test_directed.py::test_held_order_reserves_nothing",
)
def held_order_reserves() -> Sequence[Patch]:
    """Want stock for an order that a person has locked."""
    real = lifecycle.wanted

    def wanted(order: Order) -> StockByPlace:
        return real(attrs.evolve(order, held=None))

    return [(lifecycle, "wanted", wanted)]


@plant(
    "a new claim is added to the old one",
    law="L4",
    source="DESIGN L4",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_claim_replaces_the_one_before",
)
def claims_add_up() -> Sequence[Patch]:
    """Reserve what an order wants now beside what it held before."""
    real = MemoryStockLedger._hold

    def hold(ledger: MemoryStockLedger, claim: Claim) -> None:
        before = ledger._held.get(claim.order_key)
        real(ledger, claim)
        if before is not None and claim.revision > before.revision:
            for place, quantity in before.wanted.items():
                ledger._reserved[place] += quantity if claim.wanted else 0

    return [(MemoryStockLedger, "_hold", hold)]


@plant(
    "on-hand moves without an id",
    law="L5",
    source="DESIGN L5",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_goods_that_left_are_in_the_history",
)
def moves_without_an_id() -> Sequence[Patch]:
    """Take goods off on-hand and write no movement down."""
    real = MemoryStockLedger.deduct

    async def deduct(ledger: MemoryStockLedger, deduction: Deduction, *, at: datetime) -> None:
        await real(ledger, deduction, at=at)
        ledger._movements = [one for one in ledger._movements if one.id != deduction.id]

    return [(MemoryStockLedger, "deduct", deduct)]


@plant(
    "a movement's id is made anew at each try",
    law="L5",
    source="DESIGN L5",
    directed="tests/protocols/test_orders_and_parcels.py::test_rule_03_movement_happens_once_per_id",
)
def id_of_each_try() -> Sequence[Patch]:
    """Name a movement by what the order's claim is by now, and not by its parcel."""

    async def finish(storage: Storage, parcel: ParcelRecord, *, at: datetime, fence: Fence | None = None) -> None:
        name = f"{parcel.deduction.id} by {'a run' if fence is not None else 'the desk'}"
        await storage.stock.deduct(attrs.evolve(parcel.deduction, id=name), at=at)
        await storage.orders.queue(parcel.order_key, parcel.id, fence=fence)

    return [(module, "finish", finish) for module in (changes, desk, resolve, resume)]


@plant(
    "a note goes out before its goods are deducted",
    law="L8",
    source="DESIGN L8",
    directed="tests/simulator/test_directed.py::test_note_waits_for_its_deduction",
)
def note_before_deduction() -> Sequence[Patch]:
    """Queue a note, then deduct."""

    async def finish(storage: Storage, parcel: ParcelRecord, *, at: datetime, fence: Fence | None = None) -> None:
        await storage.orders.queue(parcel.order_key, parcel.id, fence=fence)
        await storage.stock.deduct(parcel.deduction, at=at)

    return [(module, "finish", finish) for module in (changes, desk, resolve, resume)]


@plant(
    "a note goes to whichever channel runs",
    law="L8",
    source="DESIGN L8",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_note_goes_to_its_own_channel",
)
def note_to_any_channel() -> Sequence[Patch]:
    """Find the notes of all channels due on each."""

    def notes_of(store: MemoryParcels, _channel: ChannelId) -> Iterator[Note]:
        return (note for notes in store._notes.values() for note in notes.values())

    return [(MemoryParcels, "_notes_of", notes_of)]


@plant(
    "an order is processed before its parcel is recorded",
    law="L9",
    source="DESIGN L9",
    directed="tests/simulator/test_directed.py::test_order_and_parcel_are_written_together",
)
def order_before_parcel() -> Sequence[Patch]:
    """Write the order, then its parcel, as two transactions."""

    async def record(change: changes.Change, order: Order, asked: Parcel, *, elsewhere: bool = False) -> object:
        orders = change.storage.orders
        after, parcel, note = process(order, asked, at=change.by.at, elsewhere=elsewhere)
        event = OrderEvent.PROCESSED_IN_PART if after.state is order.state else OrderEvent.PROCESSED
        entry = entry_of(order, after, event, change.by)
        if not await orders.replace(after, expect=order.revision, change=entry, fence=change.fence):
            return None
        answer = await orders.record_parcel(parcel, after, note, expect=after.revision, fence=change.fence)
        return parcel if answer is ParcelAnswer.RECORDED else None

    return [(changes.Change, "_record", record)]


@plant(
    "explain answers from other checks than admission",
    law="L12",
    source="DESIGN L12",
    directed="tests/simulator/test_directed_laws.py::test_explanation_is_the_decision",
)
def explains_by_other_checks() -> Sequence[Patch]:
    """Leave the payment out of what the doctor checks."""

    def others(candidate: Candidate) -> Iterator[tuple[str, str | None]]:
        return ((code, None if code == NOT_PAID else told) for code, told in clauses(candidate))

    return [(checks, "clauses", others)]


async def _buyer_of(run: ChannelRun, key: OrderKey | None) -> str:
    if key is None:
        return ""
    order = (await run.storage.orders.load([key])).get(key)
    return "" if order is None or order.buyer is None else f" (buyer {order.buyer.name})"


@plant(
    "an error carries the buyer's name",
    law="L13",
    source="DESIGN L13",
    directed="tests/simulator/test_directed_laws.py::test_error_names_no_buyer",
)
def error_names_the_buyer() -> Sequence[Patch]:
    """Say for whom a note was that could not be sent."""
    real = ChannelRun.failed

    async def failed(run: ChannelRun, error: OrderSyncError, *, order: OrderKey | None = None) -> None:
        told = f"{error}{await _buyer_of(run, order)}"
        named = type(error)(told, applied=error.applied) if isinstance(error, ChannelError) else error
        await real(run, named, order=order)

    return [(ChannelRun, "failed", failed)]


@plant(
    "a decision carries the buyer's name",
    law="L13",
    source="DESIGN L13",
    directed="tests/simulator/test_directed_laws.py::test_decision_names_no_buyer",
)
def decision_names_the_buyer() -> Sequence[Patch]:
    """Say whose order was skipped."""
    real = sightings._refused

    def refused(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes, refusal: Refusal) -> Sighting:
        buyer = "" if seen.buyer is None else f" {seen.buyer.name} bought it."
        return real(scene, seen, known, digest, attrs.evolve(refusal, sentence=f"{refusal.sentence}{buyer}"))

    return [(sightings, "_refused", refused)]
