"""Which scans are due, from where each reads, and how far the watermark may move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.channel_orders import OrderPage
from ordersync.model.runs import Progress
from ordersync.model.settings import ChannelSettings
from ordersync.sync.scan import Scan, ScanKind, begin, plan
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, make_channel_order

SWEEP, UPDATES = ScanKind.SWEEP, ScanKind.UPDATES
OVERLAP = timedelta(minutes=5, seconds=1)


def at(minutes: float) -> datetime:
    """Return a moment after noon, or before it."""
    return NOON + timedelta(minutes=minutes)


def channel(**traits: Any) -> FakeMarketplace:  # noqa: ANN401 - traits of a marketplace
    """Open a marketplace."""
    return FakeMarketplace(**traits)


def page(*updated: datetime, server_time: datetime | None = None) -> OrderPage:
    """Build a page of orders that were updated then."""
    orders = [make_channel_order(f"{number}", updated_at=moment) for number, moment in enumerate(updated)]
    return OrderPage(orders=orders, next_cursor="more", server_time=server_time)


KNOWN = Progress(watermark=at(-30), swept_at=at(-30))


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress(), [SWEEP]),
        (KNOWN, [UPDATES]),
        (Progress(watermark=at(-30), swept_at=at(-59.99)), [UPDATES]),
        (Progress(watermark=at(-30), swept_at=at(-60)), [UPDATES, SWEEP]),
        (Progress(watermark=at(-30)), [UPDATES, SWEEP]),
        (attrs.evolve(KNOWN, interrupted=True), [UPDATES, SWEEP]),
        (Progress(swept_at=at(-1)), [SWEEP]),
    ],
)
def test_which_scans_are_due(progress: Progress, expected: list[ScanKind]) -> None:
    """Changes are always read; everything is swept at first, each hour, and after a cut."""
    assert plan(channel(), progress, now=NOON) == expected


def test_setting_decides_how_often_is_swept() -> None:
    """A host may sweep more often."""
    often = channel(settings=ChannelSettings(sweep_every=timedelta(minutes=10)))

    assert plan(often, KNOWN, now=NOON) == [UPDATES, SWEEP]


def test_channel_without_trusted_times_is_always_swept() -> None:
    """Where update times cannot be trusted there is no watermark to read from."""
    assert plan(channel(scan="state"), KNOWN, now=NOON) == [SWEEP]


@pytest.mark.parametrize("lag", [timedelta(0), timedelta(minutes=10)])
def test_updates_are_read_from_behind_the_watermark(lag: timedelta) -> None:
    """A scan reaches back by the overlap, the channel's lag and the grain of its stamps."""
    scan = begin(channel(listing_lag=lag), UPDATES, KNOWN, now=NOON)

    assert scan.since == at(-30) - OVERLAP - lag


def test_sweep_reads_everything() -> None:
    """A sweep reads from no time on, whatever the watermark is."""
    scan = begin(channel(), SWEEP, KNOWN, now=NOON)

    assert (scan.since, scan.began_at) == (None, NOON)


@pytest.mark.parametrize(("back_to", "expected"), [(at(-300), at(-300)), (at(-1), at(-30) - OVERLAP)])
def test_scan_can_be_made_to_read_further_back(back_to: datetime, expected: datetime) -> None:
    """A scan of changes reads back to a moment at least, never less than it would; a sweep reads everything anyhow."""
    assert begin(channel(), UPDATES, KNOWN, now=NOON).from_time(back_to).since == expected
    assert begin(channel(), SWEEP, KNOWN, now=NOON).from_time(back_to).since is None
    assert begin(channel(), UPDATES, Progress(), now=NOON).from_time(back_to).since is None


CUT = attrs.evolve(KNOWN, sweep_began_at=at(-20), sweep_position=at(-40), interrupted=True)


