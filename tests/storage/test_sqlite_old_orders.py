"""Orders that were written before orders had histories, reasons and named conflicts read right today."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ordersync import OrderDesk
from ordersync.model.dispatch import NoteStatus, Parcel, ParcelRecord
from ordersync.model.fields import EARLIEST
from ordersync.model.orders import CHANNEL, Conflict, ConflictCode, OrderState, Reason
from ordersync.model.pages import Watch
from ordersync.model.runs import Progress
from ordersync.model.stock import Claim, Deduction
from ordersync.storage import codec
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.migrating import MIGRATIONS, migrate
from ordersync.testing.builders import NOON, SHOP, make_key
from ordersync.testing.contracts.steps import FIRST, HOUR, everything

MOMENT = codec.micros(NOON)
CONFLICTS = {
    "cancelled after": "cancelled on the channel after goods were processed here",
    "edited after": "edited on the channel after it was processed here",
    "elsewhere": "shipped on the channel by other hands while open here",
}
GONE: dict[str, object] = {"fulfillment": "cancelled", "wanted": "[]"}
ORDERS: dict[str, dict[str, object]] = {
    "cancelled after": GONE | {"state": "cancelled", "conflict": CONFLICTS["cancelled after"]},
    "edited after": {"state": "processed", "wanted": "[]", "conflict": CONFLICTS["edited after"]},
    "elsewhere": {"state": "open", "fulfillment": "shipped", "conflict": CONFLICTS["elsewhere"]},
    "by the channel": {"state": "open", "fulfilled_by_channel": 1, "wanted": "[]"},
    "cancelled there": GONE | {"state": "cancelled"},
    "cancelled here": {"state": "cancelled", "wanted": "[]"},
    "deleted": {"state": "deleted", "wanted": "[]"},
    "held": {"state": "open", "wanted": "[]", "held": f'{{"who":"Ada","why":"calls back","at":{MOMENT}}}'},
    "plain": {"state": "new", "reserved_revision": 0},
}
NOTES = ("waiting", "queued", "claimed", "sent", "confirmed", "rejected", "unknown", "gave-up")


def insert(db: sqlite3.Connection, table: str, **fields: object) -> None:
    """Insert one row."""
    places = ", ".join("?" * len(fields))
    db.execute(f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({places})", tuple(fields.values()))  # noqa: S608


def insert_order(db: sqlite3.Connection, number: int, reference: str, **changes: object) -> None:
    """Insert an order of two MUGs as the first schema kept it, with its decision."""
    fields: dict[str, object] = {
        "state": "open",
        "revision": 2,
        "stock_revision": 1,
        "reserved_revision": 1,
        "channel_revision": 0,
        "links_revision": 0,
        "unlinked": 0,
        "wanted": '[["MUG","main",2]]',
        "sold": '[["MUG",null,2]]',
        "placed_at": MOMENT,
        "updated_at": MOMENT,
        "status": "Paid",
        "payment": "paid",
        "fulfillment": "unshipped",
        "fulfilled_by_channel": 0,
        "location": "main",
        "currency": "EUR",
    }
    insert(db, "order_keys", id=number, channel_id=1, reference=reference)
    insert(db, "orders", id=number, channel_id=1, reference=reference, **(fields | changes))
    line = {"line_id": "1", "channel_sku": "MUG", "title": "Mug", "components": '{"MUG":1}'}
    counts = {"quantity": 2, "cancelled": 0, "shipped": 0, "processed": 0}
    insert(db, "order_lines", order_id=number, position=0, **line, **counts)
    insert(db, "order_names", name=reference, order_id=number)
    decision = {"admitted": 1, "code": "ADMITTED", "sentence": "", "outcome": "new", "digest": b"d", "status": "Paid"}
    told = {"mapping_version": "", "run_id": "r", "page": 0, "final": 0, "first_seen_at": MOMENT}
    insert(db, "decisions", order_id=number, **decision, **told)
    insert(db, "last_seen", order_id=number, at=MOMENT)


def insert_parcel(db: sqlite3.Connection, number: int, order: int, status: str) -> None:
    """Insert a parcel of one MUG, and its note, as the first schema kept them."""
    told = {"lines": '{"1":1}', "at": MOMENT, "asked": codec.parcel(Parcel(id=status, lines={"1": 1}))}
    claim = {"deduction_id": f"d/{status}", "taken": '[["MUG","main",1]]', "claim_revision": 2, "claim_wanted": "[]"}
    insert(db, "parcels", id=number, order_id=order, parcel=status, **told, **claim)
    note = {"note": f"n/{status}", "status": status, "tries": 1, "lines": '{"1":1}', "dispatched_at": MOMENT}
    insert(db, "notes", id=number, order_id=order, channel_id=1, **note)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database of the first schema, filled with all that has changed since."""
    path = tmp_path / "shop.db"
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db, MIGRATIONS[:1])
    insert(db, "channels", id=1, source=SHOP.source, subsource=SHOP.subsource)
    for number, (reference, changes) in enumerate(ORDERS.items(), start=1):
        insert_order(db, number, reference, **changes)
    insert_order(db, 99, "dispatched", state="processed")
    for number, status in enumerate(NOTES, start=1):
        insert_parcel(db, number, 99, status)
    insert(db, "progress", channel_id=1, watermark=MOMENT, swept_at=MOMENT, interrupted=1)
    db.close()
    return path


