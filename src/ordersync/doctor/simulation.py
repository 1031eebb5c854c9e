"""The mapping lab: which of the orders seen would be decided otherwise under other settings. Nothing is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from ..admission import ADMITTED, Candidate, admit, canonical, parking_reason
from ..channel import Channel
from ..columns import wrapped
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus
from ..model.ids import ChannelId, OrderKey
from ..model.orders import Decision, OrderState
from ..model.pages import Known
from ..model.settings import ChannelSettings
from ..ports.storage import Storage

JSON_SCHEMA = "ordersync.simulation/1"
"""Raised when a field of the JSON simulation changes its meaning; fields may be added."""

MOST_CHANGES = 1000
"""As many changes a simulation keeps one by one, unless told otherwise; the others are only counted."""

BATCH = 500
MOST_LINES = 50

ENDED = {FulfillmentStatus.SHIPPED: "processed", FulfillmentStatus.CANCELLED: "cancelled"}


@attrs.frozen(kw_only=True)
class SimulatedChange:
    """One order that would be decided otherwise: its word, the deciding check before and after, and what it means.

    ``stored`` orders are here already, and no settings remove them: ``sentence`` says what becomes of them.
    """

    key: OrderKey
    status: str
    before: str
    after: str
    sentence: str
    placed_at: datetime | None
    stored: bool


@attrs.frozen(kw_only=True)
class Simulation:
    """What other settings would change about the orders that a channel has shown.

    ``judged = same + admitted_more + admitted_fewer + otherwise``. ``admitted_more`` would be downloaded and are not;
    ``admitted_fewer`` would be refused; ``otherwise`` are refused by another check, or stored and understood
    otherwise. ``unknown`` could not be judged: nothing of them is kept that a check could look at.
    ``more`` changes are counted and not listed. ``str()`` is plain text of at most 80 columns.
    """

    channel: ChannelId
    judged: int
    same: int
    admitted_more: int
    admitted_fewer: int
    otherwise: int
    unknown: int
    changes: tuple[SimulatedChange, ...] = ()
    more: int = 0

    def to_json(self) -> str:
        """Return the simulation as JSON (schema ``ordersync.simulation/1``)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the simulation as what ``to_json`` writes."""
        counts = attrs.asdict(self, recurse=False, filter=lambda field, _: field.name not in ("channel", "changes"))
        return {
            "schema": JSON_SCHEMA,
            "source": self.channel.source,
            "subsource": self.channel.subsource,
            **counts,
            "changes": [_as_dict(change) for change in self.changes],
        }

    def __str__(self) -> str:
        """Return the simulation as text."""
        return "\n".join(line for part in self._parts() for line in wrapped(part, margin=6))

    def _parts(self) -> Iterator[str]:
        yield f"simulation of {self.channel}: {self.judged} judged, {self.unknown} unknown"
        yield (
            f"{self.same} same, {self.admitted_more} more downloaded, {self.admitted_fewer} fewer, "
            f"{self.otherwise} otherwise"
        )
        for change in self.changes[:MOST_LINES]:
            word = f"{change.key.reference} ({change.status})"
            yield f"  {change.before} -> {change.after}  {word}  {change.sentence}"
        unlisted = len(self.changes[MOST_LINES:]) + self.more
        if unlisted:
            yield f"  and {unlisted} more"


@attrs.frozen(kw_only=True)
class Verdict:
    """How some settings judge an order, as if it were seen for the first time."""

    code: str
    sentence: str
    payment: PaymentStatus
    fulfillment: FulfillmentStatus

    @property
    def meaning(self) -> tuple[PaymentStatus, FulfillmentStatus]:
        """Return what the order's words are taken for."""
        return self.payment, self.fulfillment


