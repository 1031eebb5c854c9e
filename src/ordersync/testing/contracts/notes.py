"""The laws of dispatch notes: where they stand, and who may move them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs

from ...model.dispatch import Note, NoteStatus, Parcel
from ...model.ids import OrderKey
from ...ports import OrderStore, ParcelAnswer
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law, paged
from .steps import FIRST, MARKET, MINUTE, is_due, line_of_two, move_note, note_of, save, settle, take_out, taken_out

KEY = make_key("1001")


class NoteLaws(Contract[OrderStore]):
    """How a parcel's dispatch note goes its way."""

    @law
    async def test_only_waiting_notes_are_queued(self, store: OrderStore) -> None:
        """A WAITING note becomes QUEUED and nothing else of it changes; one that has moved on is left alone."""
        await save(store, make_order(KEY, {"MUG": 2}))
        await take_out(store, KEY, line_of_two("p1"))
        waiting = await note_of(store, KEY, "p1")
        await store.queue(KEY, "p1")
        assert await note_of(store, KEY, "p1") == attrs.evolve(waiting, status=NoteStatus.QUEUED)

        for status in NoteStatus:
            if status is not NoteStatus.WAITING:
                moved = await move_note(store, KEY, "p1", status)
                await store.queue(KEY, "p1")
                assert await note_of(store, KEY, "p1") == moved

    @law
    async def test_note_becomes_what_it_is_ready_for(self, store: OrderStore) -> None:
        """A note that needs not be sent is, once its goods have moved, what it was recorded to become."""
        order = make_order(KEY, {"MUG": 2})
        await save(store, order)
        recorded, after, note = taken_out(order, line_of_two("p1"))
        ready = attrs.evolve(note, ready=NoteStatus.CONFIRMED)
        answer = await store.record_parcel(recorded, after, ready, expect=order.revision)
        assert answer is ParcelAnswer.RECORDED
        assert await note_of(store, KEY, "p1") == ready

        await store.queue(KEY, "p1")
        assert await note_of(store, KEY, "p1") == attrs.evolve(ready, status=NoteStatus.CONFIRMED)
        assert list(await store.notes_due(SHOP, at=NOON, limit=9)) == []
        assert list(await store.waiting(SHOP, limit=9)) == []

    @law
    async def test_queueing_settles_no_revision(self, store: OrderStore) -> None:
        """Rule 5: the order stays due for what it still holds when its parcel's note is queued."""
        await save(store, make_order(KEY, {"MUG": 2}))
        await settle(store, KEY)
        await take_out(store, KEY, line_of_two("p1"))
        recorded = await store.get(KEY)
        await store.queue(KEY, "p1")

        assert (await store.get(KEY)).reserved_revision == recorded.reserved_revision
        assert await is_due(store, KEY)

    @law
    async def test_unknown_note_is_passed_over(self, store: OrderStore) -> None:
        """Queueing what was never recorded does nothing."""
        await save(store, make_order(KEY))
        await store.queue(KEY, "p1")

        assert list(await store.notes(KEY)) == []

    @law
    async def test_notes_due_are_queued_or_to_be_looked_after(self, store: OrderStore) -> None:
        """To work on are QUEUED notes, and CLAIMED and SENT ones whose time to look has come."""
        looked_after = [NoteStatus.CLAIMED, NoteStatus.SENT]
        for status in NoteStatus:
            for when, look_at in (("past", NOON), ("future", NOON + MINUTE)):
                key = make_key(f"{status.value} {when}")
                await save(store, make_order(key))
                await take_out(store, key, Parcel())
                if status is NoteStatus.QUEUED:
                    await store.queue(key, "all")
                elif status is not NoteStatus.WAITING:
                    await move_note(store, key, "all", status, look_at=look_at)

        queued = {f"queued {when}" for when in ("past", "future")}
        at_noon = await store.notes_due(SHOP, at=NOON, limit=99)
        assert {note.note.order_key.reference for note in at_noon} == queued | {f"{s.value} past" for s in looked_after}
        later = await store.notes_due(SHOP, at=NOON + MINUTE, limit=99)
        assert {note.note.order_key.reference for note in later} == queued | {
            f"{status.value} {when}" for status in looked_after for when in ("past", "future")
        }

    @law
    async def test_notes_due_come_by_id(self, store: OrderStore) -> None:
        """Notes to work on come by id, from behind the last one, of one channel, no more than asked for."""
        for key in (make_key("2"), make_key("10"), make_key("1"), OrderKey(MARKET, "0")):
            await save(store, make_order(key))
            await take_out(store, key, Parcel())
            await store.queue(key, "all")

        ids = sorted(make_key(reference).dispatch_id("all") for reference in ("1", "2", "10"))

        async def due(last: Note | None) -> Sequence[Note]:
            after = None if last is None else last.note.id
            return await store.notes_due(SHOP, at=NOON, limit=2, after=after, fence=FIRST)

        assert [note.note.id for note in await paged(due, limit=2)] == ids

    @law
    async def test_notes_of_an_order_are_oldest_first(self, store: OrderStore) -> None:
        """All notes of an order come in the order in which their parcels were recorded, wherever they stand."""
        await save(store, make_order(KEY, {"MUG": 3}))
        for parcel_id in ("z", "b", "a"):
            await take_out(store, KEY, line_of_two(parcel_id))
            await store.queue(KEY, parcel_id)
        await move_note(store, KEY, "b", NoteStatus.CONFIRMED)

        assert [note.parcel_id for note in await store.notes(KEY)] == ["z", "b", "a"]

    @law
    async def test_one_of_two_claimers_wins(self, store: OrderStore) -> None:
        """Of two that claim the same note at once one is told that it did and the other that it did not."""
        await save(store, make_order(KEY))
        await take_out(store, KEY, Parcel())
        await store.queue(KEY, "all")
        queued = await note_of(store, KEY, "all")
        claims = [
            attrs.evolve(queued, status=NoteStatus.CLAIMED, tries=1, claimed_at=NOON + seconds * MINUTE)
            for seconds in (1, 2)
        ]

        answers = await asyncio.gather(*(store.write_note(claim, expect=queued) for claim in claims))
        assert sorted(answers) == [False, True]
        assert await note_of(store, KEY, "all") == claims[answers.index(True)]

    @law
    async def test_note_comes_back_equal(self, store: OrderStore) -> None:
        """Every field of a note comes back as it was written."""
        await save(store, make_order(KEY, channel_order_id="7000"))
        await take_out(store, KEY, Parcel(id="p1", carrier="DHL", tracking_number="JD01", tracking_url="https://x"))
        before = await note_of(store, KEY, "p1")
        after = attrs.evolve(
            before,
            note=attrs.evolve(before.note, carrier="GLS", tracking_number="Ü-2", tracking_url=None),
            status=NoteStatus.UNKNOWN,
            tries=3,
            claimed_at=NOON.replace(microsecond=1),
            first_tried_at=NOON.replace(microsecond=2),
            look_at=NOON.replace(microsecond=3),
            message="„Time-out“ ✓",
            ready=NoteStatus.CONFIRMED,
        )
        assert await store.write_note(after, expect=before)

        assert await note_of(store, KEY, "p1") == after

    @law
    async def test_stale_note_is_not_written(self, store: OrderStore) -> None:
        """A note whose status, tries, claim time or tracking number has changed since is not written over."""
        await save(store, make_order(KEY))
        await take_out(store, KEY, Parcel(tracking_number="JD01"))
        stored = await move_note(store, KEY, "all", NoteStatus.QUEUED)

        for stale in (
            attrs.evolve(stored, status=NoteStatus.CLAIMED),
            attrs.evolve(stored, tries=1),
            attrs.evolve(stored, claimed_at=NOON),
            attrs.evolve(stored, note=attrs.evolve(stored.note, tracking_number="JD02")),
            attrs.evolve(stored, note=attrs.evolve(stored.note, tracking_number=None)),
        ):
            new = attrs.evolve(stale, status=NoteStatus.SENT)
            assert await store.write_note(new, expect=stale) is False
        assert await note_of(store, KEY, "all") == stored

    @law
    async def test_look_and_message_make_no_note_stale(self, store: OrderStore) -> None:
        """A note is still the one that was read when only its message or the time to look was noted since."""
        await save(store, make_order(KEY))
        await take_out(store, KEY, Parcel())
        read = await move_note(store, KEY, "all", NoteStatus.QUEUED)
        noted = attrs.evolve(read, message="no tracking number", look_at=NOON)
        assert await store.write_note(noted, expect=read)

        claimed = attrs.evolve(noted, status=NoteStatus.CLAIMED, tries=1, claimed_at=NOON)
        assert await store.write_note(claimed, expect=read)
        assert await note_of(store, KEY, "all") == claimed

    @law
    async def test_note_never_recorded_is_not_written(self, store: OrderStore) -> None:
        """A note that does not exist cannot be replaced."""
        await save(store, make_order(KEY), make_order("1002"))
        await take_out(store, KEY, Parcel())
        note = await note_of(store, KEY, "all")

        other = attrs.evolve(note, parcel_id="p9", note=attrs.evolve(note.note, id=KEY.dispatch_id("p9")))
        assert await store.write_note(other, expect=other) is False
        assert list(await store.notes(KEY)) == [note]

    @law
    async def test_notes_are_counted(self, store: OrderStore) -> None:
        """How many notes of a channel stand where is known."""
        for key in (make_key("1"), make_key("2"), make_key("3"), OrderKey(MARKET, "4")):
            await save(store, make_order(key))
            await take_out(store, key, Parcel())
        await move_note(store, make_key("2"), "all", NoteStatus.SENT)

        counts = await store.note_counts(SHOP)
        assert {status: number for status, number in counts.items() if number} == {
            NoteStatus.WAITING: 2,
            NoteStatus.SENT: 1,
        }
