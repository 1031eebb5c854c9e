"""What has to happen to a fresh order store before a law can say something about it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import attrs

from ... import lifecycle, parcels
from ...model.dispatch import Note, NoteStatus, Parcel, ParcelRecord
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order, OrderChange, Reason
from ...model.pages import PageWork, Quarantined, Watch, WatchChange
from ...model.runs import Progress
from ...model.stock import Sale
from ...ports import OrderStore, ParcelAnswer
from ..builders import NOON, SHOP, make_decision, make_key, make_sale

MARKET = ChannelId("Market", "two")
"""Another channel than ``SHOP``."""

FIRST = Fence(SHOP, 1)
"""The lease under which runs work unless a law is about leases."""

BY = Reason(who="Ada", why="asked by the buyer", at=NOON)
"""Who does what people do to an order."""

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)


async def save(store: OrderStore, *orders: Order, at: datetime = NOON) -> None:
    """Save orders of one channel as one page brings them, each with its decision."""
    channel = orders[0].key.channel
    work = PageWork(channel=channel, new=orders, decisions=tuple(make_decision(order) for order in orders))
    assert await store.save_page(work, fence=Fence(channel, 1), at=at)


async def change(store: OrderStore, key: OrderKey, **changes: object) -> Order:
    """Change a stored order as a person would."""
    order = await store.get(key)
    changed = lifecycle.advance(order, **changes)  # type: ignore[arg-type]
    assert await store.replace(changed, expect=order.revision)
    return changed


async def settle(store: OrderStore, *keys: OrderKey) -> None:
    """Note that the ledger holds what these orders want."""
    await store.reserved({key: (await store.get(key)).stock_revision for key in keys})


async def is_due(store: OrderStore, key: OrderKey) -> bool:
    """Say whether the ledger is not known to hold what an order wants."""
    return bool(await store.due(key.channel, limit=10, key=key))


async def attempt_parcel(store: OrderStore, key: OrderKey, parcel: Parcel, *, at: datetime = NOON) -> ParcelAnswer:
    """Take a parcel out of a stored order; return what became of it."""
    order = await store.get(key)
    return await store.record_parcel(*taken_out(order, parcel, at=at), expect=order.revision)


def taken_out(order: Order, parcel: Parcel, *, at: datetime = NOON) -> tuple[ParcelRecord, Order, Note]:
    """Work out a parcel; return what there is to record."""
    after, record, note = parcels.process(order, parcel, at=at)
    return record, after, note


async def take_out(store: OrderStore, key: OrderKey, parcel: Parcel, *, at: datetime = NOON) -> ParcelRecord:
    """Take a parcel out of a stored order, as people do; it must be recorded."""
    assert await attempt_parcel(store, key, parcel, at=at) is ParcelAnswer.RECORDED
    found = await store.parcel(key, parcel.id)
    assert found is not None
    return found


async def note_of(store: OrderStore, key: OrderKey, parcel_id: str) -> Note:
    """Return the note of one parcel."""
    (found,) = [note for note in await store.notes(key) if note.parcel_id == parcel_id]
    return found


async def move_note(
    store: OrderStore, key: OrderKey, parcel_id: str, status: NoteStatus, *, look_at: datetime | None = None
) -> Note:
    """Bring a note where a law wants it; return it."""
    await store.queue(key, parcel_id)
    note = await note_of(store, key, parcel_id)
    moved = attrs.evolve(note, status=status, look_at=look_at)
    assert await store.write_note(moved, expect=note)
    return moved


def line_of_two(parcel_id: str, **changes: object) -> Parcel:
    """Build a parcel with one piece of an order's first line."""
    return Parcel(id=parcel_id, lines={"1": 1}, **changes)  # type: ignore[arg-type]


def make_document(
    payload_hash: str, *, channel: ChannelId = SHOP, at: datetime = NOON, reference: str | None = "1001"
) -> Quarantined:
    """Build a document that was not understood."""
    return Quarantined(
        channel=channel,
        payload_hash=payload_hash,
        code="UNREADABLE",
        error="ChannelOrder.lines: an order needs at least one line",
        at=at,
        reference=reference,
        payload=b"\x00\xff not text",
    )


def make_watch(key: OrderKey | str, *, look_at: datetime = NOON + HOUR) -> Watch:
    """Build a watch that began at noon."""
    return Watch(key=make_key(key), since=NOON, look_at=look_at)


def newly_watched(*keys: OrderKey) -> tuple[WatchChange, ...]:
    """Build what puts orders on the watch list."""
    return tuple(WatchChange(key=key, before=None, after=make_watch(key)) for key in keys)


def taken_off(*keys: OrderKey) -> tuple[WatchChange, ...]:
    """Build what takes orders off the watch list that are on it by ``newly_watched``."""
    return tuple(WatchChange(key=key, before=make_watch(key), after=None) for key in keys)


async def set_watches(store: OrderStore, *watches: Watch, off: Collection[OrderKey] = ()) -> None:
    """Put orders of one channel on the watch list, and others off it, as a page does."""
    (channel,) = {key.channel for key in (*off, *(watch.key for watch in watches))}
    listed = {watch.key: watch for watch in await store.watched(channel, at=NOON + YEAR, limit=99)}
    wanted = {**{watch.key: watch for watch in watches}, **dict.fromkeys(off)}
    changes = tuple(WatchChange(key=key, before=listed.get(key), after=after) for key, after in wanted.items())
    page = PageWork(channel=channel, watches=changes)
    assert await store.save_page(page, fence=Fence(channel, 1), at=NOON)


def make_entry(order: Order, **changes: object) -> OrderChange:
    """Build the line of an order's history for what it became."""
    fields: dict[str, object] = {"revision": order.revision, "event": "moved", "who": BY.who, "why": BY.why, "at": NOON}
    return OrderChange(**(fields | changes))  # type: ignore[arg-type]


def full_page(*orders: Order, skipped: str = "skipped", **changes: object) -> PageWork:
    """Build a page that writes something of every kind."""
    skip = make_decision(make_key(skipped), admitted=False, code="NOT_PAID", sentence="It is not paid.")
    fields: dict[str, object] = {
        "channel": SHOP,
        "new": orders,
        "decisions": (*(make_decision(order) for order in orders), skip),
        "quarantined": (make_document("hash of " + skipped),),
        "doubts": (doubt(skipped),),
        "watches": newly_watched(make_key(skipped)),
        "raw": {order.key: b'{"buyer": "Grete Findewirth"}' for order in orders},
        "progress": Progress(watermark=NOON + MINUTE),
    }
    return PageWork(**(fields | changes))  # type: ignore[arg-type]


def doubt(reference: str, *, revision: int = 1) -> Sale:
    """Build the sale of an order that was never stored."""
    return make_sale(reference, {"MUG": 1}, revision=revision, channel_revision=revision)


async def everything(store: OrderStore, *references: str, channel: ChannelId = SHOP) -> object:
    """Return all that an order store shows of a channel and of these orders."""
    keys = [OrderKey(channel, reference) for reference in references]
    loaded = await store.load(keys)
    return (
        [(loaded.get(key), await store.decision(key), await store.notes(key)) for key in keys],
        [await store.history(key) for key in keys],
        [await store.decision_history(key) for key in keys],
        await store.erased(keys),
        await store.progress(channel),
        await store.known(channel, references),
        list(await store.decisions(channel)),
        list(await store.quarantined(channel)),
        list(await store.doubts(channel, limit=100)),
        list(await store.due(channel, limit=100)),
        list(await store.waiting(channel, limit=100)),
        list(await store.watched(channel, at=NOON + YEAR, limit=100)),
    )
