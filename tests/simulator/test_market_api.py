"""What a simulated marketplace answers to programs."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from ordersync import ChannelOrder, StockOutcome
from ordersync.errors import ChannelRejectedError
from ordersync.testing.simulator.market.veil import Veil
from simulator.fair import START, Fair, note

PAGINGS = pytest.mark.parametrize("paging", ["keyset", "offset", "token"])


@PAGINGS
@pytest.mark.parametrize("in_update_order", [True, False])
def test_pages_show_everything_once(paging: str, in_update_order: bool) -> None:  # noqa: FBT001 - a parameter
    """A set that stands still is shown whole and once, stamps being equal or not."""
    fair = Fair(paging=paging, in_update_order=in_update_order, page_size=2)
    for number in range(7):
        fair.market.offer("S1", 10)
        fair.buy(S1=1)
        fair.wait(seconds=0.4 * number)

    assert sorted(map(str, fair.listed())) == [str(1001 + number) for number in range(7)]
    assert sorted(map(str, fair.listed(START))) == [str(1001 + number) for number in range(7)]


@PAGINGS
def test_update_order_is_oldest_first(paging: str) -> None:
    """Lists in update order begin with what was not touched for longest, in both kinds of scan."""
    fair = Fair(paging=paging, in_update_order=True, page_size=2)
    first, second, third = (fair.buy(S1=1) for _ in range(3))
    fair.wait(minutes=1)
    fair.market.hold(first)

    assert fair.listed() == fair.listed(START) == [second, third, first]


def test_sweep_and_updates() -> None:
    """A sweep shows what is open, held ones too; with a time, what changed then or later is shown, whatever it is."""
    fair = Fair()
    still, gone, held = (fair.buy(S1=1) for _ in range(3))
    fair.wait(minutes=10)
    fair.market.ship_by_hand(gone)
    fair.market.hold(held)

    assert set(fair.listed()) == {still, held}
    assert set(fair.listed(START + timedelta(minutes=10))) == {gone, held}


def test_offset_skips_when_the_list_shrinks() -> None:
    """With offsets an order slips past whoever reads while another leaves the list; the next scan shows it."""
    fair = Fair(paging="offset", page_size=1)
    oldest, middle, newest = (fair.buy(S1=1) for _ in range(3))
    (first,), cursor, _ = fair.market.list_orders(None)
    fair.market.cancel(newest)
    rest = [fair.market.list_orders(None, cursor)[0][0].reference]

    assert (first.reference, rest) == (newest, [oldest])
    assert fair.listed() == [middle, oldest]


@pytest.mark.parametrize("paging", ["keyset", "token"])
def test_keyset_skips_nothing(paging: str) -> None:
    """Where a page goes on behind an order, none is skipped when that one has left the list."""
    fair = Fair(paging=paging, page_size=1)
    oldest, middle, _ = (fair.buy(S1=1) for _ in range(3))
    _, cursor, _ = fair.market.list_orders(None)
    fair.market.cancel(oldest)

    (found,), _, _ = fair.market.list_orders(None, cursor)

    assert found.reference == middle


@PAGINGS
def test_cursor_belongs_to_its_scan(paging: str) -> None:
    """A cursor of another scan is refused."""
    fair = Fair(paging=paging, page_size=1)
    fair.buy(S1=1)
    fair.buy(S1=1)
    _, cursor, _ = fair.market.list_orders(None)

    with pytest.raises(ChannelRejectedError):
        fair.market.list_orders(START, cursor)


def test_token_expires() -> None:
    """A token can be used again while it lives, and is refused once it has expired."""
    fair = Fair(paging="token", page_size=1)
    fair.buy(S1=1)
    fair.buy(S1=1)
    _, token, _ = fair.market.list_orders(None)
    once, again = (fair.market.list_orders(None, token)[0] for _ in range(2))
    fair.wait(minutes=16)

    assert once == again
    with pytest.raises(ChannelRejectedError):
        fair.market.list_orders(None, token)


def test_page_cut_short_loses_nothing() -> None:
    """The cursor of a page that was cut short goes on behind what is on it."""
    fair = Fair(page_size=3)
    references = [fair.buy(S1=1) for _ in range(4)]

    cut = fair.market.read_orders(None, None, limit=1)
    rest = fair.market.read_orders(None, cut.next_cursor)

    assert len(cut.forms) == 1
    assert sorted(form.reference for form in [*cut.forms, *rest.forms]) == references


def test_stamps_are_rounded_down() -> None:
    """Stamps carry whole seconds, so that changes of one second look alike."""
    fair = Fair()
    fair.wait(seconds=5.9)
    reference = fair.buy(S1=1)

    found = fair.market.find_order(reference)

    assert isinstance(found, ChannelOrder)
    assert found.placed_at == found.updated_at == START + timedelta(seconds=5)


def test_silent_changes() -> None:
    """Where no change moves a stamp, an order carries the time of its purchase for ever."""
    fair = Fair(moves_stamps=False)
    reference = fair.buy(S1=1)
    fair.wait(hours=1)
    fair.market.hold(reference)

    found = fair.market.find_order(reference)

    assert isinstance(found, ChannelOrder)
    assert (found.status, found.updated_at) == ("On hold", START)


def test_changes_show_late() -> None:
    """Lists, look-ups and read-backs show a change at some time within the lag, and never an older one after it."""
    fair = Fair(lag=timedelta(minutes=2))
    reference = fair.buy(S1=1)
    at_once = [fair.listed(), fair.market.find_order(reference), fair.market.list_levels()[0]]
    words: list[str] = []
    for _ in range(60):
        fair.wait(seconds=5)
        if len(words) == 30:
            fair.market.hold(reference)
        found = fair.market.find_order(reference)
        words.append(found.status if isinstance(found, ChannelOrder) else "")

    assert at_once == [[], None, []]
    assert words == sorted(words, key=["", "Ready", "On hold"].index)
    assert (words[23], words[-1]) == ("Ready", "On hold")
    assert {level.channel_sku: level.quantity for level in fair.market.list_levels()[0]} == {"S1": 9, "S2": 10}


def test_newer_value_waits_for_the_older() -> None:
    """A change that would show sooner than the one before it shows with that one, and the older is never seen again."""
    veil = Veil[str]()
    veil.put("old", seen_from=START + timedelta(seconds=100))
    veil.put("new", seen_from=START + timedelta(seconds=50))

    seen = [veil.seen(START + timedelta(seconds=at)) for at in (60, 100)]

    assert seen == [None, "new"]


def test_repeats() -> None:
    """A marketplace that repeats itself shows some order twice on a page."""
    fair = Fair(repeats=1.0)
    reference = fair.buy(S1=1)

    assert fair.listed() == [reference, reference]


def test_levels_are_applied() -> None:
    """Levels are shown, noted and answered one by one, and an unknown SKU spoils no other."""
    fair = Fair()

    results = fair.market.set_levels(fair.levels(S1=4, S9=1), by="r1")

    assert [result.outcome for result in results] == [StockOutcome.ACCEPTED, StockOutcome.UNKNOWN_SKU]
    assert fair.market.levels == {"S1": 4, "S2": 10}
    assert [(one.sku, one.quantity, one.attempt_id, one.by) for one in fair.market.applied] == [("S1", 4, "S1/4", "r1")]


def test_compare_and_set() -> None:
    """A marketplace that compares refuses a level that expects another than is shown, and takes one without."""
    fair = Fair(compare_and_set=True)
    (level,) = fair.levels(S1=4)

    outcomes = [
        fair.market.set_levels([attrs.evolve(level, expected=expected)])[0].outcome for expected in (9, 10, None)
    ]

    assert outcomes == [StockOutcome.CONFLICT, StockOutcome.ACCEPTED, StockOutcome.ACCEPTED]


def test_expectation_that_nobody_compares() -> None:
    """A marketplace that does not compare takes a level whatever it expects."""
    fair = Fair()
    (level,) = fair.levels(S1=4)

    (result,) = fair.market.set_levels([attrs.evolve(level, expected=9)])

    assert result.outcome is StockOutcome.ACCEPTED


def test_batch_that_is_too_large() -> None:
    """More levels than a call may hold are refused as a whole, and the call counts as a write."""
    fair = Fair(stock_batch_size=1)

    with pytest.raises(ChannelRejectedError):
        fair.market.set_levels(fair.levels(S1=1, S2=1))
    assert (fair.market.applied, fair.market.writes) == ([], 1)


def test_read_back_pages() -> None:
    """Listings are read back page by page."""
    fair = Fair(page_size=1)
    first, cursor = fair.market.list_levels()
    second, end = fair.market.list_levels(cursor)

    assert [(one.channel_sku, one.quantity) for one in (*first, *second)] == [("S1", 10), ("S2", 10)]
    assert end is None


def test_effects_are_told() -> None:
    """Whoever listens hears of each effect once it has taken place."""
    fair, heard = Fair(), []
    reference = fair.buy(S1=1)
    fair.market.on_applied = lambda effect: heard.append((type(effect).__name__, fair.market.levels["S1"]))

    fair.market.set_levels(fair.levels(S1=4))
    fair.market.ship(note(reference, {"L1": 1}))

    assert heard == [("AppliedLevel", 4), ("AppliedNote", 4)]


def test_parcel_is_shown() -> None:
    """A note marks its lines as sent; the order shows the shipment, and leaves the sweep when nothing is open."""
    fair = Fair()
    reference = fair.buy(S1=2)

    fair.market.ship(note(reference, {"L1": 2}), by="r1")

    found = fair.market.find_order(reference)
    assert isinstance(found, ChannelOrder)
    assert (found.status, found.shipments[0].tracking_number, dict(found.shipments[0].lines)) == (
        "Shipped",
        "T1",
        {"L1": 2},
    )
    assert fair.listed() == []
    assert [(one.note_id, one.by) for one in fair.market.notes] == [(note(reference, {}).id, "r1")]


@pytest.mark.parametrize(
    ("traits", "lines", "tracking"),
    [
        ({"requires_tracking": True}, {"L1": 1}, None),
        ({"refuses_overshipping": False}, {"L9": 1}, "T1"),
        ({}, {"L1": 3}, "T1"),
    ],
    ids=["without tracking", "of another line", "of too many pieces"],
)
def test_notes_that_are_refused(traits: dict[str, bool], lines: dict[str, int], tracking: str | None) -> None:
    """A note that does not fit is refused, counts as a write, and changes nothing."""
    fair = Fair(**traits)
    reference = fair.buy(S1=2)

    with pytest.raises(ChannelRejectedError) as refusal:
        fair.market.ship(note(reference, lines, tracking=tracking))
    assert refusal.value.applied is False
    assert (fair.market.notes, fair.market.shipments, fair.market.writes) == ([], [], 1)


def test_gone_orders_take_no_note() -> None:
    """Orders that are cancelled or deleted take no note, even where too many pieces may leave."""
    fair = Fair(refuses_overshipping=False)
    cancelled, deleted = fair.buy(S1=1), fair.buy(S1=1)
    fair.market.cancel(cancelled)
    fair.market.vanish(deleted)

    for reference in (cancelled, deleted):
        with pytest.raises(ChannelRejectedError):
            fair.market.ship(note(reference, {"L1": 1}))


def test_note_again() -> None:
    """A note that comes again has no effect where its id is known, and ships six of four where nobody counts."""
    careful, careless = Fair(knows_note_ids=True), Fair(refuses_overshipping=False)
    for fair in (careful, careless):
        reference = fair.buy(S1=4)
        fair.market.ship(note(reference, {"L1": 3}))
        fair.market.ship(note(reference, {"L1": 3}))

    assert [careful.market.orders["1001"].lines[0].shipped, len(careful.market.notes)] == [3, 1]
    assert [careless.market.orders["1001"].lines[0].shipped, len(careless.market.notes)] == [6, 2]


def test_whole_orders() -> None:
    """Where only whole orders are marked as shipped, a note ships all that is open, and a second one is refused."""
    fair = Fair(whole_order_dispatch=True)
    reference = fair.buy(S1=2, S2=1)
    fair.market.ship(note(reference, {"L1": 1}))

    assert dict(fair.market.shipments[0].lines) == {"L1": 2, "L2": 1}
    assert dict(fair.market.notes[0].lines) == {"L1": 1}
    with pytest.raises(ChannelRejectedError):
        fair.market.ship(note(reference, {"L2": 1}, name="p2"))