def test_first_sweep_of_all_notes_its_beginning() -> None:
    """Only a sweep before which nothing is known, not even another that was cut, is noted before its first page."""
    first = begin(channel(), SWEEP, Progress(), now=NOON)

    assert first.beginning == Progress(sweep_began_at=NOON, interrupted=True)
    assert begin(channel(), SWEEP, Progress(sweep_began_at=at(-20), interrupted=True), now=NOON).beginning is None
    assert begin(channel(), SWEEP, KNOWN, now=NOON).beginning is None
    assert begin(channel(), UPDATES, KNOWN, now=NOON).beginning is None


def test_sweep_that_goes_on_reads_from_where_it_came_to() -> None:
    """A sweep that goes on where it was cut is not sent back."""
    resumed = begin(channel(pages_in_update_order=True), SWEEP, CUT, now=NOON)

    assert resumed.from_time(at(-300)) == resumed


def test_cut_sweep_goes_on_from_its_page() -> None:
    """A sweep in update order goes on from where it came to, and counts from when it began."""
    scan = begin(channel(pages_in_update_order=True), SWEEP, CUT, now=NOON)

    assert (scan.since, scan.began_at) == (at(-40) - OVERLAP, at(-20))
    assert scan.after(page(at(-1)), first=True).progress(complete=True) == Progress(watermark=at(-30), swept_at=at(-20))


@pytest.mark.parametrize("traits", [{}, {"pages_in_update_order": True, "scan": "state"}])
def test_cut_sweep_out_of_order_starts_again(traits: dict[str, Any]) -> None:
    """Where pages come in no trusted order a cut sweep starts again."""
    scan = begin(channel(**traits), SWEEP, CUT, now=NOON)

    assert (scan.since, scan.began_at) == (None, NOON)


def test_sweep_cut_before_its_first_order_starts_again() -> None:
    """A cut sweep that came nowhere reads everything, and counts from when it first began."""
    nowhere = attrs.evolve(CUT, sweep_position=None)
    scan = begin(channel(pages_in_update_order=True), SWEEP, nowhere, now=NOON)

    assert (scan.since, scan.began_at) == (None, at(-20))


def test_scan_is_capped_at_the_channels_clock() -> None:
    """The first page tells the channel's clock; later pages do not, and without it ours counts less the skew."""
    ours = begin(channel(clock_skew=timedelta(minutes=1)), UPDATES, KNOWN, now=NOON)
    told = ours.after(page(at(9), server_time=at(-2)), first=True).after(page(at(9), server_time=at(8)), first=False)

    assert (ours.cap, told.cap) == (at(-1), at(-2))
    assert told.progress(complete=True).watermark == at(-2)
    assert ours.after(page(at(9)), first=True).progress(complete=True).watermark == at(-1)


def test_first_sweep_sets_the_watermark() -> None:
    """The first complete sweep knows every order until it began, and later ones leave the watermark alone."""
    first = begin(channel(), SWEEP, Progress(), now=NOON).after(page(at(-90), server_time=at(-1)), first=True)
    later = begin(channel(), SWEEP, KNOWN, now=NOON).after(page(at(-1), server_time=at(-1)), first=True)

    assert first.progress(complete=True) == Progress(watermark=at(-1), swept_at=NOON)
    assert later.progress(complete=True) == Progress(watermark=at(-30), swept_at=NOON)


def test_first_sweep_that_was_cut_reaches_back_to_its_first_beginning() -> None:
    """A first sweep that starts again knows orders until it first began: what it showed may have ended since."""
    shop = channel(clock_skew=timedelta(minutes=1))
    cut = begin(shop, SWEEP, Progress(), now=at(-60)).after(page(at(-90)), first=True).progress(complete=False)
    again = begin(shop, SWEEP, cut, now=at(-30)).after(page(at(-90)), first=True).progress(complete=False)
    whole = begin(shop, SWEEP, again, now=NOON).after(page(at(-90), server_time=NOON), first=True)

    assert whole.progress(complete=True) == Progress(watermark=at(-61), swept_at=NOON)


