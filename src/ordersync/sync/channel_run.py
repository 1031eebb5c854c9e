"""One channel in one run: what its phases share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ..channel import Channel
from ..clock import Clock
from ..conflicts import by_settings
from ..errors import ChannelAuthError, ChannelError, ChannelUnavailableError, OrderSyncError
from ..model.events import (
    CallFailed,
    Event,
    NoteMoved,
    OrderChanged,
    OrderInConflict,
    OrderSkipped,
    PhaseStarted,
)
from ..model.ids import ChannelId, Fence, OrderKey
from ..model.orders import Outcome
from ..model.pages import ChangedOrder
from ..model.runs import EntryKind, JournalEntry
from ..model.stock import Due
from ..ports import Storage
from .lease import HeldLease, late_window
from .report import ChannelReport, Remark
from .retry import Caller, RetryPolicy

MOST_REMARKS = 50
"""So many remarks of one kind are kept, so that a thousand skipped orders hide no failure; the rest are counted."""


@attrs.frozen(kw_only=True)
class RunContext:
    """What is the same for all channels of one run."""

    run_id: str
    storage: Storage
    clock: Clock
    retry: RetryPolicy
    tell: Callable[[Event], None]


class ChannelRun:
    """The channel, its lease, the counts, and how to speak of what happens.

    It holds no work: what is due is asked from the storage by each phase.
    """

    def __init__(self, channel: Channel, context: RunContext, lease: HeldLease | None) -> None:
        self.channel, self._context, self._lease = channel, context, lease
        self.run_id, self.storage, self.clock = context.run_id, context.storage, context.clock
        self.caller = Caller(
            policy=context.retry,
            clock=context.clock,
            timeout_s=channel.call_timeout.total_seconds(),
            name=str(channel.id),
            lasts=(lambda: True) if lease is None else lease.lasts,
        )
        self.status = "done"
        self.phase = "resume"
        self.counts: Counter[str] = Counter()
        self.errors: list[OrderSyncError] = []
        self._oldest_sale: datetime | None = None
        self.unpublished_s: float | None = None
        self._remarks: list[Remark] = []
        self._remarked: Counter[str] = Counter()

    @property
    def id(self) -> ChannelId:
        """Return the channel's id."""
        return self.channel.id

    @property
    def lease(self) -> HeldLease:
        """Return this run's hold on the channel; a dry run has none."""
        if self._lease is None:
            raise RuntimeError("a dry run writes and sends nothing")
        return self._lease

    @property
    def fence(self) -> Fence:
        """Return the proof that goes with every verb that writes."""
        return self.lease.fence

    @property
    def read_fence(self) -> Fence | None:
        """Return the proof that goes with reading; None in a dry run, which holds nothing."""
        return None if self._lease is None else self._lease.fence

    @property
    def window(self) -> timedelta:
        """Return how long after its record an attempt may still take effect."""
        return late_window(self.channel) + (timedelta(0) if self._lease is None else self._lease.doubt)

    def now(self) -> datetime:
        """Return the time of this verb: the storage's, or the machine's own in a dry run."""
        return self.clock.now() if self._lease is None else self._lease.now()

    def begin_phase(self, phase: str) -> None:
        """Say that a phase begins."""
        self.phase = phase
        self.tell(PhaseStarted, phase=phase)

    def tell(self, kind: Callable[..., Event], **facts: Any) -> None:  # noqa: ANN401 - fields of the event
        """Tell the observers of something on this channel."""
        self._context.tell(kind(run_id=self.run_id, channel=self.id, **facts))

    def count(self, outcome: Outcome, *, times: int = 1) -> None:
        """Count sightings of orders; every sighting has one outcome, so the sum is exact."""
        self.counts["seen"] += times
        self.counts[outcome.value] += times

    def remark(self, kind: str, code: str, subject: str, sentence: str) -> None:
        """Keep something for the report; what two scans of a run both show is said once."""
        remark = Remark(kind=kind, code=code, subject=subject, sentence=sentence)
        if remark in self._remarks:
            return
        self._remarked[kind] += 1
        if self._remarked[kind] <= MOST_REMARKS:
            self._remarks.append(remark)

    def not_downloaded(self, reference: str | None, code: str, sentence: str, *, quarantined: bool) -> None:
        """Report an order that was seen and is not stored."""
        kind = "quarantined" if quarantined else "skipped"
        self.remark(kind, code, reference or "(no reference)", sentence)
        self.tell(OrderSkipped, reference=reference, code=code, sentence=sentence, quarantined=quarantined)

    def order_changed(self, changed: ChangedOrder) -> None:
        """Report what became of a stored order, and a conflict that a person must look at."""
        change, order = changed.change, changed.order
        if change is None:
            return
        self.tell(OrderChanged, order=order.key, event=change.event, details=change.details)
        decided = by_settings(order, self.channel.settings) is not None
        if order.conflict is not None and "conflict" in change.details and not decided:
            self.remark("conflict", order.conflict.code, str(order.key), order.conflict.sentence)
            self.tell(OrderInConflict, order=order.key, code=order.conflict.code, sentence=order.conflict.sentence)

    def note_moved(self, order: OrderKey, parcel_id: str, status: str) -> None:
        """Report a dispatch note's new status."""
        self.tell(NoteMoved, order=order, parcel_id=parcel_id, status=status)

    async def failed(self, error: OrderSyncError, *, order: OrderKey | None = None) -> None:
        """Record a call that failed for good in this run, about *order* if it was about one."""
        self.counts["failed"] += 1
        self.errors.append(error)
        self.remark("failed", error.code, self.phase if order is None else str(order), str(error))
        self.tell(CallFailed, phase=self.phase, code=error.code, message=str(error))
        await self.write(EntryKind.ERROR, code=error.code, message=str(error), order=order, phase=self.phase)

    async def failed_or_raise(self, error: ChannelError, *, order: OrderKey | None = None) -> None:
        """Record an error that concerns one item; one that concerns the whole channel is raised."""
        if isinstance(error, ChannelUnavailableError | ChannelAuthError):
            raise error
        await self.failed(error, order=order)

    async def write(
        self, kind: EntryKind, *, code: str = "", message: str = "", order: OrderKey | None = None, **facts: str
    ) -> None:
        """Write one entry into the journal, about *order* if it is about one."""
        entry = JournalEntry(
            at=self.now(),
            kind=kind,
            run_id=self.run_id,
            channel=self.id,
            order=order,
            code=code,
            message=message,
            facts=facts,
        )
        await self.storage.journal.write([entry])

    def note_sales(self, dues: Sequence[Due]) -> None:
        """Remember the oldest sale that the other channels have not been told of."""
        new = [due.sale.taken_at for due in dues if due.claim.revision == 1]
        self._oldest_sale = min([*new, *filter(None, [self._oldest_sale])], default=None)

    def published(self) -> None:
        """Note that every channel has been told of this one's sales."""
        if self._oldest_sale is not None:
            self.unpublished_s = (self.now() - self._oldest_sale).total_seconds()

    def report(self) -> ChannelReport:
        """Return this channel's share of the run report."""
        fields = {field.name for field in attrs.fields(ChannelReport)}
        return ChannelReport(
            channel=self.id,
            status=self.status,
            waited_s=self.caller.waited_s,
            unpublished_s=self.unpublished_s,
            remarks=tuple(self._remarks),
            more_remarks=self._remarked.total() - len(self._remarks),
            **{name: number for name, number in self.counts.items() if name in fields},
        )