async def test_conflicts_have_codes(path: Path) -> None:
    """Each old sentence has its code by now, keeps its words, and dates from the order's last change."""
    codes = {
        "cancelled after": ConflictCode.CANCELLED_AFTER_PROCESSING,
        "edited after": ConflictCode.EDITED_AFTER_PROCESSING,
        "elsewhere": ConflictCode.SHIPPED_ELSEWHERE,
    }
    async with SQLiteStorage(path) as storage:
        listed = await OrderDesk(storage).conflicts()
        known = await storage.orders.known(SHOP, [*codes, "plain"])

    assert {order.key.reference: order.conflict for order in listed} == {
        reference: Conflict(code=code, sentence=CONFLICTS[reference], at=NOON) for reference, code in codes.items()
    }
    assert {reference: one.conflict for reference, one in known.items()} == {**codes, "plain": None}


async def test_who_ended_an_order_is_told_where_it_is_known(path: Path) -> None:
    """An order that its channel shows as cancelled was cancelled by the channel; of others nobody knows who it was."""
    async with SQLiteStorage(path) as storage:
        ended = {reference: (await storage.orders.get(make_key(reference))).ended for reference in ORDERS}

    by_channel = Reason(who=CHANNEL, why="", at=NOON)
    assert ended == dict.fromkeys(ORDERS) | {"cancelled after": by_channel, "cancelled there": by_channel}


async def test_orders_read_as_they_were(path: Path) -> None:
    """States, locks, wishes and revisions are what they were; what the channel fulfils reserves nothing."""
    async with SQLiteStorage(path) as storage:
        orders = {reference: await storage.orders.get(make_key(reference)) for reference in ORDERS}
        await everything(storage.orders, *ORDERS)
        deleted = await OrderDesk(storage).deleted()

    assert {reference: order.state.value for reference, order in orders.items()} == {
        reference: fields["state"] for reference, fields in ORDERS.items()
    }
    assert [reference for reference, order in orders.items() if not order.reserves] == ["by the channel"]
    assert orders["held"].held == Reason(who="Ada", why="calls back", at=NOON)
    assert {(order.revision, order.stock_revision, order.set_aside, order.reviewed) for order in orders.values()} == {
        (2, 1, None, None)
    }
    assert orders["plain"].wanted == {("MUG", "main"): 2}
    assert orders["by the channel"].wanted == {}
    assert [order.key.reference for order in deleted] == ["deleted"]


async def test_notes_and_progress_read_as_they_were(path: Path) -> None:
    """A note that waits becomes QUEUED once its goods have moved; the others stand where they stood."""
    key = make_key("dispatched")
    async with SQLiteStorage(path) as storage:
        assert [note.status.value for note in await storage.orders.notes(key)] == list(NOTES)
        assert {note.ready for note in await storage.orders.notes(key)} == {NoteStatus.QUEUED}
        (waiting,) = await storage.orders.waiting(SHOP, limit=9)
        await storage.orders.queue(key, waiting.id)
        (first, *others) = await storage.orders.notes(key)
        progress = await storage.orders.progress(SHOP)

    assert waiting == ParcelRecord(
        order_key=key,
        asked=Parcel(id="waiting", lines={"1": 1}),
        lines={"1": 1},
        deduction=Deduction(
            id="d/waiting", taken={("MUG", "main"): 1}, claim=Claim(order_key=key, revision=2, wanted={})
        ),
        at=NOON,
    )
    assert first.status is NoteStatus.QUEUED
    assert [note.status.value for note in others] == list(NOTES[1:])
    assert progress == Progress(watermark=NOON, swept_at=NOON, interrupted=True)


async def test_old_orders_go_on(path: Path) -> None:
    """Old orders are looked for, watched, resumed and restored like new ones, and have a history from then on."""
    async with SQLiteStorage(path) as storage:
        desk = OrderDesk(storage)
        assert await storage.orders.missing_counts(SHOP, before=NOON + HOUR) == (3, 3)
        missing = await storage.orders.missing(SHOP, before=NOON + HOUR, limit=9)
        assert [order.key.reference for order in missing] == ["by the channel", "held", "plain"]

        await storage.orders.hint(make_key("plain"), at=NOON)
        assert list(await storage.orders.watched(SHOP, at=NOON, limit=9, fence=FIRST)) == [
            Watch(key=make_key("plain"), since=NOON, look_at=NOON)
        ]
        assert (await desk.resume(make_key("held"), who="Ada")).wanted == {("MUG", "main"): 2}
        assert (await desk.restore(make_key("deleted"), who="Ada")).state is OrderState.OPEN
        for reference, told in (("held", ["resumed"]), ("deleted", ["restored"]), ("plain", [])):
            history = await storage.orders.history(make_key(reference))
            assert [entry.event for entry in history] == told
            assert all(entry.at > EARLIEST for entry in history)
