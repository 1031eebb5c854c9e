"""What is known of one order and its channel: read once, then judged by pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ..channel import Channel
from ..model.channel_orders import Diagnosis
from ..model.fields import maybe_moment
from ..model.ids import ChannelId, OrderKey
from ..model.orders import Decision, Order, OrderChange, OrderState
from ..model.pages import Watch
from ..model.runs import ChannelLife, EntryKind, JournalEntry, Progress
from ..ports import Storage
from .asking import Answer
from .explanation import View
from .windows import Window, windows_of

LATEST = 20
AROUND = 3
SWITCHES = 10
ERRORS = 5
NAMELESS = 50


@attrs.frozen(kw_only=True)
class Question:
    """What is asked, and from where.

    ``registered``: whether any channels were given at all; ``channel`` is None where the order's own was not.
    ``answer`` is what the channel said, if it was asked. ``placed_at`` is the order's time as the asker knows it.
    """

    key: OrderKey
    now: datetime
    view: View = attrs.field(factory=View)
    registered: bool = True
    channel: Channel | None = None
    answer: Answer | None = None
    diagnoses: Sequence[Diagnosis] = ()
    placed_at: datetime | None = maybe_moment()  # noqa: RUF009 - as fields of records are declared


@attrs.frozen(kw_only=True)
class Evidence(Question):
    """Everything that the checks look at; ``placed_at`` is what the channel told, where it did.

    ``first``, ``latest`` and ``around`` are readings of the channel: the first, the last, and those just before and
    after the order was placed. ``nameless`` counts documents in quarantine that name no order, for one
    that was never seen.
    """

    order: Order | None
    decision: Decision | None
    history: Sequence[OrderChange]
    erased_at: datetime | None
    watch: Watch | None
    life: ChannelLife
    progress: Progress
    first: Sequence[Window]
    latest: Sequence[Window]
    around: Sequence[Window]
    switches: Sequence[JournalEntry]
    errors: Sequence[JournalEntry]
    nameless: int

    @property
    def stored(self) -> bool:
        """Say whether the order is in the store, and no tombstone."""
        return self.order is not None and self.order.state is not OrderState.DELETED

    @property
    def deleted(self) -> bool:
        """Say whether a person deleted the order."""
        return self.order is not None and self.order.state is OrderState.DELETED


async def gather(storage: Storage, question: Question) -> Evidence:
    """Read what is known; a bounded number of short reads, however much is stored."""
    orders, journal, key, channel = storage.orders, storage.journal, question.key, question.key.channel
    order = (await orders.load([key])).get(key)
    decision = await orders.decision(key)
    placed_at = _placed_at(question.answer, decision, order) or question.placed_at
    readings = [EntryKind.WINDOW_READ]
    around: list[JournalEntry] = []
    if placed_at is not None:
        around += reversed(await journal.entries(channel=channel, kinds=readings, until=placed_at, limit=AROUND))
        around += await journal.entries(
            channel=channel, kinds=readings, since=placed_at, limit=AROUND, oldest_first=True
        )
    asked = {field.name: getattr(question, field.name) for field in attrs.fields(Question)}
    return Evidence(
        **{**asked, "placed_at": placed_at},
        order=order,
        decision=decision,
        history=await orders.history(key) if order is not None else (),
        erased_at=(await orders.erased([key])).get(key),
        watch=await orders.watch(key),
        life=(await journal.life([channel]))[channel],
        progress=await orders.progress(channel),
        first=windows_of(await journal.entries(channel=channel, kinds=readings, limit=AROUND, oldest_first=True)),
        latest=windows_of(await journal.entries(channel=channel, kinds=readings, limit=LATEST)),
        around=windows_of(around),
        switches=await journal.entries(channel=channel, kinds=[EntryKind.CHANNEL_SWITCHED], limit=SWITCHES),
        errors=await journal.entries(order=key, kinds=[EntryKind.ERROR], limit=ERRORS),
        nameless=0 if decision or order else await _nameless(storage, channel),
    )


async def _nameless(storage: Storage, channel: ChannelId) -> int:
    return sum(one.reference is None for one in await storage.orders.quarantined(channel, limit=NAMELESS))


def _placed_at(answer: Answer | None, decision: Decision | None, order: Order | None) -> datetime | None:
    if answer is not None and answer.order is not None:
        return answer.order.placed_at
    if order is not None:
        return order.placed_at
    return None if decision is None else decision.placed_at
