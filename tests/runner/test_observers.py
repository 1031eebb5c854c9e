"""The two observers that come with the library: log lines, and a progress bar."""

from __future__ import annotations

import builtins
import io
import logging
from typing import Any

import pytest
from rich.console import Console

from ordersync import ChannelId, Event, StockOutcome
from ordersync.errors import ChannelUnavailableError
from ordersync.model.events import (
    CallFailed,
    LevelPushed,
    NoteMoved,
    OrderSkipped,
    PageSaved,
    PhaseStarted,
    RunFinished,
    RunStarted,
)
from ordersync.model.ids import OrderKey
from ordersync.model.listings import ListingId
from ordersync.observers import LogObserver, ProgressBar
from ordersync.testing.market_orders import BUYER
from runner.world import MARKET, SHOP, World


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the messages of one level."""
    return [record.getMessage() for record in caplog.records if record.levelno == level]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Hear everything that ordersync logs."""
    caplog.set_level(logging.DEBUG, logger="ordersync")
    return caplog


async def test_quiet_run_has_a_line_a_channel(memory_world: World, log: pytest.LogCaptureFixture) -> None:
    """A run logs its beginning, one line a channel with its sums, and its end; nothing warns."""
    await memory_world.run()
    memory_world.clock.advance(minutes=1)
    memory_world.shop.place("1001", lines={"MUG": 1})
    log.clear()

    report = await memory_world.run(observers=[LogObserver()])

    run = report.run_id
    assert lines(log, logging.INFO) == [
        f"ordersync.run_started run_id={run} channels=Shop/north,Market/uk dry_run=False",
        f"ordersync.channel_finished run_id={run} channel=Shop/north pages=1 seen=1 reserved=1",
        f"ordersync.channel_finished run_id={run} channel=Market/uk pages=1 seen=0 levels_accepted=1",
        f"ordersync.run_finished run_id={run} errors=0",
    ]
    assert lines(log, logging.WARNING) == []
    assert f"ordersync.page_saved run_id={run} channel=Shop/north page=1 orders=1 seen=1" in lines(log, logging.DEBUG)


async def test_facts_are_in_extra_too(memory_world: World, log: pytest.LogCaptureFixture) -> None:
    """Each fact of a line is in the record under a dotted key, as it is."""
    await memory_world.run(observers=[LogObserver()])

    started = log.records[0]
    assert vars(started)["ordersync.event"] == "run_started"
    assert vars(started)["ordersync.channels"] == (SHOP, MARKET)
    assert vars(started)["ordersync.dry_run"] is False


async def test_trouble_warns(memory_world: World, log: pytest.LogCaptureFixture) -> None:
    """Failed calls, quarantined orders, refused levels and short stock are warnings; skipped orders are not."""
    world = memory_world
    await world.run()
    world.shop.place("spoiled", lines={"MUG": 1})
    world.shop.spoil("spoiled")
    world.shop.place("unpaid", lines={"MUG": 1}, paid=False)
    world.shop.place("large", lines={"MUG": 11})
    world.market.refuse_sku("MUG")
    world.market.fail_next("fetch_listings", ChannelUnavailableError("Market/uk: down"))
    world.clock.advance(hours=13)
    log.clear()

    await world.run(observers=[LogObserver()])

    warned = [message.split()[0] for message in lines(log, logging.WARNING)]
    assert set(warned) == {
        "ordersync.call_failed",
        "ordersync.order_skipped",
        "ordersync.run_finished",
        "ordersync.stock_short",
    }
    assert [line for line in lines(log, logging.DEBUG) if "order_skipped" in line and "reference=unpaid" in line]
    assert not [line for line in log.messages if BUYER.name and BUYER.name in line]


FACTS: dict[str, Any] = {"run_id": "r", "channel": SHOP}
PUSH: dict[str, Any] = {"listing": ListingId("MUG"), "quantity": 3}
MOVE: dict[str, Any] = {"order": OrderKey(SHOP, "1"), "parcel_id": "all"}


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        (
            LevelPushed(outcome=StockOutcome.ACCEPTED, **PUSH, **FACTS),
            logging.DEBUG,
            "ordersync.level_pushed run_id=r channel=Shop/north listing=MUG quantity=3 outcome=accepted",
        ),
        (
            LevelPushed(outcome=StockOutcome.UNKNOWN, **PUSH, **FACTS),
            logging.WARNING,
            "ordersync.level_pushed run_id=r channel=Shop/north listing=MUG quantity=3 outcome=unknown",
        ),
        (
            NoteMoved(status="sent", **MOVE, **FACTS),
            logging.DEBUG,
            "ordersync.note_moved run_id=r channel=Shop/north order=Shop/north/1 parcel_id=all status=sent",
        ),
        (
            NoteMoved(status="gave-up", **MOVE, **FACTS),
            logging.WARNING,
            "ordersync.note_moved run_id=r channel=Shop/north order=Shop/north/1 parcel_id=all status=gave-up",
        ),
        (
            CallFailed(phase="download", code="channel-auth", message="no: 401", **FACTS),
            logging.WARNING,
            "ordersync.call_failed run_id=r channel=Shop/north phase=download code=channel-auth message='no: 401'",
        ),
        (
            OrderSkipped(reference=None, code="C", sentence="bad", quarantined=True, **FACTS),
            logging.WARNING,
            "ordersync.order_skipped run_id=r channel=Shop/north reference=None code=C sentence=bad quarantined=True",
        ),
        (Event(run_id="r"), logging.DEBUG, "ordersync.event run_id=r"),
        (RunFinished(run_id="r", errors=0), logging.INFO, "ordersync.run_finished run_id=r errors=0"),
        (RunFinished(run_id="r", errors=2), logging.WARNING, "ordersync.run_finished run_id=r errors=2"),
    ],
)
def test_lines_and_levels(event: Event, level: int, message: str, log: pytest.LogCaptureFixture) -> None:
    """Each event has its line and its level, also one whose run began before the observer listened."""
    LogObserver()(event)

    assert [(record.levelno, record.getMessage()) for record in log.records] == [(level, message)]


