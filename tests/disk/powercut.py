"""Power cuts at seeded moments of a recorded run, and what is found afterwards."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from disk.acks import Acknowledged
from disk.checking import complaints, go_on
from disk.platter import Platter, lay_out
from disk.program import ending
from disk.recording import Event, events_of
from disk.tracing import record

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of a random name in it


@attrs.frozen
class Recording:
    """What a run did to its disk, and how its day ended."""

    scenario: str
    events: Sequence[Event]
    end: Mapping[str, Any]


async def recorded(scenario: str, folder: Path, *options: str) -> Recording:
    """Record a run in an empty folder."""
    day = folder / "day"
    day.mkdir()
    record(day, scenario, *options, log=folder / "calls")
    return Recording(scenario, events_of(folder / "calls", day), await ending(day))


@attrs.define
class Cuts:
    """What was found in the images."""

    images: int = 0
    facts: int = 0
    went_on: int = 0
    results: Counter[str] = attrs.field(factory=Counter)
    bad: list[str] = attrs.field(factory=list)

    def __str__(self) -> str:
        """Return one line."""
        results = ", ".join(f"{number} {result}" for result, number in sorted(self.results.items()))
        asked = f"{self.facts} acknowledged facts looked for"
        return f"{self.images} images ({results}), {asked}, {self.went_on} gone on to the end"


def cut(
    recording: Recording, images: int, *, seed: int, go_on_each: int = 0, tell: Callable[[str], None] = lambda _: None
) -> Cuts:
    """Cut the power at *images* moments; after each *go_on_each*-th image the program goes on to the end of its day."""
    moments = random.Random(f"{recording.scenario}/{seed}")  # noqa: S311 - it is to be repeatable
    chosen = sorted(moments.randrange(1, len(recording.events) + 1) for _ in range(images))
    platter, at, cuts = Platter(), 0, Cuts()
    for number, moment in enumerate(chosen):
        for event in recording.events[at:moment]:
            platter.take(event)
        at = moment
        name = f"{recording.scenario} seed {seed} image {number} after event {moment}"
        chance = random.Random(name)  # noqa: S311
        on = bool(go_on_each) and number % go_on_each == go_on_each - 1
        for one in _look(recording, platter, chance, cuts, go_on_to_end=on):
            cuts.bad.append(f"{name}: {one}")
            tell(cuts.bad[-1])
    return cuts


def _look(
    recording: Recording, platter: Platter, chance: random.Random, cuts: Cuts, *, go_on_to_end: bool
) -> Sequence[str]:
    acknowledged = Acknowledged(line.facts for line in platter.logs.get("acks", ()))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="ordersync-disk-") as name:
        folder = Path(name)
        lay_out(platter.image(chance), folder)
        found = complaints(folder, acknowledged)
        cuts.images += 1
        cuts.facts += len(acknowledged.most)
        cuts.results[_kind(found)] += 1
        if go_on_to_end and not found:
            for log, lines in platter.logs.items():
                (folder / log).write_bytes(b"".join(line.text for line in lines))
            cuts.went_on += 1
            found = go_on(folder, recording.scenario, recording.end)
    return found


def _kind(found: Sequence[str]) -> str:
    if not found:
        return "good"
    if any("acknowledged" in one for one in found):
        return "lost commits"
    return "damaged"
