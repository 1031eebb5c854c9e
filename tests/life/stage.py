"""The stage on which everything happens: one world, one loop, runs and people beside the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from ordersync import Order, OrderDesk, OrderKey, Parcel, RunReport, Storage
from ordersync.errors import ParcelConflictError, TransitionError
from ordersync.model.dispatch import NoteStatus
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import ManualClock

from . import people
from .checks import Moves, adds_up, all_agrees, order_as_stored
from .lines import Line, live_through
from .model import Model
from .orders import LivingOrder
from .witness import Witness
from .world import Habits, World, new_model, open_world

Answer = TypeVar("Answer")
Verb = Callable[[OrderDesk], Coroutine[Any, Any, Order]]
Step = Callable[[LivingOrder, str], None]

PAUSES = (5.0, 15.0, 65.0, 70.0, 800.0, 1600.0, 1600.0, 70.0)
"""Minutes between the runs that bring everything to rest: past each lease, window, sweep, watch and note."""

MORE_RUNS = 12
DONE = ("new", "changed", "reserved", "pushed", "dispatched", "confirmed", "failed")
"""What an idle run has none of."""


class Stage:
    """A world beside its model; whatever is done to one is done to the other."""

    model: Model
    world: World
    witness: Witness

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.moves = Moves()
        self.numbers = 0
        self.steps = 0

    def open_storage(self, clock: ManualClock) -> Storage:
        """Return a fresh storage."""
        return MemoryStorage(clock=clock)

    def wait_for(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Await something on the machine's own loop."""
        return self.loop.get_loop().run_until_complete(work)

    async def begin(self, habits: Habits) -> None:
        """Open a world in which the host has decided this and that."""
        self.model = new_model(habits)
        self.world = await open_world(self.stack, self.open_storage, habits, self.model)
        self.witness = Witness(self.model, self.world.clock.now)

    def placed(self) -> list[OrderKey]:
        """Return every order that was ever placed."""
        return [OrderKey(market.id, reference) for market in self.world.marketplaces for reference in market.orders]

    async def do(self, key: OrderKey, verb: Verb, step: Step, cut: int | None = None) -> None:
        """Let a person do something: refused if the model says so, and then nothing changes; else done."""
        order, before = self.model.orders[key], await self.world.storage.orders.get(key)
        allowed = people.may(order, lambda one: step(one, "?"))
        line, done = Line(self.world, self.witness, at=cut, alone=True), []

        def at_desk(parcel_id: str) -> None:
            assert allowed, f"{key}: should have been refused"
            done.append(parcel_id)
            step(order, parcel_id)

        self.witness.at_desk = at_desk
        try:
            await live_through(line, verb(line.desk))
            refused = None
        except TransitionError as error:
            refused = error
        finally:
            self.witness.at_desk = None
        if refused is None:
            assert line.dead or (allowed and done), f"{key}: should have been refused, or was not done"
        else:
            assert not allowed, f"{key}: {refused}"
            assert await self.world.storage.orders.get(key) == before, f"{key}: refused, and changed: {refused}"

    async def ask_again(self, key: OrderKey, name: str, *, other: bool) -> None:
        """Ask for a parcel again by its name: the same answer for the same content, and nothing changes."""
        before = order_as_stored(await self.world.storage.orders.get(key))
        recorded = await self.world.storage.orders.parcel(key, name)
        assert recorded is not None
        line = Line(self.world, self.witness)
        try:
            await line.desk.process(key, Parcel(id=name, tracking_number="other") if other else recorded.asked)
        except ParcelConflictError:
            assert other
        else:
            assert not other
        assert order_as_stored(await self.world.storage.orders.get(key)) == before

    async def run_once(self, line: Line | None = None) -> RunReport | None:
        """Run once, undisturbed unless the line says otherwise; every sighting has one outcome."""
        line = line or Line(self.world, self.witness)
        self.witness.begin()
        report = await live_through(line, line.runner.run_once())
        if report is not None:
            assert not report.errors, report.errors
            adds_up(report)
        return report

    async def run_cut(self, *, at: int | None = None, dies: tuple[str, str] | None = None) -> None:
        """Run, and die at some moment."""
        await self.run_once(Line(self.world, self.witness, at=at, dies=dies))
        for key in self.model.orders:
            for note in await self.world.storage.orders.notes(key):
                if note.status is NoteStatus.CLAIMED:
                    self.witness.cut.add(note.note.id)

    async def run_twice(self) -> None:
        """Let two runners begin at once."""
        self.witness.begin()
        lines = [Line(self.world, self.witness) for _ in range(2)]
        for report in await asyncio.gather(*(line.runner.run_once() for line in lines)):
            assert not report.errors, report.errors
            adds_up(report)

    async def look_at(self, key: OrderKey) -> None:
        """Let a webhook ask for a look at an order."""
        self.witness.begin()
        report = await Line(self.world, self.witness).runner.hint(key)
        assert not report.errors, report.errors
        adds_up(report)

    async def come_to_rest(self) -> None:
        """Run until nothing is due and compare everything; a further run does nothing."""
        for minutes in PAUSES:
            self.world.clock.advance(minutes=minutes)
            await self.run_once(Line(self.world, self.witness, alone=True))
        for _ in range(MORE_RUNS):
            self.world.clock.advance(minutes=6)
            if is_idle(await self.run_once(Line(self.world, self.witness, alone=True))):
                break
        else:
            raise AssertionError("it comes to no rest")
        await all_agrees(self.world, self.model, self.witness, self.moves)
        before = await self.effects()
        await self.run_once()
        assert await self.effects() == before, "a run that finds nothing to do did something"

    async def effects(self) -> Collection[object]:
        """Return what a run that finds nothing to do must leave as it is."""
        told = [(len(market.levels_applied), len(market.notes_received)) for market in self.world.marketplaces]
        return [told, await self.world.storage.orders.load(list(self.model.orders))]


def is_idle(report: RunReport | None) -> bool:
    """Say whether a run had every channel to itself, and found nothing to do."""
    assert report is not None
    done = all(one.status == "done" for one in report.channels.values())
    return done and all(getattr(one, name) == 0 for one in report.channels.values() for name in DONE)
