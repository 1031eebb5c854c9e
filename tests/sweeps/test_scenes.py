"""The sweeps sweep something: undisturbed, the scenes let a run and a desk do all they can, and all goes well."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature

from ordersync import OrderState
from ordersync.model.dispatch import NoteStatus
from ordersync.ports import Journal, ListingBook, OrderStore, StockLedger
from sweeps.lines import Moment
from sweeps.new_life import hinting, lives_at_rest, strange_day
from sweeps.scenes import SCENES, at_the_desk, busy_day
from sweeps.sweeping import running, undisturbed
from sweeps.twins import MemoryWorlds
from sweeps.verbs import DESK_VERBS, at_a_desk, purge
from sweeps.world import MARKET, SHOP, of_market, of_shop

READING = frozenset(
    {
        *("find", "decision", "decisions", "decided", "decision_history", "quarantined", "history", "kits"),
        *("erased", "channels", "watch"),
    }
)
"""Verbs that only show something to people."""

HOSTS = frozenset({"link", "unlink", "define_kit", "disable", "rewant", "rewant_all"})
"""Verbs by which hosts set things up; no run and no desk calls them in these scenes."""

FEEDLESS = frozenset({"mark_channel"})
"""What a run calls only over a ledger that keeps no list of changes."""


def verbs_of(*ports: type) -> set[str]:
    """Return the verbs that an implementation of these ports must have."""
    return {name for port in ports for name in dir(port) if getattr(getattr(port, name), "__isabstractmethod__", False)}


def called(moments: Iterable[Moment]) -> set[str]:
    """Return the verbs that are called at these moments."""
    return {moment.verb for moment in moments}


async def test_scenes_call_for_every_verb() -> None:
    """Between them, the runs and the verbs of the desk that are swept call every verb that runs and desks have."""
    verbs: set[str] = set()
    for scene in (*SCENES.values(), strange_day):
        verbs |= called((await undisturbed(await MemoryWorlds.after(scene), running)).moments)
    verbs |= called((await undisturbed(await MemoryWorlds.after(strange_day), hinting)).moments)
    worlds = await MemoryWorlds.after(at_the_desk)
    for verb in DESK_VERBS.values():
        verbs |= called((await undisturbed(worlds, at_a_desk(verb))).moments)
    verbs |= called((await undisturbed(await MemoryWorlds.after(lives_at_rest), at_a_desk(purge))).moments)

    missing = verbs_of(OrderStore, StockLedger, ListingBook, Journal) - READING - HOSTS - FEEDLESS - verbs
    assert missing == set()
    assert verbs >= {"fetch_orders", "fetch_order", "fetch_listings", "push_stock", "send_dispatch"}


def takes_fence(moment: Moment) -> bool:
    """Say whether a verb can be told on whose behalf it is called."""
    ports: dict[str, type] = {"orders": OrderStore, "listings": ListingBook}
    port = ports.get(moment.place)
    return port is not None and "fence" in signature(getattr(port, moment.verb)).parameters


async def test_runs_show_their_fences() -> None:
    """L11: a run passes its fence to every verb that takes one, reading ones included; a desk has none to pass."""
    for scene in (*SCENES.values(), strange_day):
        moments = (await undisturbed(await MemoryWorlds.after(scene), running)).moments
        assert {one.verb for one in moments if takes_fence(one) and one.fence is None} == set()
    worlds = await MemoryWorlds.after(at_the_desk)
    for verb in DESK_VERBS.values():
        moments = (await undisturbed(worlds, at_a_desk(verb))).moments
        assert {one.verb for one in moments if one.fence is not None} == set()


async def test_busy_day_ends_as_it_should() -> None:
    """The end that others are compared with is the right one, as far as it can be told in a few words."""
    end = (await undisturbed(await MemoryWorlds.after(busy_day), running)).end

    opened = [of_shop(one) for one in ("1001", "1002", "1004", "1006", "1008")]
    opened += [of_market(one) for one in ("2002", "2004", "2005", "2008")]
    assert {end[key, "state"] for key in opened} == {OrderState.OPEN}
    assert {end[of_market(one), "state"] for one in ("2003", "2007")} == {OrderState.CANCELLED}
    assert {end[of_shop(one), "decision", "code"] for one in ("1003", "1007")} == {"CANCELLED_ON_CHANNEL"}
    confirmed = [
        (of_shop("1005"), "all"),
        (of_shop("1006"), "half"),
        (of_market("2001"), "p1"),
        (of_market("2001"), "p2"),
    ]
    assert {end[*note, "status"] for note in confirmed} == {NoteStatus.CONFIRMED}
    assert end[of_market("2006"), "all", "status"] is NoteStatus.REJECTED
    assert [end["level", *place] for place in (("MUG", "main"), ("LID", "depot"))] == [(17, 6), (8, 8)]
    assert end[SHOP, "levels"] == {"MUG-S": 10, "SET-S": 9, "CAP-S": 4, "POSTER-S": 4}
    assert end[MARKET, "levels"] == {"MUG-M": 8, "SET-M": 8, "BAD-M": 6, "POISON-M": 7}
