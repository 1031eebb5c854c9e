"""Ingesting, gone wrong: what a page writes, and what becomes of orders that are shown again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ordersync import ChannelOrder, FulfillmentStatus, OrderPage, OrderState, PaymentStatus, changes, conflicts
from ordersync.errors import StorageUnavailableError
from ordersync.model.ids import Fence
from ordersync.model.orders import Order
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.model.runs import Progress
from ordersync.storage.memory.pages import MemoryPages
from ordersync.storage.memory.tables import OrderTables
from ordersync.sync import download, edits, pages, sightings, watch
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.edits import Shown
from ordersync.sync.sightings import Scene, Sighting

from .leases import no_fences
from .registry import MEMORY, Patch, plant

ENDED = "tests/rules/test_ended_orders.py"
EDITS = "tests/rules/test_edits.py"


def _check_then_act() -> Sequence[Patch]:
    """Return what writes a page over whatever is stored by now; stock revisions may fall."""
    real = MemoryPages.save_page

    async def save_page(store: MemoryPages, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        store._fences.check(fence)
        for order in work.new:
            store._orders.pop(order.key, None)
        changed = [
            attrs.evolve(one, expect=store._orders[one.order.key].revision)
            for one in work.changed
            if one.order.key in store._orders
        ]
        return await real(store, attrs.evolve(work, changed=tuple(changed)), fence=fence, at=at)

    return [(MemoryPages, "save_page", save_page), (OrderTables, "_require_no_fall", lambda _store, _order: None)]


@plant(
    "check-then-act ingest",
    law="L1",
    source="reliability 3.4 and 4.3",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_page_is_not_written_over_what_a_person_did",
)
def check_then_act() -> Sequence[Patch]:
    """Write a page as it was decided, whatever happened since; the fence is on."""
    return _check_then_act()


@plant(
    "check-then-act ingest, no fencing",
    law="L1",
    source="reliability 3.4 and 4.3",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_page_is_not_written_over_what_a_person_did",
)
def check_then_act_unfenced() -> Sequence[Patch]:
    """Write a page as it was decided, whatever happened since and whoever holds the channel by now."""
    return [*_check_then_act(), *no_fences()]


@plant(
    "a link made between resolving and committing a page is missed",
    law="L4",
    source="issue 5, point 5",
    directed="tests/simulator/test_directed_pushes.py::test_link_made_while_a_page_is_decided_is_heard_of",
)
def link_is_missed() -> Sequence[Patch]:
    """Note the revision of the links when a page is written, and not when it was resolved."""

    async def save(run: ChannelRun, page: OrderPage, number: int, progress: Progress | None = None) -> None:
        for _ in range(download.TRIES_PER_PAGE):
            decided = await pages.decide(run, page, number)
            work = pages.page_work(run, decided, progress)
            revision = (await run.storage.listings.links(run.id, [], fence=run.fence)).revision
            new = tuple(attrs.evolve(order, links_revision=revision) for order in work.new)
            if await run.storage.orders.save_page(attrs.evolve(work, new=new), fence=run.fence, at=run.now()):
                pages.report(run, decided)
                return
        raise StorageUnavailableError(f"{run.id}: page {number} changes faster than it can be saved")

    return [(download, "save", save), (watch, "save", save)]


@plant(
    "a deleted order is downloaded again",
    law="L1",
    source="PROTOCOLS 6",
    storages=MEMORY,
    directed="tests/simulator/test_directed.py::test_deleted_order_stays_deleted",
)
def tombstone_blocks_nothing() -> Sequence[Patch]:
    """Admit a deleted order like one that was never seen, and let the storage write over the tombstone."""
    real = sightings.judge

    def judge(scene: Scene, seen: ChannelOrder, digest: bytes) -> Sighting:
        known = scene.known.get(seen.reference)
        if known is not None and known.state is OrderState.DELETED:
            others = {one: known for one, known in scene.known.items() if one != seen.reference}
            scene = attrs.evolve(scene, known=others)
        return real(scene, seen, digest)

    return [(pages, "judge", judge), *_check_then_act()]


@plant(
    "an older version of an order is taken for news",
    law="L9",
    source="reliability 1.3 F37",
    directed="tests/simulator/test_directed_scans.py::test_older_version_of_an_order_changes_nothing",
)
def older_is_newer() -> Sequence[Patch]:
    """Follow whatever the channel shows, though a newer version was seen before."""
    real = sightings._followed

    def followed(scene: Scene, seen: ChannelOrder) -> ChangedOrder | None:
        order = scene.stored.get(scene.key(seen.reference))
        if order is not None and seen.updated_at < order.updated_at:
            seen = attrs.evolve(seen, updated_at=order.updated_at)
        return real(scene, seen)

    return [(sightings, "_followed", followed)]


@plant(
    "edits on the channel are not followed",
    law="L4",
    source="reliability 1.3 F38",
    directed=EDITS,
)
def edits_are_ignored() -> Sequence[Patch]:
    """Keep the lines of an order as they were when it was downloaded."""
    real = edits._edited

    def edited(order: Order, shown: Shown) -> Order:
        return attrs.evolve(real(order, shown), lines=order.lines, wanted=order.wanted, state=order.state)

    return [(edits, "_edited", edited)]


@plant(
    "a cancelled order keeps its reservation",
    law="L4",
    source="reliability 1.3 F38",
    directed="tests/simulator/test_directed.py::test_cancelled_order_reserves_nothing",
)
def cancelled_order_reserves() -> Sequence[Patch]:
    """Cancel an order and go on wanting what it wanted."""
    real = edits._cancelled

    def cancelled(order: Order, shown: Shown) -> Order:
        return attrs.evolve(real(order, shown), wanted=order.wanted)

    return [(edits, "_cancelled", cancelled)]


@plant(
    "an order shipped by other hands is left open in silence",
    law="L10",
    source="reliability 3.6",
    directed="tests/runner/test_shipped_elsewhere.py",
)
def shipped_elsewhere_in_silence() -> Sequence[Patch]:
    """Raise no conflict where goods left by other hands."""
    return [(edits, "_left_elsewhere", lambda _order, _shown: False)]


@plant(
    "a vanished order is cancelled at once",
    law="L10",
    source="reliability 1.2 F32",
    directed="tests/runner/test_vanished.py",
)
def vanished_is_cancelled() -> Sequence[Patch]:
    """Take an order that the channel does not show for a cancelled one."""
    real = conflicts.vanished

    def vanished(order: Order, *, at: datetime) -> Order:
        return attrs.evolve(real(order, at=at), state=OrderState.CANCELLED, conflict=None, wanted={})

    return [(watch, "vanished", vanished)]


@plant(
    "an unknown word is taken for paid",
    law="L2",
    source="reliability 1.3 F40",
    directed="tests/simulator/test_directed_scans.py::test_unknown_word_is_quarantined",
)
def unknown_word_is_paid() -> Sequence[Patch]:
    """Translate a word that nobody knows by the first meaning there is."""
    judge = sightings.judge

    def meant(order: ChannelOrder) -> ChannelOrder:
        payment = PaymentStatus.PAID if order.payment in (None, PaymentStatus.UNKNOWN) else order.payment
        unknown = order.fulfillment in (None, FulfillmentStatus.UNKNOWN)
        fulfillment = FulfillmentStatus.UNSHIPPED if unknown else order.fulfillment
        return attrs.evolve(order, payment=payment, fulfillment=fulfillment)

    def judged(scene: Scene, seen: ChannelOrder, digest: bytes) -> Sighting:
        return judge(scene, meant(seen), digest)

    return [(pages, "judge", judged)]


@plant(
    "what is decided about a conflict takes the goods out of nowhere",
    law="L4",
    source="DESIGN 5",
    directed="tests/runner/test_shipped_elsewhere.py",
)
def elsewhere_takes_everything() -> Sequence[Patch]:
    """Take all that is open for what left by other hands."""
    real = conflicts.pieces_elsewhere

    def pieces(order: Order) -> dict[str, int]:
        return {line.line_id: line.open for line in order.lines if line.open} or dict(real(order))

    return [(changes, "pieces_elsewhere", pieces)]
