"""Points at which a run is cut or refused, and what became of each."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from disk.checking import complaints, go_on
from disk.outside import lines_of
from disk.program import ending
from disk.tracing import Outcome, Point, counted, start_cut

KILLS = ("SIGKILL",)
ERRORS = ("EIO", "ENOSPC")


@attrs.frozen
class Uncut:
    """A run that nothing cuts: how often it makes each call, and how the day ends."""

    scenario: str
    calls: Mapping[str, int]
    end: Mapping[str, Any]


async def uncut(scenario: str, folder: Path) -> Uncut:
    """Run a scenario without a fault."""
    calls = counted(folder, scenario)
    return Uncut(scenario, calls, await ending(folder))


def points(uncut: Uncut, faults: Sequence[str], *, lasting: Sequence[bool] = (False,)) -> list[Point]:
    """Return every point of a scenario."""
    return [
        Point(call, number, fault, again)
        for fault in faults
        for again in lasting
        for call, most in uncut.calls.items()
        for number in range(1, most + 1)
    ]


def spread(every: Sequence[Point], wanted: int) -> Sequence[Point]:
    """Return *wanted* points, evenly spread over all of them but at least one of each call; 0 or too many: all."""
    if not 0 < wanted < len(every):
        return every
    chosen = {len(every) * number // wanted for number in range(wanted)}
    return [every[number] for number in sorted(chosen)]


@attrs.define
class Tally:
    """What became of the points that were tried."""

    tried: int = 0
    ends: Counter[str] = attrs.field(factory=Counter)
    acknowledged: int = 0
    drafts: int = 0
    bad: list[str] = attrs.field(factory=list)

    def __str__(self) -> str:
        """Return one line."""
        ends = ", ".join(f"{number} {end}" for end, number in sorted(self.ends.items()))
        return (
            f"{self.tried} points ({ends}): {self.acknowledged} acknowledged facts looked for, {self.drafts} files left"
            f" beside the database, {len(self.bad)} complaints"
        )


def sweep(uncut: Uncut, chosen: Sequence[Point], *, tell: Callable[[str], None] = lambda _: None) -> Tally:
    """Try points one by one, each in a folder of its own."""
    tally = Tally()
    for point in chosen:
        with tempfile.TemporaryDirectory(prefix="ordersync-disk-") as name:
            found = list(_try(uncut, point, Path(name), tally))
        tally.tried += 1
        tally.bad += [f"{uncut.scenario} {point}: {one}" for one in found]
        for one in found:
            tell(f"{uncut.scenario} {point}: {one}")
    return tally


def _try(uncut: Uncut, point: Point, folder: Path, tally: Tally) -> Iterator[str]:
    day, copy = folder / "day", folder / "copy"
    day.mkdir()
    outcome = start_cut(day, uncut.scenario, point)
    tally.ends[_end(outcome)] += 1
    yield from _wrong_end(point, outcome, day)
    shutil.copytree(day, copy)
    yield from complaints(copy)
    tally.acknowledged += len(lines_of(day / "acks"))
    yield from go_on(day, uncut.scenario, uncut.end)
    tally.drafts += len([one for one in day.iterdir() if ".new" in one.name])


def _end(outcome: Outcome) -> str:
    if outcome.killed:
        return "killed"
    kinds = sorted({name for name, _ in outcome.errors})
    return " and ".join(kinds) if kinds else f"ended with {outcome.code}"


def _wrong_end(point: Point, outcome: Outcome, day: Path) -> Iterator[str]:
    """Say what is wrong with how the program ended: killed, with a storage error in one clear sentence, or well."""
    if outcome.killed and point.kills:
        return
    if outcome.code not in (0, 3) or (point.kills and outcome.code):
        yield f"ended with {outcome.code}: {outcome.told}{outcome.complained[-2000:]}"
        return
    for name, sentence in outcome.errors:
        if name not in ("StorageError", "StorageUnavailableError") or not sentence.startswith(str(day / "shop.db")):
            yield f"unclear: {name}: {sentence}"
