"""A person at the desk, who does things to orders at bad moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ...desk import OrderDesk
from ...model.dispatch import NoteStatus, Parcel
from ...model.orders import LIVE, Order, OrderState, Resolution
from .processes import Process
from .stage import Stage

WHO, WHY = "Ada", "asked by the buyer"
AGAIN = 4
"""So many of the last parcels may be asked for again."""


class Clerk:
    """A person at the desk, at the storage as one process reaches it."""

    def __init__(
        self, stage: Stage, process: Process, chance: random.Random, asked: list[tuple[Order, Parcel]]
    ) -> None:
        self.stage, self.chance, self.asked = stage, chance, asked
        self.storage = stage.reach(process)
        self.desk = OrderDesk(self.storage, clock=stage.clock)

    def an_order(self, fits: Callable[[Order], bool]) -> Order | None:
        """Return some order of some channel that fits, as the clerk sees it on the screen."""
        channel = self.chance.choice(list(self.stage.settings))
        found = [order for order in self.stage.reader.orders(channel) if fits(order)]
        return self.chance.choice(found) if found else None

    async def to_some(self, fits: Callable[[Order], bool], verb: Callable[[Order], Awaitable[object]]) -> None:
        """Do something to an order that fits; sometimes as it was when the screen was drawn a while ago."""
        order = self.an_order(fits)
        if order is None:
            return
        if self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.uniform(1.0, 60.0))
        await verb(order)

    async def process(self) -> None:
        """Process all that is open of an order."""
        await self.to_some(_may_be_processed, lambda order: self._send(order, lines=None))

    async def part(self) -> None:
        """Process one piece or two of an order."""

        def some(order: Order) -> Awaitable[object]:
            line = self.chance.choice([line for line in order.lines if line.open])
            return self._send(order, lines={line.line_id: self.chance.randint(1, line.open)})

        await self.to_some(_may_be_processed, some)

    async def _send(self, order: Order, lines: Mapping[str, int] | None) -> None:
        number = len(self.asked) + 1
        tracked = self.chance.random() < 0.7
        parcel = Parcel(
            id=f"p{number}",
            lines=lines,
            carrier="DHL" if tracked else None,
            tracking_number=f"JD{number:04}" if tracked else None,
        )
        self.asked.append((order, parcel))
        await self.desk.process(order.key, parcel)

    async def next(self) -> None:
        """Process the next piece of an order of which something was packed just now, whatever became of it."""
        order = self.stage.reader.order(self.asked[-1][0].key) if self.asked else None
        if order is not None and any(line.open for line in order.lines):
            await self._send(order, lines={next(line.line_id for line in order.lines if line.open): 1})

    async def again(self) -> None:
        """Ask for a parcel again, as whoever got no answer does."""
        if self.asked:
            order, parcel = self.chance.choice(self.asked[-AGAIN:])
            await self.desk.process(order.key, parcel)

    async def other(self) -> None:
        """Ask for a parcel again, by mistake with another quantity."""
        if self.asked:
            order, parcel = self.chance.choice(self.asked[-AGAIN:])
            line = order.lines[0]
            await self.desk.process(order.key, Parcel(id=parcel.id, lines={line.line_id: line.quantity + 1}))

    async def cancel(self) -> None:
        """Cancel what is open."""
        await self.to_some(_is_live, lambda order: self.desk.cancel(order.key, who=WHO, why=WHY))

    async def hold(self) -> None:
        """Lock an order."""
        await self.to_some(_is_live, lambda order: self.desk.hold(order.key, who=WHO, why=WHY))

    async def resume(self) -> None:
        """Unlock one."""
        await self.to_some(lambda order: order.held is not None, lambda order: self.desk.resume(order.key, who=WHO))

    async def park(self) -> None:
        """Set an order aside."""
        await self.to_some(_is_live, lambda order: self.desk.park(order.key, who=WHO, why=WHY))

    async def unpark(self) -> None:
        """Take it up again."""
        await self.to_some(lambda order: order.set_aside is not None, lambda one: self.desk.unpark(one.key, who=WHO))

    async def move(self) -> None:
        """Send an order from another location."""
        place = self.chance.choice(self.stage.locations)
        await self.to_some(_is_live, lambda order: self.desk.move(order.key, place, who=WHO))

    async def relink(self) -> None:
        """Let an order's lines mean what they mean now."""
        await self.to_some(_is_live, lambda order: self.desk.relink(order.key, who=WHO))

    async def delete(self) -> None:
        """Delete an order."""
        await self.to_some(_is_kept, lambda order: self.desk.delete(order.key, who=WHO, why=WHY))

    async def restore(self) -> None:
        """Bring one back."""
        await self.to_some(lambda order: not _is_kept(order), lambda order: self.desk.restore(order.key, who=WHO))

    async def resolve(self) -> None:
        """Decide a conflict, one way or another."""
        choice = self.chance.choice([*Resolution, Resolution.FOLLOW, Resolution.FOLLOW])
        await self.to_some(
            lambda order: order.conflict is not None and _is_kept(order),
            lambda order: self.desk.resolve(order.key, choice, who=WHO),
        )

    async def requeue(self) -> None:
        """Let a note that came to nothing be tried again."""
        await self._to_a_note(
            lambda order, parcel_id: self.desk.requeue(order.key, parcel_id=parcel_id),
            (NoteStatus.REJECTED, NoteStatus.UNKNOWN, NoteStatus.GAVE_UP),
        )

    async def track(self) -> None:
        """Give a parcel its tracking number."""
        number = f"TR{self.chance.randrange(1000):03}"
        await self._to_a_note(
            lambda order, parcel_id: self.desk.set_tracking(
                order.key, parcel_id=parcel_id, carrier="UPS", tracking_number=number
            ),
            (NoteStatus.WAITING, NoteStatus.QUEUED),
        )

    async def _to_a_note(self, verb: Callable[[Order, str], Awaitable[object]], statuses: Sequence[NoteStatus]) -> None:
        found = [
            (order, note.parcel_id)
            for order, parcel in self.asked
            for note in self.stage.reader.notes(order.key)
            if note.status in statuses and note.parcel_id == parcel.id
        ]
        if found:
            await verb(*self.chance.choice(found))

    async def erase(self) -> None:
        """Forget who bought an order."""
        await self.to_some(lambda _: True, lambda order: self.desk.erase(order.key, who=WHO, why=WHY))

    async def hint(self) -> None:
        """Ask for a look at an order, as a webhook does."""
        key = self.stage.some_key(self.chance)
        if key is not None:
            await self.storage.orders.hint(key, at=self.stage.clock.now())


def _is_live(order: Order) -> bool:
    return order.state in LIVE


def _is_kept(order: Order) -> bool:
    return order.state is not OrderState.DELETED


def _may_be_processed(order: Order) -> bool:
    return _is_live(order) and any(line.open for line in order.lines)


CLERKS: Mapping[str, Callable[[Clerk], Awaitable[None]]] = {
    verb.__name__: verb
    for verb in (
        *(
            Clerk.process,
            Clerk.part,
            Clerk.next,
            Clerk.again,
            Clerk.other,
            Clerk.cancel,
            Clerk.hold,
            Clerk.resume,
            Clerk.park,
        ),
        *(Clerk.unpark, Clerk.move, Clerk.relink, Clerk.delete, Clerk.restore, Clerk.resolve, Clerk.requeue),
        *(Clerk.track, Clerk.erase, Clerk.hint),
    )
}
"""What a clerk may do, by name."""
