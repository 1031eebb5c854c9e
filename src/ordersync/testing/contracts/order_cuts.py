"""The laws of cancelled callers, for every verb of an order store."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import attrs

from ... import lifecycle
from ...errors import LeaseLostError
from ...model.channel_orders import Buyer
from ...model.dispatch import NoteStatus, Parcel
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.pages import ChangedOrder, PageWork
from ...model.runs import Progress
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_decision, make_key, make_order
from .decisions import decide, refused
from .doubts import save_doubts
from .laws import Contract, Cut, law, reads_survive
from .order_fences import furnish
from .steps import (
    BY,
    FIRST,
    HOUR,
    YEAR,
    doubt,
    full_page,
    line_of_two,
    make_document,
    make_entry,
    newly_watched,
    note_of,
    save,
    settle,
    take_out,
    taken_off,
    taken_out,
)

READS = (
    "progress",
    "known",
    "load",
    "unlinked",
    "due",
    "watched",
    "missing",
    "missing_counts",
    "doubts",
    "waiting",
    "notes_due",
)
REFERENCES = ("1001", "1002")


def trial(name: str) -> tuple[ChannelId, list[OrderKey]]:
    """Return the channel of one trial, and two orders of it."""
    channel = ChannelId("Trial", name)
    return channel, [OrderKey(channel, reference) for reference in REFERENCES]


class Trials:
    """What is done to an order store in one trial after another, each on a channel of its own."""

    def __init__(self, store: OrderStore) -> None:
        self.store = store

    async def saved(self, name: str) -> None:
        """Save two orders of two pieces each."""
        await save(self.store, *(make_order(key, {"MUG": 2}) for key in trial(name)[1]))

    async def held(self, name: str) -> None:
        """Save two orders that are reserved."""
        await self.saved(name)
        await settle(self.store, *trial(name)[1])

    async def waiting(self, name: str) -> None:
        """Save two orders and take a parcel out of the first."""
        await self.saved(name)
        await take_out(self.store, trial(name)[1][0], line_of_two("p"))

    async def queued(self, name: str) -> None:
        """Save two orders, the first with a parcel whose note is queued."""
        await self.waiting(name)
        await self.store.queue(trial(name)[1][0], "p")

    async def doubting(self, name: str) -> None:
        """Save the doubts of two orders that are not stored."""
        channel = trial(name)[0]
        await save_doubts(
            self.store,
            *(attrs.evolve(doubt(reference), order_key=OrderKey(channel, reference)) for reference in REFERENCES),
        )

    async def quarantined(self, name: str) -> None:
        """Save two orders that are watched, with a document of each in quarantine."""
        await self.saved(name)
        channel, keys = trial(name)
        documents = tuple(make_document(one.reference, channel=channel, reference=one.reference) for one in keys)
        page = PageWork(channel=channel, quarantined=documents, watches=newly_watched(*keys))
        assert await self.store.save_page(page, fence=Fence(channel, 1), at=NOON)

    async def personal(self, name: str) -> None:
        """Save two orders with their buyers and documents, and a document of each in quarantine."""
        channel, keys = trial(name)
        page = PageWork(
            channel=channel,
            new=tuple(make_order(key, buyer=Buyer(name="Grete Findewirth")) for key in keys),
            quarantined=tuple(make_document(one.reference, channel=channel, reference=one.reference) for one in keys),
            raw=dict.fromkeys(keys, b"Grete Findewirth"),
        )
        assert await self.store.save_page(page, fence=Fence(channel, 1), at=NOON)

    async def decided(self, name: str) -> None:
        """Decide twice about two orders that are not stored."""
        for page in (1, 2):
            await decide(self.store, *(refused(key, final=True, page=page) for key in trial(name)[1]))

    async def nothing(self, name: str) -> None:
        """Leave the channel of the trial as fresh as it is."""

    async def look(self, name: str) -> object:
        """Show all of a trial's channel, without its name."""
        channel, keys = trial(name)
        store = self.store
        orders = [(await store.load([key])).get(key) for key in keys]
        notes = [note for key in keys for note in await store.notes(key)]
        return (
            [order and (order.state, order.status, order.stock_revision, order.reserved_revision) for order in orders],
            [order and order.lines for order in orders],
            [(note.parcel_id, note.status, note.tries) for note in notes],
            await store.parcel(keys[0], "p") is not None,
            len(await store.decisions(channel)),
            [len(await store.decision_history(key)) for key in keys],
            [document.payload for document in await store.quarantined(channel)],
            [order and order.buyer for order in orders],
            list((await store.erased(keys)).values()),
            len(await store.doubts(channel, limit=9)),
            await store.progress(channel),
            [entry for key in keys for entry in await store.history(key)],
            [(one.key.reference, one.look_at) for one in await store.watched(channel, at=NOON + YEAR, limit=9)],
        )

    async def save_page(self, name: str) -> object:
        """Save a page with something of every kind."""
        channel, keys = trial(name)
        sale = attrs.evolve(doubt("1003"), order_key=OrderKey(channel, "1003"))
        page = full_page(
            *map(make_order, keys),
            channel=channel,
            decisions=tuple(map(make_decision, keys)),
            quarantined=(make_document("h1", channel=channel),),
            doubts=(sale,),
            watches=newly_watched(*keys),
        )
        return await self.store.save_page(page, fence=Fence(channel, 1), at=NOON)

    async def set_progress(self, name: str) -> None:
        """Set the channel's progress."""
        channel = trial(name)[0]
        await self.store.set_progress(channel, Progress(watermark=NOON, swept_at=NOON), fence=Fence(channel, 1))

    async def replace(self, name: str) -> object:
        """Cancel the first order."""
        order = await self.store.get(trial(name)[1][0])
        after = lifecycle.cancel(order, by=BY)
        return await self.store.replace(after, expect=order.revision, change=make_entry(after))

    async def reserved(self, name: str) -> None:
        """Note that both orders are held."""
        await self.store.reserved(dict.fromkeys(trial(name)[1], 1))

    async def record_parcel(self, name: str) -> object:
        """Take a parcel out of the first order."""
        order = await self.store.get(trial(name)[1][0])
        recorded, after, note = taken_out(order, Parcel(id="p"))
        entry = make_entry(after)
        return await self.store.record_parcel(recorded, after, note, expect=order.revision, change=entry)

    async def change_page(self, name: str) -> object:
        """Save a page that changes both orders, understands them, and takes them off the watch list."""
        channel, keys = trial(name)
        changed = []
        for key in keys:
            order = await self.store.get(key)
            after = lifecycle.advance(order, status="Edited", location="shop")
            changed.append(ChangedOrder(order=after, expect=order.revision, change=make_entry(after)))
        page = PageWork(channel=channel, changed=tuple(changed), understood=tuple(keys), watches=taken_off(*keys))
        return await self.store.save_page(page, fence=Fence(channel, 1), at=NOON + HOUR)

    async def hint(self, name: str) -> None:
        """Ask for a look at an order that nobody has heard of."""
        await self.store.hint(OrderKey(trial(name)[0], "hinted"), at=NOON)

    async def queue(self, name: str) -> None:
        """Queue the parcel's note."""
        await self.store.queue(trial(name)[1][0], "p")

    async def write_note(self, name: str) -> object:
        """Claim the parcel's note."""
        note = await note_of(self.store, trial(name)[1][0], "p")
        claimed = attrs.evolve(note, status=NoteStatus.CLAIMED, tries=1, claimed_at=NOON)
        return await self.store.write_note(claimed, expect=note)

    async def doubted(self, name: str) -> None:
        """Note that both doubts are known."""
        await self.store.doubted(await self.store.doubts(trial(name)[0], limit=9))

    async def rewant(self, name: str) -> None:
        """Make both orders due."""
        await self.store.rewant(trial(name)[1])

    async def rewant_all(self, _name: str) -> None:
        """Make both orders due."""
        await self.store.rewant_all()

    async def forget(self, name: str) -> object:
        """Forget all that was decided."""
        channel = trial(name)[0]
        return await self.store.forget(channel, before=NOON + HOUR, limit=9, fence=Fence(channel, 1))

    async def erase(self, name: str) -> None:
        """Erase both orders."""
        await self.store.erase(trial(name)[1], at=NOON)

    async def empty_quarantine(self, _name: str) -> object:
        """Empty the quarantine of every channel."""
        return await self.store.empty_quarantine(before=NOON + HOUR)

    async def fence(self, name: str) -> None:
        """Shut out the tokens below 5."""
        await self.store.fence(Fence(trial(name)[0], 5))

    async def look_at_fence(self, name: str) -> object:
        """Say whether token 4 is shut out."""
        channel = trial(name)[0]
        try:
            await self.store.progress(channel, fence=Fence(channel, 4))
        except LeaseLostError:
            return "shut out"
        return "let in"

    def cuts(self) -> Mapping[str, Cut]:
        """Return for each verb that writes how to try it."""
        trials = (
            (self.save_page, self.nothing),
            (self.set_progress, self.nothing),
            (self.change_page, self.quarantined),
            (self.replace, self.saved),
            (self.reserved, self.saved),
            (self.record_parcel, self.held),
            (self.queue, self.waiting),
            (self.write_note, self.queued),
            (self.doubted, self.doubting),
            (self.hint, self.nothing),
            (self.rewant, self.held),
            (self.rewant_all, self.held),
            (self.forget, self.decided),
            (self.erase, self.personal),
            (self.empty_quarantine, self.personal),
        )
        cuts = {verb.__name__: Cut(prepare=prepare, verb=verb, look=self.look) for verb, prepare in trials}
        return cuts | {"fence": Cut(prepare=self.nothing, verb=self.fence, look=self.look_at_fence)}


