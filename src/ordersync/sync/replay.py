"""Replay: judge again what waits in quarantine, after the mapping or the code was mended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from ..channel import Channel, SupportsOrderLookup, SupportsPayloads
from ..errors import ChannelError, ChannelResponseError, LeaseLostError
from ..model.channel_orders import ChannelOrder, UnreadableOrder
from ..model.fields import FieldError
from ..model.ids import OrderKey
from ..model.orders import Outcome
from ..model.pages import PageWork, Quarantined
from ..model.runs import ChannelLife
from .channel_run import ChannelRun, RunContext
from .channel_task import Rendezvous, Task, keep_books, lost, may_call, network
from .download import save
from .report import RunReport
from .rereading import sweep_next, unsettle
from .run import Run
from .watch import page_of, watch

FIRST_READ = 500
"""So many documents are read at first; four times as many each time that there are more."""


async def replay(context: RunContext, channel: Channel, reference: str | None = None) -> RunReport:
    """Take up again what waits in a channel's quarantine, and report it as a run."""
    return await Run(context, task=replaying(reference)).over([channel])


def replaying(reference: str | None = None) -> Task:
    """Return the task that takes up again the documents in quarantine, all of them or those of one order.

    A kept document is read and judged again, if the channel can do so. Otherwise its order is looked up: now as far
    as one run's looks reach, and in the next runs. Where neither is possible, the next run sweeps from the start.
    Of an order only the newest document counts, and none that was seen before what is known of the order by now.
    """

    async def take_up(run: ChannelRun, life: ChannelLife, rendezvous: Rendezvous) -> None:
        rendezvous.arrive()
        try:
            run.begin_phase("replay")
            await unsettle(run, await run.storage.orders.progress(run.id, fence=run.fence))
            if await _look_later(run, await _judge_again(run, reference)) and await may_call(run, life):
                await network(run, "watch", watch)
            await keep_books(run)
        except LeaseLostError as error:
            lost(run, error)

    return take_up


@attrs.frozen(kw_only=True)
class _Document:
    """A document in quarantine, and what the channel reads in it now; None where there is nothing that it can read."""

    kept: Quarantined
    found: ChannelOrder | UnreadableOrder | None

    @property
    def reference(self) -> str | None:
        """Return whose document it is, as far as anybody knows."""
        return self.found.reference if isinstance(self.found, ChannelOrder) else self.kept.reference

    @property
    def updated_at(self) -> datetime:
        """Return when the channel changed the order last; of one that cannot be read, when it was kept."""
        return self.found.updated_at if isinstance(self.found, ChannelOrder) else self.kept.at

    @property
    def is_newly_named(self) -> bool:
        """Say whether it was kept under no name of an order, or under another than it has."""
        return self.reference != self.kept.reference


async def _judge_again(run: ChannelRun, reference: str | None) -> Sequence[Quarantined]:
    """Judge what can be read, and return the documents that must be asked for again."""
    documents: list[_Document] = []
    for kept in await _waiting(run):
        await run.lease.keep()
        documents.append(await _read(run, kept))
    unread: list[Quarantined] = []
    for group in _by_order(one for one in documents if reference in (None, one.reference)):
        await run.lease.keep()
        overtaken = [one for one in group if await _is_overtaken(run, one)]
        await _release(run, overtaken)
        rest = [one for one in group if one not in overtaken]
        newest = _newest(rest) if rest else None
        if newest is not None and newest.found is not None:
            await _judge(run, newest.found, rest)
        elif newest is not None:
            unread.append(newest.kept)
    return unread


async def _waiting(run: ChannelRun) -> Sequence[Quarantined]:
    """Return everything in the channel's quarantine, oldest first."""
    limit = FIRST_READ
    while len(found := await run.storage.orders.quarantined(run.id, limit=limit)) == limit:
        limit *= 4
    return found


async def _read(run: ChannelRun, kept: Quarantined) -> _Document:
    """Read a kept document again; where the channel fails at that, as if it could not."""
    if not isinstance(run.channel, SupportsPayloads) or not kept.payload:
        return _Document(kept=kept, found=None)
    try:
        return _Document(kept=kept, found=_told(run.channel.read_order(kept.payload), kept))
    except FieldError as error:  # its whole text quotes the value, which may be personal
        found = UnreadableOrder(payload=kept.payload, error=error.expected, reference=kept.reference)
        return _Document(kept=kept, found=found)
    except ChannelError as error:
        await run.failed(error, order=None if kept.reference is None else OrderKey(run.id, kept.reference))
        return _Document(kept=kept, found=None)


def _told(found: object, kept: Quarantined) -> ChannelOrder | UnreadableOrder:
    """Return what was read, with the document that it was read in: so the same one is not kept a second time."""
    if isinstance(found, ChannelOrder):
        return attrs.evolve(found, raw=kept.payload)
    if isinstance(found, UnreadableOrder):
        return attrs.evolve(found, payload=kept.payload, reference=kept.reference)
    raise ChannelResponseError(
        f"{kept.channel}: read_order returned a {type(found).__name__}; return a ChannelOrder or an UnreadableOrder"
    )


def _by_order(documents: Iterable[_Document]) -> Sequence[Sequence[_Document]]:
    """Put the documents of each order together, oldest first; one of which nobody knows whose it is stands alone."""
    groups: dict[tuple[str | None, str], list[_Document]] = {}
    for one in documents:
        name = (one.reference, one.kept.payload_hash if one.reference is None else "")
        groups.setdefault(name, []).append(one)
    return list(groups.values())


def _newest(group: Sequence[_Document]) -> _Document:
    """Return the last document of an order; among those that can be read, the one that was changed last."""
    if not isinstance(group[-1].found, ChannelOrder):
        return group[-1]
    return max((one for one in reversed(group) if isinstance(one.found, ChannelOrder)), key=lambda one: one.updated_at)


async def _is_overtaken(run: ChannelRun, document: _Document) -> bool:
    """Say whether the order was seen again after this document of it was kept.

    Where it was known whose document it is, the storage has let go of what was overtaken.
    """
    if document.reference is None or not document.is_newly_named:
        return False
    decision = await run.storage.orders.decision(OrderKey(run.id, document.reference))
    return decision is not None and decision.last_seen_at is not None and decision.last_seen_at >= document.kept.at


async def _judge(run: ChannelRun, found: ChannelOrder | UnreadableOrder, group: Sequence[_Document]) -> None:
    """Judge a document as a page of one, and let go of the others of its order if it is understood."""
    before = run.counts[Outcome.QUARANTINED.value]
    await save(run, page_of(found), 0)
    if run.counts[Outcome.QUARANTINED.value] == before:
        await _release(run, [one for one in group if one.is_newly_named])


async def _release(run: ChannelRun, documents: Sequence[_Document]) -> None:
    """Let documents leave quarantine by their own names, where that of their order does not reach them."""
    if documents:
        released = tuple(one.kept.payload_hash for one in documents)
        work = PageWork(channel=run.id, released=released)
        await run.storage.orders.save_page(work, fence=run.fence, at=run.now())


async def _look_later(run: ChannelRun, unread: Sequence[Quarantined]) -> bool:
    """Make looks due at the orders of these documents, or a sweep where none is possible; say whether any look is."""
    references = sorted({one.reference for one in unread if one.reference is not None})
    looked_up = references if isinstance(run.channel, SupportsOrderLookup) else []
    for reference in looked_up:
        await run.storage.orders.hint(OrderKey(run.id, reference), at=run.now())
    if any(one.reference not in looked_up for one in unread):
        await sweep_next(run)
    return bool(looked_up)
