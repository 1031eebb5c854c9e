"""An explorer: the real engine under a scheduler that interleaves runners, desk, buyers, clock and network by chance.

PYTHONPATH=src:tests python tests/protocols/explore.py [seconds] [first seed]   prints what broken seeds break
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, takewhile
from random import Random

from ordersync import OrderDesk, errors
from ordersync.clock import SystemClock
from ordersync.testing import FakeMarketplace
from protocols.laws import check_end, check_step, demand
from protocols.outside import Outside, pay_all
from protocols.scene import Scene, stored
from protocols.schedule import LawBrokenError, Schedule
from protocols.verbs import bury, cancel, lock, move, part, relink, requeue, resolve, set_aside, twice, whole

MOST_STEPS = 900
LOOKS = 30
PROCESSING = (whole, part, part, part, twice)
OTHERS = (cancel, requeue, lock, move, set_aside, bury, relink, resolve, resolve)


async def running(scene: Scene, actor: str, times: int) -> None:
    """Be a runner."""
    for _ in range(times):
        await scene.runner(actor).run_once()


async def at_the_desk(scene: Scene, actor: str, times: int) -> None:
    """Be a person who processes, cancels, holds, moves, deletes and resolves what is there."""
    chance = scene.schedule.chance
    desk = OrderDesk(scene.ports(actor), clock=scene.clock)
    for _ in range(LOOKS):
        await scene.schedule.turn(actor, "looks")
        orders = stored(scene)
        if not orders:
            continue
        times -= 1
        if times < 0:
            return
        order = chance.choice(orders)
        verb = chance.choice(PROCESSING if chance.random() < 0.5 else OTHERS)
        try:
            await verb(desk, order, str(chance.randrange(3)))
        except (errors.TransitionError, errors.ParcelConflictError):
            continue


async def play(seed: int) -> Schedule:
    """Play one schedule to its end and check the laws; ``LawBrokenError`` when one is broken."""
    scene = Scene(Random(seed))  # noqa: S311 - chance that can be repeated
    schedule, outside = scene.schedule, Outside(scene)
    try:
        async with asyncio.timeout(60):
            await scene.open()
            actors = _actors(scene)
            try:
                await _schedule(scene, outside, actors)
            finally:
                schedule.release()
                done = await asyncio.gather(*actors.values(), return_exceptions=True)
            for error in done:
                if isinstance(error, Exception):
                    raise error
            schedule.trace.append("-- drain --")
            pay_all(scene.markets)
            await scene.drain(4)
            await check_end(scene.storage, scene.markets, scene.on_hand, scene.cut_down)
            before = writes(scene.markets)
            await scene.drain(1)
            demand(before == writes(scene.markets), "L6: an idle run writes")
    except (LawBrokenError, ExceptionGroup, TimeoutError) as error:
        error.add_note("\n".join(schedule.trace))
        raise
    return schedule


def writes(markets: Sequence[FakeMarketplace]) -> list[tuple[int, int]]:
    """Return how much each marketplace was told so far."""
    return [(len(market.levels_applied), len(market.notes_received)) for market in markets]


def _actors(scene: Scene) -> dict[str, asyncio.Task[None]]:
    chance = scene.schedule.chance
    return {
        "R1": asyncio.create_task(running(scene, "R1", chance.choice([1, 2, 3]))),
        "R2": asyncio.create_task(running(scene, "R2", chance.choice([1, 2, 3]))),
        "desk": asyncio.create_task(at_the_desk(scene, "desk", chance.choice([1, 3, 6]))),
    }


async def _schedule(scene: Scene, outside: Outside, actors: dict[str, asyncio.Task[None]]) -> None:
    for _ in range(MOST_STEPS):
        await scene.schedule.quiet()
        check_step(scene.storage, scene.markets)
        if all(task.done() or name in scene.schedule.dead for name, task in actors.items()):
            return
        if not scene.schedule.step(outside.moves()):
            return


def explore(seeds: Iterable[int]) -> tuple[int, dict[int, BaseException]]:
    """Play seeds; return how many, and what each broken one broke."""
    found: dict[int, BaseException] = {}
    played = 0
    for seed in seeds:
        played += 1
        try:
            asyncio.run(play(seed))
        except Exception as error:  # noqa: BLE001 - it is reported
            found[seed] = error
    return played, found


def for_seconds(seconds: float, first: int) -> Iterator[int]:
    """Yield seeds until the time is over."""
    clock = SystemClock()
    end = clock.monotonic() + seconds
    yield from takewhile(lambda _: clock.monotonic() < end, count(first))


def main() -> int:
    """Explore, and print what was found."""
    seconds, first = (float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), int((sys.argv[2:] or ["1"])[0])
    played, found = explore(for_seconds(seconds, first))
    laws = Counter(str(error)[:90] for error in found.values())
    sys.stdout.write(f"{played} schedules, {len(found)} broken\n")
    for law, times in laws.most_common():
        seed = min(
            (seed for seed, error in found.items() if str(error)[:90] == law), key=lambda one: _length(found[one])
        )
        sys.stdout.write(f"{times:>5} {law}   shortest: seed {seed}\n")
    return 1 if found else 0


def _length(error: BaseException) -> int:
    return sum(len(note) for note in getattr(error, "__notes__", []))


if __name__ == "__main__":
    sys.exit(main())
