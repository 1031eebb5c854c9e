"""The laws of the watch list: which orders are to be looked up on their channel, and when."""

from __future__ import annotations

from datetime import datetime

from ...model.ids import OrderKey
from ...model.pages import PageWork, Watch, WatchChange
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law
from .steps import (
    FIRST,
    HOUR,
    MARKET,
    MINUTE,
    YEAR,
    everything,
    full_page,
    make_watch,
    newly_watched,
    save,
    set_watches,
    taken_off,
)

KEY = make_key("1001")
MOMENT = NOON.replace(microsecond=1)


async def watches(store: OrderStore, *, at: datetime = NOON + YEAR, limit: int = 99) -> list[Watch]:
    """Return the channel's watches that are due by then, the longest overdue first."""
    return list(await store.watched(SHOP, at=at, limit=limit, fence=FIRST))


class WatchLaws(Contract[OrderStore]):
    """How orders come on the watch list and off it, and when they are due."""

    @law
    async def test_watch_comes_back_equal(self, store: OrderStore) -> None:
        """A page puts any order on the watch list, stored or not, with its times to the microsecond."""
        await save(store, make_order(KEY))
        watched = [Watch(key=make_key(name), since=MOMENT, look_at=NOON + MINUTE) for name in ("1001", "№ 7 ✓")]
        await set_watches(store, *watched)

        assert await watches(store) == watched

    @law
    async def test_look_is_due_from_its_moment_on(self, store: OrderStore) -> None:
        """A watched order is due at the very moment of its look, and not a microsecond before."""
        await set_watches(store, make_watch(KEY, look_at=MOMENT))

        assert await watches(store, at=NOON) == []
        assert await watches(store, at=MOMENT) == [make_watch(KEY, look_at=MOMENT)]

    @law
    async def test_watch_is_renewed(self, store: OrderStore) -> None:
        """A later page replaces a watch, to a sooner look as to a later one."""
        await set_watches(store, make_watch(KEY))
        for look_at in (NOON + 2 * HOUR, NOON + MINUTE):
            renewed = Watch(key=KEY, since=MOMENT, look_at=look_at)
            await set_watches(store, renewed)
            assert await watches(store) == [renewed]

    @law
    async def test_change_of_another_watch_is_left_out(self, store: OrderStore) -> None:
        """Whoever read the list before a hint came changes nothing of that order's place on it, only of others'."""
        await set_watches(store, make_watch(KEY), make_watch("1002"))
        await store.hint(KEY, at=NOON)
        (hinted,) = await watches(store, at=NOON)

        other = make_watch("1002", look_at=NOON + 2 * HOUR)
        changes = (
            *taken_off(KEY),
            *newly_watched(KEY),
            WatchChange(key=other.key, before=make_watch("1002"), after=other),
        )
        for change in changes:
            page = PageWork(channel=SHOP, watches=(change,))
            assert await store.save_page(page, fence=FIRST, at=NOON) is True

        assert await watches(store) == [hinted, other]

    @law
    async def test_order_is_taken_off(self, store: OrderStore) -> None:
        """A page takes an order off the watch list, and never minds one that is not on it."""
        other = make_watch("1002")
        await set_watches(store, make_watch(KEY), other)
        for _ in range(2):
            await set_watches(store, off=[KEY, make_key("never seen")])
            assert await watches(store) == [other]

    @law
    async def test_page_leaves_other_watches(self, store: OrderStore) -> None:
        """An order that a page brings and says nothing of its watch stays as it was on the list."""
        await set_watches(store, make_watch(KEY))
        await save(store, make_order(KEY), make_order("1002"))

        assert await watches(store) == [make_watch(KEY)]

    @law
    async def test_stale_page_watches_nothing(self, store: OrderStore) -> None:
        """L3: a page that is not written puts no order on the watch list, and takes none off."""
        await save(store, make_order(KEY))
        await set_watches(store, make_watch(KEY))

        page = full_page(make_order(KEY), watches=(*taken_off(KEY), *newly_watched(make_key("1002"))))
        assert await store.save_page(page, fence=FIRST, at=NOON) is False
        assert await watches(store) == [make_watch(KEY)]

    @law
    async def test_longest_overdue_comes_first(self, store: OrderStore) -> None:
        """Due looks come the longest overdue first, no more than asked for, and of one channel."""
        looks = {"b": 3, "a": 2, "d": 1, "c": 4}
        await set_watches(store, *(make_watch(name, look_at=NOON + hours * HOUR) for name, hours in looks.items()))
        await set_watches(store, make_watch(OrderKey(MARKET, "theirs"), look_at=NOON))

        assert [watch.key.reference for watch in await watches(store)] == ["d", "a", "b", "c"]
        assert [watch.key.reference for watch in await watches(store, limit=2)] == ["d", "a"]
        assert [watch.key.reference for watch in await watches(store, at=NOON + 3 * HOUR)] == ["d", "a", "b"]

    @law
    async def test_known_tells_that_it_is_watched(self, store: OrderStore) -> None:
        """Of an order that was decided about its place on the watch list is known, if it has one."""
        await save(store, make_order(KEY), make_order("1002"))
        await set_watches(store, Watch(key=KEY, since=MOMENT, look_at=NOON + HOUR))
        known = await store.known(SHOP, ["1001", "1002"])
        watch = Watch(key=KEY, since=MOMENT, look_at=NOON + HOUR)
        assert [known[reference].watch for reference in ("1001", "1002")] == [watch, None]
        assert [await store.watch(make_key(reference)) for reference in ("1001", "1002")] == [watch, None]

        await set_watches(store, off=[KEY])
        assert (await store.known(SHOP, ["1001"]))["1001"].watch is None

    @law
    async def test_hint_of_an_order_never_seen(self, store: OrderStore) -> None:
        """A hint puts also an order on the list that nobody has heard of; nothing else is known of it by that."""
        await store.hint(KEY, at=MOMENT)

        assert await watches(store) == [Watch(key=KEY, since=MOMENT, look_at=MOMENT)]
        assert await store.watch(KEY) == Watch(key=KEY, since=MOMENT, look_at=MOMENT)
        assert await store.watch(OrderKey(MARKET, "1001")) is None
        assert await store.known(SHOP, ["1001"]) == {}
        assert await store.load([KEY]) == {}
        assert await store.decision(KEY) is None

    @law
    async def test_hint_changes_no_order(self, store: OrderStore) -> None:
        """A hint of a stored order leaves all but the watch list as it was."""
        await save(store, make_order(KEY))
        await store.hint(KEY, at=NOON)
        await set_watches(store, off=[KEY])
        before = await everything(store, "1001")

        await store.hint(KEY, at=NOON + HOUR)
        await set_watches(store, off=[KEY])
        assert await everything(store, "1001") == before

    @law
    async def test_hint_makes_a_look_sooner_and_never_later(self, store: OrderStore) -> None:
        """A hint brings a look forward and puts none off, and since when the order is watched stays."""
        await set_watches(store, make_watch(KEY, look_at=NOON + 2 * HOUR))
        for hours, expected in ((3, 2), (1, 1), (2, 1)):
            await store.hint(KEY, at=NOON + hours * HOUR)
            assert await watches(store) == [make_watch(KEY, look_at=NOON + expected * HOUR)]

    @law
    async def test_hinted_order_is_saved(self, store: OrderStore) -> None:
        """An order that came by a hint before its channel showed it is saved like any other."""
        await store.hint(KEY, at=NOON)
        (hinted,) = await watches(store)
        order = make_order(KEY)
        page = PageWork(channel=SHOP, new=(order,), watches=(WatchChange(key=KEY, before=hinted, after=None),))

        assert await store.save_page(page, fence=FIRST, at=NOON) is True
        assert await store.get(KEY) == order
        assert await watches(store) == []