class OrderCancellationLaws(Contract[OrderStore]):
    """A verb whose caller is cancelled is wholly done or not done, and the store works on."""

    @law
    async def test_writing_verbs_are_done_or_not_done(self, store: OrderStore) -> None:
        """L9: every verb that writes may be cancelled anywhere."""
        for name, cut in Trials(store).cuts().items():
            await cut.check(name)

    @law
    async def test_reading_verbs_leave_the_store_usable(self, store: OrderStore) -> None:
        """L9: every verb that only reads may be cancelled anywhere, and the next one finds a working store."""
        calls, key = await furnish(store), make_key("queued")

        await reads_survive({name: functools.partial(calls[name], FIRST) for name in READS})
        await reads_survive(
            {
                "parcel": lambda: store.parcel(key, "p"),
                "notes": lambda: store.notes(key),
                "get": lambda: store.get(key),
                "find": lambda: store.find("queued"),
                "listed": lambda: store.listed(limit=99),
                "history": lambda: store.history(key),
                "decision": lambda: store.decision(key),
                "decisions": lambda: store.decisions(SHOP),
                "decisions_by_key": lambda: store.decisions_by_key(SHOP, limit=99),
                "decided": lambda: store.decided("skipped"),
                "decision_history": lambda: store.decision_history(key),
                "erased": lambda: store.erased([key]),
                "erasable": lambda: store.erasable(before=NOON + HOUR, limit=99),
                "quarantined": lambda: store.quarantined(SHOP),
                "note_counts": lambda: store.note_counts(SHOP),
            }
        )
        await save(store, make_order("1001"))
