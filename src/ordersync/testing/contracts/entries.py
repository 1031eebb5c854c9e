"""The contract of every journal: entries."""

from __future__ import annotations

from typing import Any

import attrs

from ...model.ids import OrderKey
from ...model.runs import ChannelLife, EntryKind, JournalEntry
from ...ports import Journal
from ..builders import NOON, SHOP
from .laws import Contract, law
from .steps import MARKET, MINUTE


def make_entry(number: int, **changes: object) -> JournalEntry:
    """Build one entry of the shop's journal, written *number* minutes after noon."""
    entry = JournalEntry(at=NOON + number * MINUTE, kind=EntryKind.WINDOW_READ, channel=SHOP, message=f"entry {number}")
    return attrs.evolve(entry, **changes)  # type: ignore[arg-type]


async def numbers(journal: Journal, **asked: Any) -> list[int]:  # noqa: ANN401 - arguments of ``entries``
    """Return the numbers of the entries that are found."""
    return [int(entry.message.split()[1]) for entry in await journal.entries(**asked)]


class EntryLaws(Contract[Journal]):
    """What is written is found again, by its time."""

    @law
    async def test_entry_comes_back_equal(self, journal: Journal) -> None:
        """Every field of an entry comes back as it was written, of a channel or of none, of an order or of none."""
        full = JournalEntry(
            at=NOON.replace(microsecond=1),
            kind=EntryKind.ERROR,
            run_id="run/1",
            channel=SHOP,
            order=OrderKey(SHOP, "Ø 1001"),
            code="channel-unavailable",
            message="Händler antwortet nicht ✓",
            facts={"page": "12", "Wort": "bezahlt"},
        )
        elsewhere = attrs.evolve(full, order=OrderKey(MARKET, "Ø 1001"))
        of_order = JournalEntry(at=NOON, kind=EntryKind.ERASED, order=OrderKey(MARKET, "1002"))
        bare = JournalEntry(at=NOON, kind=EntryKind.RUN_STARTED)
        await journal.write([bare, of_order, full, elsewhere])
        await journal.write([])

        assert list(await journal.entries()) == [elsewhere, full, of_order, bare]

    @law
    async def test_entries_are_newest_first_and_limited(self, journal: Journal) -> None:
        """Entries come newest first, no more than asked for."""
        await journal.write([make_entry(1), make_entry(2)])
        await journal.write([make_entry(3)])

        assert await numbers(journal) == [3, 2, 1]
        assert await numbers(journal, limit=2) == [3, 2]

    @law
    async def test_entries_may_come_oldest_first(self, journal: Journal) -> None:
        """Where that is asked for entries come oldest first, and a limit takes the oldest."""
        await journal.write([make_entry(1), make_entry(2), make_entry(3)])

        assert await numbers(journal, oldest_first=True) == [1, 2, 3]
        assert await numbers(journal, oldest_first=True, limit=2) == [1, 2]
        assert await numbers(journal, oldest_first=True, limit=1, since=NOON + 2 * MINUTE) == [2]

    @law
    async def test_time_goes_before_the_order_of_writing(self, journal: Journal) -> None:
        """Entries that were written late stand where their time is, of a channel, of an order and of all."""
        order = OrderKey(SHOP, "1001")
        await journal.write([make_entry(number, order=order) for number in (2, 3)])
        await journal.write([make_entry(1, order=order), make_entry(4, order=order)])

        for asked in ({}, {"channel": SHOP}, {"order": order}, {"run_id": ""}):
            assert await numbers(journal, **asked) == [4, 3, 2, 1]
            assert await numbers(journal, **asked, oldest_first=True) == [1, 2, 3, 4]
            assert await numbers(journal, **asked, limit=1) == [4]

    @law
    async def test_of_one_time_the_last_written_is_newest(self, journal: Journal) -> None:
        """Entries of one time stand in the order in which they were written, within one verb and from verb to verb."""
        await journal.write([make_entry(1, at=NOON), make_entry(2, at=NOON)])
        await journal.write([make_entry(3, at=NOON)])

        for asked in ({}, {"channel": SHOP}, {"run_id": ""}):
            assert await numbers(journal, **asked) == [3, 2, 1]
            assert await numbers(journal, **asked, oldest_first=True) == [1, 2, 3]
            assert await numbers(journal, **asked, oldest_first=True, limit=2) == [1, 2]

    @law
    async def test_entries_are_filtered(self, journal: Journal) -> None:
        """Only entries of the channel, run, kinds and times asked for come, all conditions together."""
        await journal.write(
            [
                make_entry(1, run_id="a"),
                make_entry(2, run_id="a", kind=EntryKind.ERROR),
                make_entry(3, run_id="b", kind=EntryKind.ERROR, channel=MARKET),
                make_entry(4, run_id="b", kind=EntryKind.CONFLICT),
                make_entry(5, run_id="b", channel=None),
            ]
        )

        assert await numbers(journal, channel=SHOP) == [4, 2, 1]
        assert await numbers(journal, run_id="b") == [5, 4, 3]
        assert await numbers(journal, kinds=[EntryKind.ERROR, EntryKind.CONFLICT]) == [4, 3, 2]
        assert await numbers(journal, kinds=[]) == []
        assert await numbers(journal, since=NOON + 2.5 * MINUTE) == [5, 4, 3]
        assert await numbers(journal, until=NOON + 2.5 * MINUTE) == [2, 1]
        assert await numbers(journal, since=NOON + 1.5 * MINUTE, until=NOON + 4.5 * MINUTE) == [4, 3, 2]
        assert await numbers(journal, channel=SHOP, kinds=[EntryKind.ERROR], run_id="a") == [2]
        assert await numbers(journal, channel=SHOP, limit=1) == [4]

    @law
    async def test_both_ends_of_a_time_belong_to_it(self, journal: Journal) -> None:
        """An entry of exactly the time from which, or until which, is asked comes with the others."""
        await journal.write([make_entry(number) for number in range(5)])

        since, until = NOON + MINUTE, NOON + 3 * MINUTE
        assert await numbers(journal, since=since, until=until) == [3, 2, 1]
        assert await numbers(journal, channel=SHOP, since=since, until=since) == [1]
        assert await numbers(journal, since=until, until=since) == []

    @law
    async def test_entries_of_an_order(self, journal: Journal) -> None:
        """What was written about an order is found by it: not what is about another of the same number."""
        mine, other, third = OrderKey(SHOP, "1001"), OrderKey(MARKET, "1001"), OrderKey(SHOP, "1002")
        await journal.write(
            [
                make_entry(1, order=mine, run_id="a"),
                make_entry(2, order=other),
                make_entry(3, order=mine, kind=EntryKind.ERROR),
                make_entry(4),
                make_entry(5, order=third, run_id="a"),
            ]
        )

        assert await numbers(journal, order=mine) == [3, 1]
        assert await numbers(journal, order=other) == [2]
        assert await numbers(journal, order=OrderKey(MARKET, "1002")) == []
        assert await numbers(journal, order=mine, channel=SHOP, run_id="a") == [1]
        assert await numbers(journal, order=mine, channel=MARKET) == []
        assert await numbers(journal, order=mine, kinds=[EntryKind.ERROR], since=NOON + 2 * MINUTE) == [3]
        assert await numbers(journal) == [5, 4, 3, 2, 1]

    @law
    async def test_what_was_returned_stays(self, journal: Journal) -> None:
        """What a verb returned does not change with later writes."""
        await journal.write([make_entry(1)])
        entries, life = await journal.entries(), await journal.life([SHOP])

        await journal.write([make_entry(2)])
        await journal.enable(SHOP, by="host", at=NOON)
        assert list(entries) == [make_entry(1)]
        assert life == {SHOP: ChannelLife(channel=SHOP)}
