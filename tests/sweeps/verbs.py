"""What people do at the desk, by name; each verb meets an order to which something else is happening too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from ordersync import OrderDesk, Parcel
from ordersync.errors import OrderNotFoundError, ParcelConflictError, TransitionError

from .lines import Line
from .world import of_market, of_shop

Verb = Callable[[OrderDesk], Awaitable[Any]]


def _process(reference: str, parcel_id: str = "all", lines: dict[str, int] | None = None) -> Verb:
    key = of_shop(reference) if reference.startswith("1") else of_market(reference)
    parcel = Parcel(id=parcel_id, lines=lines, carrier="UPS", tracking_number=f"D{reference}{parcel_id}")
    return lambda desk: desk.process(key, parcel)


def _cancel(reference: str) -> Verb:
    key = of_shop(reference) if reference.startswith("1") else of_market(reference)
    return lambda desk: desk.cancel(key)


def erase(reference: str) -> Verb:
    """Return the erasure of an order, by its number alone."""
    key = of_shop(reference) if reference.startswith("1") else of_market(reference)
    return lambda desk: desk.erase(key, who="Bob", why="was asked to")


async def purge(desk: OrderDesk) -> None:
    """Erase all that ended so long ago that life has gone on since."""
    await desk.purge(older_than=timedelta(minutes=30), who="Bob")


CORE: dict[str, Verb] = {
    "process an order that is edited": _process("1001"),
    "cancel an order that is edited": _cancel("1001"),
}
"""The verbs that matter most."""

OTHERS: dict[str, Verb] = {
    "process an order that is new": _process("1008"),
    "cancel an order that is new": _cancel("1008"),
    "process an order that its channel cancels": _process("2003"),
    "cancel an order that its channel cancels": _cancel("2003"),
    "process an order that is paid just now": _process("2002"),
    "process an order that is linked just now": _process("1004"),
    "process the rest while a parcel waits": _process("1006", "rest"),
    "process a part while a parcel waits": _process("1006", "part", {"L2": 1}),
    "cancel the rest while a parcel waits": _cancel("1006"),
    "set the tracking of a waiting note": lambda desk: desk.set_tracking(
        of_shop("1006"), parcel_id="half", carrier="GLS", tracking_number="N1006"
    ),
    "set the tracking of a queued note": lambda desk: desk.set_tracking(
        of_shop("1005"), carrier="GLS", tracking_number="N1005"
    ),
    "requeue a refused note": lambda desk: desk.requeue(of_market("2006")),
    "erase an order that is edited": erase("1001"),
    "erase an order that is new": erase("1008"),
}
"""Others that meet what ``busy_day`` leaves due."""

VERBS = CORE | OTHERS

DESK_VERBS: dict[str, Verb] = {
    "process an order": _process("1005"),
    "process a part": _process("2001", "p1", {"L1": 1}),
    "process the rest while a parcel waits": _process("1006", "rest"),
    "cancel": _cancel("1001"),
    "cancel the rest while a parcel waits": _cancel("1006"),
    "set tracking": lambda desk: desk.set_tracking(of_market("2003"), carrier="GLS", tracking_number="N2003"),
    "requeue": lambda desk: desk.requeue(of_market("2006")),
    "erase": erase("1006"),
}
"""Verbs that have something to do ``at_the_desk``."""

PAIRS: dict[str, tuple[Verb, Verb]] = {
    "two parts": (_process("2001", "p1", {"L1": 1}), _process("2001", "p2", {"L1": 2})),
    "two parts that are more than there is": (
        _process("2001", "p1", {"L1": 2}),
        _process("2001", "p2", {"L1": 2}),
    ),
    "the same parcel": (_process("2001", "p1", {"L1": 1}), _process("2001", "p1", {"L1": 1})),
    "one parcel id for two parcels": (_process("2001", "p1", {"L1": 1}), _process("2001", "p1", {"L1": 2})),
    "a part and all": (_process("1006", "part", {"L2": 1}), _process("1006", "rest")),
    "process and cancel": (_process("1001"), _cancel("1001")),
    "a part and cancel": (_process("2001", "p1", {"L1": 1}), _cancel("2001")),
    "cancel and cancel": (_cancel("1001"), _cancel("1001")),
    "cancel and the rest while a parcel waits": (_cancel("1006"), _process("1006", "rest")),
    "set tracking and set tracking": (
        lambda desk: desk.set_tracking(of_market("2003"), carrier="GLS", tracking_number="N2003"),
        lambda desk: desk.set_tracking(of_market("2003"), carrier="UPS", tracking_number="M2003"),
    ),
    "process and erase": (_process("1001"), erase("1001")),
    "requeue and requeue": (DESK_VERBS["requeue"], DESK_VERBS["requeue"]),
}
"""Two verbs of two people for one order."""


async def idling(line: Line) -> None:
    """Do nothing."""


def at_a_desk(verb: Verb) -> Callable[[Line], Awaitable[Any]]:
    """Return a verb as work on a line."""
    return lambda line: verb(line.desk)


async def attempt(desk: OrderDesk, verb: Verb) -> str:
    """Try a verb as a person does, and return how it was answered; nothing when it was done."""
    try:
        await verb(desk)
    except (TransitionError, ParcelConflictError, OrderNotFoundError) as refusal:
        return type(refusal).__name__
    return ""
