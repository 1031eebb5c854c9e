"""A tiny world, and every schedule in which one actor is stopped, another one as well, and both go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import attrs

from ordersync import OrderDesk, OrderKey, errors
from protocols.explore import writes
from protocols.laws import check_end, check_step, demand
from protocols.scene import SHOP, Scene
from protocols.schedule import LawBrokenError

READS = frozenset(
    {
        "orders.known", "orders.load", "orders.waiting", "orders.listed", "orders.doubts", "orders.watched",
        "orders.missing", "orders.missing_counts", "orders.due", "orders.get", "orders.notes", "orders.notes_due",
        "orders.parcel", "stock.changed", "stock.levels", "listings.due", "looks",
    }
)  # fmt: skip
"""Calls after which the world is as it was before them: nobody else need be let on then."""


class Fixed(Random):
    """Chance that leaves nothing to chance: of several things the first, and nothing that is rare."""

    def random(self) -> float:
        """Return what no rate is above."""
        return 0.999

    def choice(self, seq: Any) -> Any:  # noqa: ANN401 - as its base
        """Return the first."""
        return seq[0]

    def choices(self, population: Any, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401 - as its base
        """Return the first alone."""
        return [population[0]]


class TinyScene(Scene):
    """One order with a note that is due, one that waits for its parcel, and one that nobody has seen."""

    def __init__(self) -> None:
        super().__init__(Fixed())

    async def begin_with_orders(self) -> None:
        """Sell three orders, two of them seen, one of these processed."""
        shop, market = self.markets
        shop.place("1", lines={"MUG": 1, "SET": 1})
        shop.place("2", lines={"MUG": 2})
        await self.drain(1)
        await OrderDesk(self.storage, clock=self.clock).process(OrderKey(SHOP, "1"))
        market.place("3", lines={"MUG": 1})


async def run(scene: Scene, actor: str) -> None:
    """Be a runner."""
    await scene.runner(actor).run_once()


async def process(scene: Scene, actor: str) -> None:
    """Be a person who processes an order, unless it is cancelled."""
    with suppress(errors.TransitionError):
        await OrderDesk(scene.ports(actor), clock=scene.clock).process(OrderKey(SHOP, "2"))


async def cancel(scene: Scene, actor: str) -> None:
    """Be a person who cancels the same order, unless it is processed."""
    with suppress(errors.TransitionError):
        await OrderDesk(scene.ports(actor), clock=scene.clock).cancel(OrderKey(SHOP, "2"))


ACTS = {"run": run, "process": process, "cancel": cancel}


@attrs.frozen
class Switches:
    """The first stops after so many calls, for so long, and the second after so many of its own."""

    first: str
    second: str
    pause_s: float
    first_calls: int | None = None
    second_calls: int | None = None

    async def play(self) -> Mapping[str, Sequence[str]]:
        """Play one schedule to its end, check the laws, and return the calls that each made before it was stopped."""
        scene = TinyScene()
        await scene.open()
        acts = {"A": self.first, "B": self.second}
        tasks = {actor: asyncio.create_task(ACTS[act](scene, actor)) for actor, act in acts.items()}
        try:
            made = {"A": await _let(scene, "A", self.first_calls)}
            scene.schedule.wait(self.pause_s)
            made["B"] = await _let(scene, "B", self.second_calls)
            await _let(scene, "A", None)
            await _let(scene, "B", None)
            await asyncio.gather(*tasks.values())
            scene.schedule.wild = False
            await _end(scene)
        except (LawBrokenError, ExceptionGroup) as error:
            error.add_note("\n".join(scene.schedule.trace))
            raise
        return made


async def _let(scene: Scene, actor: str, calls: int | None) -> Sequence[str]:
    """Let an actor make some calls, or all that it has left to make."""
    made: list[str] = []
    while calls is None or len(made) < calls:
        await scene.schedule.quiet()
        check_step(scene.storage, scene.markets)
        if not scene.schedule.stands(actor):
            break
        made.append(scene.schedule.let(actor))
    await scene.schedule.quiet()
    return made


async def _end(scene: Scene) -> None:
    await scene.drain(4)
    await check_end(scene.storage, scene.markets, scene.on_hand, scene.cut_down)
    before = writes(scene.markets)
    await scene.drain(1)
    demand(before == writes(scene.markets), "L6: an idle run writes")


async def play_all(first: str, second: str, pause_s: float, *, every: int = 1) -> int:
    """Stop the first anywhere, and the second wherever it may have changed something; return how many were played."""
    played = 1
    undisturbed = await Switches(first, second, pause_s).play()
    for first_calls in range(0, len(undisturbed["A"]), every):
        made = await Switches(first, second, pause_s, first_calls).play()
        changes = [number for number, call in enumerate(made["B"], 1) if may_change(call)]
        for second_calls in changes:
            await Switches(first, second, pause_s, first_calls, second_calls).play()
        played += 1 + len(changes)
    return played


def may_change(call: str) -> bool:
    """Say whether the world may be another after a call."""
    return call not in READS and not call.endswith(("fetch_orders", "fetch_order"))