async def simulate(
    storage: Storage, channel: Channel, settings: ChannelSettings, *, most: int = MOST_CHANGES
) -> Simulation:
    """Judge every order that *channel* has shown under *settings*, and compare with the settings that it has.

    Each order is judged as it was shown last, without asking the channel; whether the channel is enabled is not
    looked at. Of each order buyer, address and document are not kept for this: ``HostCheck.refuses`` is given it with
    ``buyer``, ``shipping_address`` and ``raw`` None, so what a check that reads them says here may differ from what
    it says in a run. At most *most* changes are listed. Settings that the channel could not have are a
    ``ConfigurationError``.
    """
    simulated = channel.settings_in_force(settings)
    tally: Counter[str] = Counter()
    changes: list[SimulatedChange] = []
    after: OrderKey | None = None
    while batch := await storage.orders.decisions_by_key(channel.id, limit=BATCH, after=after):
        after = batch[-1].key
        known = await storage.orders.known(channel.id, [one.key.reference for one in batch])
        for decision in batch:
            category, change = _simulated(decision, known.get(decision.key.reference), channel.settings, simulated)
            tally[category] += 1
            if change is not None and len(changes) < most:
                changes.append(change)
    different = tally["admitted_more"] + tally["admitted_fewer"] + tally["otherwise"]
    return Simulation(
        channel=channel.id,
        judged=tally["same"] + different,
        same=tally["same"],
        admitted_more=tally["admitted_more"],
        admitted_fewer=tally["admitted_fewer"],
        otherwise=tally["otherwise"],
        unknown=tally["unknown"],
        changes=tuple(changes),
        more=different - len(changes),
    )


def verdict(order: ChannelOrder, settings: ChannelSettings, *, tombstone: bool) -> Verdict:
    """Judge one order by the checks that admit orders."""
    refusal = admit(Candidate(order=order, settings=settings, tombstone=tombstone))
    payment, fulfillment = canonical(order, settings)
    code = ADMITTED if refusal is None else refusal.code
    sentence = _downloaded(payment, fulfillment) if refusal is None else refusal.sentence
    return Verdict(code=code, sentence=sentence, payment=payment, fulfillment=fulfillment)


def _downloaded(payment: PaymentStatus, fulfillment: FulfillmentStatus) -> str:
    if fulfillment in ENDED:
        return f"It would be stored as {ENDED[fulfillment]}, moving no stock."
    parked = parking_reason(payment, fulfillment)
    return "It would be downloaded." if parked is None else f"It would be downloaded and parked: {parked}."


def category_of(before: Verdict, after: Verdict, *, stored: bool) -> str:
    """Name the count of a ``Simulation`` that an order belongs to.

    A stored order is past admission: it is the same unless it would be refused now, or understood otherwise.
    """
    if before.code == after.code:
        return "same"
    if before.code == ADMITTED:
        return "admitted_fewer"
    if not stored:
        return "admitted_more" if after.code == ADMITTED else "otherwise"
    return "same" if before.meaning == after.meaning else "otherwise"


def _simulated(
    decision: Decision, known: Known | None, now: ChannelSettings, then: ChannelSettings
) -> tuple[str, SimulatedChange | None]:
    """Return the count that a decision belongs to, and what would change."""
    seen = decision.seen
    if seen is None:
        return "unknown", None
    state = None if known is None else known.state
    tombstone = state is OrderState.DELETED
    stored = state is not None and not tombstone
    before, after = verdict(seen, now, tombstone=tombstone), verdict(seen, then, tombstone=tombstone)
    category = category_of(before, after, stored=stored)
    if category == "same":
        return category, None
    return category, SimulatedChange(
        key=decision.key,
        status=seen.status,
        before=before.code,
        after=after.code,
        sentence=_of_stored(seen, before, after) if stored else after.sentence,
        placed_at=seen.placed_at,
        stored=stored,
    )


def _of_stored(seen: ChannelOrder, before: Verdict, after: Verdict) -> str:
    """Say what becomes of an order that is stored already."""
    if after.payment is PaymentStatus.UNKNOWN or after.fulfillment is FulfillmentStatus.UNKNOWN:
        return f"It is stored already and left as it is: nobody would know what {seen.status!r} means."
    if before.meaning == after.meaning:
        return "It is stored already and stays; a new order like it would not be downloaded."
    return f"It is stored already and not removed, but taken for {after.fulfillment}, {after.payment}."


def _as_dict(change: SimulatedChange) -> dict[str, Any]:
    facts = attrs.asdict(change, recurse=False, filter=lambda field, _: field.name != "key")
    placed_at = None if change.placed_at is None else change.placed_at.isoformat()
    return {"reference": change.key.reference, **facts, "placed_at": placed_at}