@pytest.mark.parametrize(("in_order", "moved"), [(True, at(-20)), (False, at(-30))])
def test_watermark_moves_by_the_page_where_pages_come_in_order(*, in_order: bool, moved: datetime) -> None:
    """Within a scan of changes each page moves the watermark if pages come in update order, else only the last."""
    scan = begin(channel(pages_in_update_order=in_order), UPDATES, KNOWN, now=NOON).after(page(at(-20)), first=True)

    assert scan.progress(complete=False) == attrs.evolve(KNOWN, watermark=moved, interrupted=True)
    assert scan.progress(complete=True) == attrs.evolve(KNOWN, watermark=at(-20))


def test_sweep_under_way_is_remembered() -> None:
    """Each page of a sweep notes that it is under way, and its place where pages come in update order."""
    for in_order, place in ((True, at(-50)), (False, None)):
        sweep = begin(channel(pages_in_update_order=in_order), SWEEP, KNOWN, now=NOON)
        assert sweep.after(page(at(-50)), first=True).progress(complete=False) == attrs.evolve(
            KNOWN, sweep_began_at=NOON, sweep_position=place, interrupted=True
        )


moments = st.integers(-60, 20).map(at)
scans = st.builds(
    begin,
    st.booleans().map(lambda in_order: channel(pages_in_update_order=in_order)),
    st.sampled_from(ScanKind),
    st.builds(
        Progress, watermark=st.none() | moments, swept_at=st.none() | moments, sweep_position=st.none() | moments
    ),
    now=st.just(NOON),
)


@given(scans, st.lists(moments, max_size=12), st.integers(1, 4), st.none() | moments)
def test_watermark_never_passes_an_order_that_is_not_handled(
    scan: Scan, updated: list[datetime], size: int, server_time: datetime | None
) -> None:
    """For any pages the watermark moves forward only, not past the channel's clock, and past no order to come."""
    ordered = sorted(updated) if scan.in_order else updated
    pages = [ordered[start : start + size] for start in range(0, len(ordered), size)] or [[]]
    if scan.since is not None:
        pages = [[moment for moment in one if moment >= scan.since] for one in pages]
    before = scan.before.watermark
    cap = scan.cap if server_time is None else server_time
    for number, moments_ in enumerate(pages):
        scan = scan.after(page(*moments_, server_time=server_time), first=number == 0)
        complete = number == len(pages) - 1
        after = scan.progress(complete=complete)
        to_come = [moment for one in pages[number + 1 :] for moment in one]
        assert_law(before, after, cap=cap, to_come=to_come)
        assert after.interrupted is not complete


def assert_law(before: datetime | None, after: Progress, *, cap: datetime, to_come: Sequence[datetime]) -> None:
    """Compare a page's progress with what was handled when it was saved."""
    if after.watermark == before:
        return
    assert after.watermark is not None
    assert before is None or after.watermark > before
    assert after.watermark <= cap
    assert all(moment >= after.watermark for moment in to_come)


@given(st.lists(moments, min_size=1, max_size=12), st.integers(1, 3), st.data())
def test_resumed_sweep_reads_what_the_cut_one_left(updated: list[datetime], size: int, data: st.DataObject) -> None:
    """A sweep that is cut behind any page and goes on later has read every order of the sweep in the end."""
    shop = channel(pages_in_update_order=True)
    ordered = sorted(updated)
    cut = data.draw(st.integers(0, (len(ordered) - 1) // size))
    sweep = begin(shop, SWEEP, Progress(), now=at(30))
    progress = Progress()
    for number in range(cut):
        sweep = sweep.after(page(*ordered[number * size : (number + 1) * size]), first=number == 0)
        progress = sweep.progress(complete=False)

    resumed = begin(shop, SWEEP, progress, now=at(40))

    handled = set(ordered[: cut * size])
    assert all(moment in handled or resumed.since is None or moment >= resumed.since for moment in ordered)
    assert resumed.progress(complete=True).watermark == (max(handled) if handled else resumed.cap)
    assert resumed.began_at == (at(30) if cut else at(40))
