"""``python -m ordersync.testing.simulator``: many seeds, or one again."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import attrs

from ....clock import Clock
from ....errors import ConfigurationError
from .campaign import Campaign, Tally
from .ending import Ending
from .failing import told
from .origin import commit
from .regressions import kept_cases, read_case
from .report import CampaignReport
from .runs import Case, Play, play_once
from .smaller import minimised

DONE, FAILED, NOT_UNDERSTOOD, INTERRUPTED = 0, 1, 2, 130

SEEDS = 100
REGRESSIONS = Path("tests/simulator/regressions.txt")
BREATH_S = 5.0
"""Progress is told so often."""

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Subject:
    """What the command plays, by which clock, and where it speaks to: *say* for the results, *note* for the rest."""

    play: Play
    drawn: Callable[[int, Literal["memory", "sqlite"]], Case]
    clock: Clock
    say: Say
    note: Say


def main(arguments: Sequence[str], subject: Subject) -> int:
    """Carry the command out and return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        if asked.seed is not None or asked.options is not None:
            return replay(asked, subject)
        return campaign(asked, subject)
    except ConfigurationError as error:
        subject.note(f"simulator: {error}")
        return NOT_UNDERSTOOD
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="python -m ordersync.testing.simulator",
        description="Run the real code in a simulated world, many seeds or one again. Exit code 0: every law held; "
        "1: one broke, and the text says which and how to see it again; 2: the command could not be carried out; "
        "130: it was interrupted, and every law held until then.",
    )
    add = found.add_argument
    add("--seeds", type=_count, metavar="N", help=f"so many seeds (default: {SEEDS}; with --minutes: any number)")
    add("--first", type=int, default=0, metavar="N", help="the first of them (default: 0)")
    add("--storage", choices=("memory", "sqlite"), default="memory", help="where orders and stock are kept")
    add("--processes", type=_count, metavar="N", help="so many at once (default: one a CPU)")
    add("--minutes", type=float, metavar="M", help="end after so many minutes")
    add("--report", type=Path, metavar="FILE", help="write a report as JSON")
    add(
        "--regressions",
        type=Path,
        nargs="?",
        const=REGRESSIONS,
        metavar="FILE",
        help=f"play the kept cases of a file instead of seeds (default: {REGRESSIONS})",
    )
    add("--seed", type=int, metavar="N", help="play one seed and show its last events")
    add("--options", metavar="JSON", help="with --seed: options that replace the drawn ones")
    return found


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def replay(asked: argparse.Namespace, subject: Subject) -> int:
    """Play one case and tell everything about it."""
    given: Case = {} if asked.seed is None else {"seed": asked.seed}
    if asked.options is not None:
        given = read_case(json.dumps({**_object(asked.options), **given}), "--options")
    case = {**subject.drawn(given["seed"], asked.storage), **given}
    started = subject.clock.monotonic()
    run = play_once(subject.play, case)
    if run.law:
        subject.say(told(run, commit=commit()))
        return FAILED
    tally = Tally(elapsed_s=subject.clock.monotonic() - started)
    tally.add(run)
    events = "\n".join(f"  {event}" for event in run.last)
    subject.say(f"seed {run.seed} breaks no law; digest {run.digest}\noptions: {json.dumps(case)}")
    subject.say(f"the last {len(run.last)} events:\n{events}\n\n{CampaignReport(tally=tally)}")
    return DONE


def _object(text: str) -> Case:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ConfigurationError("--options is no JSON; write one JSON object, quoted for your shell") from exc
    if not isinstance(found, dict):
        raise ConfigurationError("--options is no JSON object; write one, quoted for your shell")
    return found


def campaign(asked: argparse.Namespace, subject: Subject) -> int:
    """Play many cases, tell of every failure, and say what it all adds up to."""
    _write(asked.report, "")
    ending = Ending(subject.clock, minutes=asked.minutes)
    before = signal.signal(signal.SIGINT, ending.interrupt)
    try:
        tally = Campaign(
            play=subject.play,
            clock=subject.clock,
            processes=asked.processes or os.cpu_count() or 1,
            enough=ending,
            progress=Progress(subject),
        ).run(_cases(asked, subject))
        report = finished(tally, subject, ending)
    finally:
        signal.signal(signal.SIGINT, before)
    _write(asked.report, report.to_json() + "\n")
    if tally.failures:
        return FAILED
    return INTERRUPTED if ending.interrupted else DONE


def finished(tally: Tally, subject: Subject, ending: Ending) -> CampaignReport:
    """Minimise the first failure of each law, unless interrupted; tell of it, and return and tell the whole report."""
    here = commit()
    smaller = {}
    for run in tally.first_of_each_law():
        subject.note(f"simulator: looking for a smaller case of seed {run.seed}")
        smaller[run.law] = minimised(subject.play, run, enough=lambda: ending.interrupted)
        subject.say(f"{told(run, smaller[run.law], commit=here)}\n")
    report = CampaignReport(tally=tally, commit=here, minimised=smaller)
    subject.say(str(report))
    return report


def _cases(asked: argparse.Namespace, subject: Subject) -> Iterable[Case]:
    if asked.regressions is not None:
        return kept_cases(asked.regressions)
    number = asked.seeds or (SEEDS if asked.minutes is None else None)
    seeds = itertools.count(asked.first) if number is None else range(asked.first, asked.first + number)
    return (subject.drawn(seed, asked.storage) for seed in seeds)


def _write(file: Path | None, text: str) -> None:
    """Write a report, if one is asked for; an empty one first, so that hours are not spent for a folder that is not."""
    if file is None:
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"the report cannot be written to {file}; name a file that can be written") from exc


class Progress:
    """Tells of a failure at once, and now and then how far a campaign has come."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self._told, self._failed = subject, subject.clock.monotonic(), 0

    def __call__(self, tally: Tally) -> None:
        """Tell what there is to tell."""
        for run in tally.failures[self._failed :]:
            self._subject.note(f"simulator: seed {run.seed} breaks {run.law}: {run.text}")
        self._failed = len(tally.failures)
        now = self._subject.clock.monotonic()
        if now - self._told >= BREATH_S:
            self._told = now
            self._subject.note(
                f"simulator: {tally.seeds} seeds, {tally.seeds_per_s:.1f} a second, {self._failed} failed"
            )
