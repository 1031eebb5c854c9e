"""The machinery of campaigns, with simulations that take no time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

import pytest

from ordersync.clock import SystemClock
from ordersync.testing import ManualClock
from ordersync.testing.simulator.campaigns.campaign import ELSEWHERE, REPEATED, Campaign, Tally, chunks, never, turns
from ordersync.testing.simulator.campaigns.ending import Ending
from ordersync.testing.simulator.campaigns.runs import UNREPEATABLE, Case, Play, Turn, take_turn
from simulator import toys


def cases(seeds: int, first: int = 0) -> Sequence[Case]:
    """Return the cases of some seeds."""
    return [toys.drawn(seed) for seed in range(first, first + seeds)]


def campaign(
    play: Play, *, processes: int = 1, enough: Callable[[], bool] = never, most_failures: int = 20
) -> Campaign:
    """Return a campaign by this machine's clock, which repeats nothing elsewhere."""
    return Campaign(
        play=play,
        clock=SystemClock(),
        processes=processes,
        enough=enough,
        most_failures=most_failures,
        chunk=5,
        elsewhere=0,
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_every_violation_is_found(processes: int) -> None:
    """Every failing seed is found, in the order of the seeds, whichever process played it."""
    tally = campaign(toys.flawed, processes=processes).run(cases(50))

    assert tally.seeds == 50
    assert [(run.seed, run.law) for run in tally.failures] == [(seed, "P4") for seed in (7, 17, 27, 37, 47)]
    assert [run.place for run in tally.failures] == [7, 17, 27, 37, 47]
    assert tally.failures[0].text == "sold what was not there"
    assert tally.failures[0].last[-1].endswith("ended")


@pytest.mark.parametrize("processes", [1, 2])
def test_tally_adds_up(processes: int) -> None:
    """What single runs did adds up to what the campaign did, repeats left out."""
    tally = campaign(toys.sound, processes=processes).run(cases(40))

    assert (tally.seeds, tally.orders, tally.virtual_s) == (40, 120, 40 * 43_200.0)
    assert tally.counts["call fetch_orders"] == 280
    assert tally.counts["sometimes: oversell"] == 20
    assert not tally.failures
    assert not tally.stopped
    assert tally.repeats == 1
    assert tally.seeds_per_s > 0


def test_some_are_repeated() -> None:
    """One case in a hundred is repeated, and the first three of these also under hash seeds of their own."""
    planned = list(turns(cases(5 * REPEATED)))

    assert [turn.place for turn in planned if turn.repeat] == [0, 100, 200, 300, 400]
    assert [turn.hash_seed for turn in planned if turn.hash_seed is not None] == [1, 2, 3]
    assert [turn.place for turn in planned if turn.hash_seed is not None] == [REPEATED * n for n in range(ELSEWHERE)]


def test_chunks_lose_nothing() -> None:
    """Chunks hold every case once, in order."""
    cut = list(chunks(turns(cases(45)), 20))

    assert [len(chunk) for chunk in cut] == [20, 20, 5]
    assert [turn.place for chunk in cut for turn in chunk] == list(range(45))


@pytest.mark.parametrize(
    ("play", "hash_seed", "says"),
    [
        (toys.forgetful, None, "a second time time "),
        (toys.moody, 5, "with PYTHONHASHSEED=5 hash "),
        (toys.dying, 5, "with PYTHONHASHSEED=5 none (exit code 1: out of order)"),
    ],
)
def test_other_digest_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, play: Play, hash_seed: int | None, says: str
) -> None:
    """A case that does not do the same again fails, and the text says under which condition."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    run = take_turn(play, Turn(place=0, case=toys.drawn(3), repeat=True, hash_seed=hash_seed))

    assert run.law == UNREPEATABLE
    assert says in run.text


def test_same_digest_is_none() -> None:
    """A case that does the same again and elsewhere is well, and keeps no events."""
    run = take_turn(toys.sound, Turn(place=4, case=toys.drawn(3), repeat=True, hash_seed=1))

    assert (run.law, run.text, run.last) == ("", "", ())
    assert (run.place, run.repeats) == (4, 2)


@pytest.mark.parametrize("play", [toys.forgetful, toys.moody])
def test_mismatch_reaches_the_campaign(monkeypatch: pytest.MonkeyPatch, play: Play) -> None:
    """A campaign in which a repetition differs, here or elsewhere, has failed."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    tally = Campaign(play=play, clock=SystemClock()).run(cases(1))

    assert [run.law for run in tally.failures] == [UNREPEATABLE]


def test_error_is_a_failure() -> None:
    """An error that comes out of a simulation is a failure under the name of its class, with the way it took."""
    tally = campaign(toys.raising).run(cases(1, first=5))

    assert [(run.law, run.text) for run in tally.failures] == [("LookupError", "nothing at 5")]
    assert any("in raising" in line for line in tally.failures[0].last)


def test_enough_is_enough() -> None:
    """A campaign that is ended reports what it did, and that there was more to do."""
    asked = iter(range(100))
    tally = campaign(toys.sound, enough=lambda: next(asked) == 2).run(cases(500))

    assert (tally.seeds, tally.orders) == (2, 6)
    assert tally.stopped


def test_processes_stop_at_once() -> None:
    """A campaign over several processes ends within their chunks, and loses nothing of what they did."""
    heard: list[int] = []
    tally = Campaign(
        play=toys.slow,
        clock=SystemClock(),
        processes=2,
        chunk=50,
        enough=lambda: bool(heard),
        progress=lambda tally: heard.append(tally.seeds),
    ).run(cases(500))

    assert heard[0] == 50
    assert 50 <= tally.seeds < 150
    assert tally.orders == 3 * tally.seeds
    assert tally.stopped


def test_many_failures_end_it() -> None:
    """A campaign ends once so many cases have failed that more would tell nothing new."""
    tally = campaign(toys.torn, most_failures=4).run(cases(500))

    assert len(tally.failures) == 4
    assert tally.stopped
    assert [(run.seed, run.law) for run in tally.first_of_each_law()] == [(0, "S1"), (1, "S2"), (2, "D1")]


def test_progress_is_told() -> None:
    """Whoever watches a campaign hears how far it has come."""
    heard: list[int] = []
    Campaign(play=toys.sound, clock=ManualClock(), elsewhere=0, progress=lambda tally: heard.append(tally.seeds)).run(
        cases(3)
    )

    assert heard == [1, 2, 3]


def test_tallies_add_up() -> None:
    """Two campaigns add up, failures and stops included."""
    first, second = campaign(toys.flawed).run(cases(10)), campaign(toys.sound).run(cases(5))
    both = first + second

    assert (both.seeds, both.orders, both.counts["run"]) == (15, 45, 75)
    assert [run.seed for run in both.failures] == [7]
    assert both.elapsed_s == first.elapsed_s + second.elapsed_s
    assert Tally().seeds_per_s == 0


def test_time_is_up() -> None:
    """A time budget ends a campaign once it is used up."""
    clock = ManualClock()
    ending = Ending(clock, minutes=2)

    assert not ending()
    clock.advance(119)
    assert not ending()
    clock.advance(1)
    assert ending()


def test_second_interrupt_does_not_wait() -> None:
    """The first Ctrl-C lets end what is under way, the second waits for nothing."""
    ending = Ending(ManualClock())
    ending.interrupt(signal.SIGINT, None)

    assert ending()
    with pytest.raises(KeyboardInterrupt):
        ending.interrupt(signal.SIGINT, None)
