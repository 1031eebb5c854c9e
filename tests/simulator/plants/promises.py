"""What is promised of the whole broken: what is logged, what is erased, what is sold, how soon, and for whom."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from ordersync import Order, StockLevel, StockRule
from ordersync.errors import ChannelError
from ordersync.model.orders import OrderChange
from ordersync.publication import Target, target
from ordersync.storage.memory.tables import OrderTables
from ordersync.storage.sqlite import connection
from ordersync.sync import channel_task, publish, sightings
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.channel_task import Phase
from ordersync.sync.sightings import Sighting

from .registry import MEMORY, Patch, plant

DIRECTED = "tests/simulator/test_directed_promises.py"
SQLITE = ("sqlite",)


@plant(
    "a log record carries the buyer's name",
    law="L13",
    source="reliability X1",
    directed=f"{DIRECTED}::test_log_names_no_buyer",
)
def log_names_the_buyer() -> Sequence[Patch]:
    """Log each new order with all that might help, for those who look into what is extra."""
    real = sightings._admitted

    def admitted(*given: object) -> Sighting:
        sighting: Sighting = real(*given)  # type: ignore[arg-type]
        if sighting.new is not None:
            facts = {"ordersync.order": sighting.new.key, "ordersync.buyer": sighting.new.buyer}
            name = "" if sighting.new.buyer is None else sighting.new.buyer.name
            logging.getLogger("ordersync").debug("ordersync.order_new", extra={**facts, "ordersync.name": name})
        return sighting

    return [(sightings, "_admitted", admitted)]


@plant(
    "an erased order that changes has its buyer again",
    law="L13",
    source="reliability X2, 4.6",
    storages=MEMORY,
    directed=f"{DIRECTED}::test_erased_order_that_is_shown_again_stays_erased",
)
def erased_comes_back() -> Sequence[Patch]:
    """Write an order over as its channel shows it, whatever was erased."""

    def write_over(tables: OrderTables, order: Order, change: OrderChange | None) -> None:
        tables._require_no_fall(order)
        tables._orders[order.key] = order
        if change is not None:
            tables._changes.setdefault(order.key, []).append(change)

    return [(OrderTables, "_write_over", write_over)]


@plant(
    "what is erased stays in the database's files",
    law="L13",
    source="reliability X2",
    storages=SQLITE,
    directed="tests/storage/test_sqlite_erasure.py::test_no_byte_of_what_was_erased_stays",
)
def files_are_not_cleared() -> Sequence[Patch]:
    """Delete the rows, and leave the log and the gaps of pages as they are."""

    def clear_files(_connection: sqlite3.Connection, _path: Path) -> None:
        pass

    return [(connection, "clear_files", clear_files)]


@plant(
    "what is reserved is for sale",
    law="L6",
    source="reliability S6",
    directed=f"{DIRECTED}::test_what_is_reserved_is_not_for_sale",
)
def reserved_is_for_sale() -> Sequence[Patch]:
    """Work a level out from what lies there."""

    def on_hand(components: Mapping[str, int], rule: StockRule, levels: Iterable[StockLevel]) -> Target:
        return target(components, rule, [attrs.evolve(level, reserved=0) for level in levels])

    return [(publish, "target", on_hand)]


@plant(
    "other channels are told of a sale in the next run",
    law="L6",
    source="reliability P5",
    directed=f"{DIRECTED}::test_sale_is_told_everywhere_in_the_same_run",
)
def told_in_the_next_run() -> Sequence[Patch]:
    """End a run without another look at what the channels have sold meanwhile."""
    real = channel_task.network

    async def network(run: ChannelRun, name: str, phase: Phase) -> bool:
        return True if phase is publish.publish else await real(run, name, phase)

    return [(channel_task, "network", network)]


@plant(
    "a channel that fails ends the run for all",
    law="L10",
    source="reliability R2",
    directed=f"{DIRECTED}::test_channel_that_fails_stops_only_itself",
)
def failure_of_one_is_of_all() -> Sequence[Patch]:
    """Call no channel any more in a run in which one did not answer."""
    real, broken = channel_task._failed, list[str]()
    real_network = channel_task.network

    async def failed(run: ChannelRun, error: ChannelError) -> None:
        broken.append(run.run_id)
        await real(run, error)

    async def network(run: ChannelRun, name: str, phase: Phase) -> bool:
        if run.run_id in broken:
            run.status = "failed"
            return False
        return await real_network(run, name, phase)

    return [(channel_task, "_failed", failed), (channel_task, "network", network)]
