"""What a campaign must have met: where something never occurred, its checks have proved nothing about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....lifecycle import OrderEvent
from ....model.dispatch import NoteStatus
from ....model.listings import StockOutcome
from ....model.orders import ConflictCode
from ....ports.orders import ParcelAnswer
from ..options import ACCIDENTS, DESK_ACCIDENTS, NET_FAULTS
from ..ports import FAULTS
from ..situations import NAMED

PREFIX = "sometimes: "

SITUATIONS: Sequence[str] = (
    *NAMED,
    "a page shows an order twice",
    "a page shows an order as it was before",
    "a batch is refused for one listing",
    "a request lands after its time-out",
    *(f"an order is {event}" for event in OrderEvent if event not in (OrderEvent.RESERVED, OrderEvent.REOPENED)),
    *(f"an order is in conflict: {code}" for code in ConflictCode),
    *(f"a parcel is {answer}" for answer in (ParcelAnswer.RECORDED, ParcelAnswer.STALE, ParcelAnswer.ANOTHER_WAITING)),
    *(f"a note is {status}" for status in NoteStatus if status is not NoteStatus.WAITING),
    *(f"a push is {outcome}" for outcome in StockOutcome if outcome is not StockOutcome.UNKNOWN_SKU),
    *(f"a reading of {scan} is {code}" for scan in ("updates", "sweep") for code in ("complete", "cut")),
)
"""What ``Trace.sometimes`` is told. No buyer here adds to an order that was imported as shipped and so reopens it."""

EVENTS: Sequence[str] = (
    *(f"fault {name}" for name in NET_FAULTS),
    *(f"storage {name}" for name in FAULTS),
    *(f"accident {name}" for name in ACCIDENTS),
    *(f"accident desk {name}" for name in DESK_ACCIDENTS),
    "desk ledger",
)
"""What ``Trace.event`` is told: every fault that there is."""


def occurred(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return how often each situation occurred: those that must, with zeros, and all others that did."""
    met = {name.removeprefix(PREFIX): count for name, count in counts.items() if name.startswith(PREFIX)}
    return {name: met.get(name, 0) for name in sorted({*SITUATIONS, *met})}


def never(counts: Mapping[str, int]) -> Sequence[str]:
    """Return which situations and events must occur, and never did."""
    situations = [name for name in SITUATIONS if not counts.get(f"{PREFIX}{name}")]
    return [*situations, *(kind for kind in EVENTS if not counts.get(kind))]
