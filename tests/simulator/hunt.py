"""Looks for every planted bug by simulation: ``python -m simulator.hunt --seeds 200`` (with tests and src on the path).

What was found is kept in ``plants/found.json``, from which ``docs/reference/planted-bugs.md`` is written. Bugs that
were found often enough are left out the next time; the others are looked for behind the seeds they had.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import attrs

from simulator.hunting import Catch, Hunt, finds_again, hunt, together
from simulator.plants import PLANTS, Plant

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "plants" / "found.json"
TABLE = ROOT / "docs" / "reference" / "planted-bugs.md"

Catches = dict[tuple[str, str], Catch]

HEAD = """# Planted bugs

A simulator is worth what it finds. Each row is a bug that is put into the real library on purpose: one rule taken
out, or one classic mistake made. *Found by* says how many simulations broke a law with the bug in place, of how many
that were played; a hunt ends early once a bug was found often enough. *First* is the first seed that did. The last
column names the directed test that finds the bug every time: chance rarely meets some of these.

A bug that is *masked* is hidden by another layer, and stands in the table once more with that layer switched off.

This table is written by `python -m simulator.hunt`; `found.json` beside the plants holds it as data, and a slow test
replays the first seed of every row.

"""


def known() -> Catches:
    """Return what was found before; a plant that is gone is forgotten."""
    if not FOUND.exists():
        return {}
    catches = (Catch(**row) for row in json.loads(FOUND.read_text(encoding="utf-8")))
    return {(catch.plant, catch.storage): catch for catch in catches if catch.plant in PLANTS}


def keep(catches: Mapping[tuple[str, str], Catch]) -> None:
    """Keep what was found, and write the table anew."""
    rows = [catches[key] for key in _in_order(catches)]
    FOUND.write_text(json.dumps([attrs.asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(HEAD + "\n".join(table(rows)) + "\n", encoding="utf-8")


def table(rows: Sequence[Catch]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| bug | law | from | storage | found by | first | laws that broke | directed test |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        plant = PLANTS[row.plant]
        first = "" if row.first is None else str(row.first)
        laws = ", ".join(f"{times} by {law}" for law, times in sorted(row.laws.items()))
        found = f"{row.found} of {row.seeds - row.spoilt}"
        told = f"{_cell(row.plant)}{f' (masked: {_cell(plant.masked)})' if plant.masked else ''}"
        yield f"| {told} | {plant.law} | {plant.source} | {row.storage} | {found} | {first} | {laws} | {_test(plant)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _test(plant: Plant) -> str:
    return f"`{plant.directed.split('::')[-1]}`" if "::" in plant.directed else f"`{plant.directed}`"


def _in_order(catches: Mapping[tuple[str, str], Catch]) -> Sequence[tuple[str, str]]:
    wanted = [(name, storage) for name, plant in PLANTS.items() for storage in plant.storages]
    return [key for key in wanted if key in catches]


def asked(options: argparse.Namespace, before: Catches) -> Iterator[Hunt]:
    """Yield the hunts that are still worth while, those least looked for first."""
    found: list[tuple[int, Hunt]] = []
    for name, plant in PLANTS.items():
        if options.plants and not any(part in name for part in options.plants):
            continue
        for storage in plant.storages if options.storage == "both" else {options.storage} & {*plant.storages}:
            had = before.get((name, storage), Catch(plant=name, storage=storage))
            more = min(options.seeds - had.seeds, options.chunk)
            if had.found < options.finds and more > 0:
                finds = options.finds - had.found
                found.append((had.seeds, Hunt(plant=name, storage=storage, first=had.seeds, seeds=more, finds=finds)))
    yield from (one for _, one in sorted(found, key=lambda pair: pair[0]))


def checked(pool: Executor, catches: Catches) -> Iterator[tuple[tuple[str, str], Catch]]:
    """Yield what was found before and is found again; who changes the simulation changes what its seeds mean."""
    again = {key: pool.submit(finds_again, one) for key, one in catches.items() if one.first is not None}
    for key, one in catches.items():
        if key not in again or again[key].result():
            yield key, one


def _until(asked: Hunt, end: float) -> Catch:
    return hunt(asked, enough=lambda: time.monotonic() > end)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt for as long as is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("plants", nargs="*", help="parts of the names of the plants to look for; all if omitted")
    parser.add_argument("--seeds", type=int, default=200, help="look for each bug in so many simulations at most")
    parser.add_argument("--finds", type=int, default=25, help="stop once so many have found it")
    parser.add_argument("--chunk", type=int, default=10, help="so many simulations of one bug at a time")
    parser.add_argument("--storage", choices=["memory", "sqlite", "both"], default="memory")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=3.5)
    parser.add_argument("--check", action="store_true", help="first forget bugs whose first seed finds them no more")
    parser.add_argument("--anew", action="store_true", help="forget what was found before")
    options = parser.parse_args(arguments)
    catches = {} if options.anew else known()
    end = time.monotonic() + options.minutes * 60
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
        if options.check:
            catches = dict(checked(pool, catches))
            keep(catches)
        while time.monotonic() < end and (work := list(asked(options, catches))):
            for future in as_completed([pool.submit(partial(_until, end=end), one) for one in work]):
                catch = future.result()
                key = (catch.plant, catch.storage)
                catches[key] = together(catches[key], catch) if key in catches else catch
                sys.stdout.write(f"{catch.found:3d} of {catch.seeds:3d}  {catch.storage:6s}  {catch.plant}\n")
                sys.stdout.flush()
                keep(catches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