def test_sums_of_two_runs_stay_apart(log: pytest.LogCaptureFixture) -> None:
    """One observer may listen to two runners at once."""
    observer = LogObserver()
    for run in ("a", "b"):
        observer(RunStarted(run_id=run, channels=(SHOP,), dry_run=False))
    observer(PageSaved(run_id="a", channel=SHOP, page=1, orders=3, seen=3))
    for run in ("b", "a"):
        observer(RunFinished(run_id=run, errors=0))

    assert [line for line in log.messages if "channel_finished" in line] == [
        "ordersync.channel_finished run_id=b channel=Shop/north",
        "ordersync.channel_finished run_id=a channel=Shop/north pages=1 seen=3",
    ]


def terminal() -> Console:
    """Return a terminal that keeps what is drawn on it."""
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)


def drawn(console: Console) -> str:
    """Return what was drawn on a terminal."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_bar_shows_each_channel(memory_world: World) -> None:
    """The bar has a line a channel with the orders seen, and gives the terminal back when the run ends."""
    for number in range(3):
        memory_world.shop.place(f"{number}", lines={"MUG": 1})
    console = terminal()

    await memory_world.run(observers=[ProgressBar(console=console)])

    last = drawn(console).rsplit("Shop/north", 1)[1]
    assert last.startswith(" 3 orders seen")
    assert "Market/uk  0 orders seen" in last


def test_bar_shows_phase_and_failure() -> None:
    """While a channel works its phase is drawn, and what failed stays to be seen."""
    console = terminal()
    with ProgressBar(console=console) as bar:
        bar(RunStarted(run_id="r", channels=(SHOP,), dry_run=False))
        bar(PhaseStarted(phase="download", **FACTS))
        bar(PageSaved(page=1, orders=2, seen=2, **FACTS))
        bar._progress.refresh()
        assert "2 orders seen download" in drawn(console)
        bar(CallFailed(phase="download", code="channel-auth", message="no", **FACTS))
        bar._progress.refresh()
        bar(PhaseStarted(run_id="other", channel=ChannelId("Nobody", "x"), phase="download"))

    assert "download failed: channel-auth" in drawn(console)
    assert not bar._progress.live.is_started


def test_bar_of_two_runs_ends_with_the_last() -> None:
    """Two runners may share a bar; it is drawn until both are done, and may be used again."""
    bar = ProgressBar(console=terminal())
    for run in ("a", "b"):
        bar(RunStarted(run_id=run, channels=(SHOP,), dry_run=False))

    bar(RunFinished(run_id="a", errors=0))
    assert bar._progress.live.is_started
    bar(RunFinished(run_id="b", errors=0))
    assert not bar._progress.live.is_started

    bar(RunStarted(run_id="c", channels=(SHOP,), dry_run=False))
    assert bar._progress.live.is_started
    bar.close()
    bar.close()


def test_bar_without_rich_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says which one to install."""
    load = builtins.__import__

    def without_rich(name: str, *rest: Any) -> Any:  # noqa: ANN401 - as the built-in
        if name.startswith("rich"):
            raise ModuleNotFoundError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_rich)

    with pytest.raises(ImportError, match=r"pip install 'ordersync\[cli\]'"):
        ProgressBar()


def test_reference_cannot_forge_a_line(log: pytest.LogCaptureFixture) -> None:
    """A line break in what a channel sends stays inside one quoted word."""
    LogObserver()(
        OrderSkipped(
            run_id="r",
            channel=SHOP,
            reference="1\nordersync.fake x=1",
            code="NOT_PAID",
            sentence="no",
            quarantined=False,
        )
    )

    (line,) = lines(log, logging.DEBUG)
    assert "\n" not in line
    assert r"'1\nordersync.fake x=1'" in line
