"""A person at the desk, who does things to orders at bad moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from ...desk import OrderDesk
from ...errors import ParcelConflictError, TransitionError
from ...model.dispatch import NoteStatus, Parcel
from ...model.ids import OrderKey
from ...model.orders import LIVE, Order, OrderState, Resolution
from .processes import Process
from .stage import Stage

WHO, WHY = "Ada", "asked by the buyer"
AGAIN = 4
"""So many of the last parcels may be asked for again."""

AT_HAND = 0.5
"""How often somebody does something to the very order that somebody did something to before."""


@attrs.define
class Papers:
    """What lies on the desks: the parcels that were asked for, and the order that was handled last."""

    asked: list[tuple[Order, Parcel]] = attrs.field(factory=list)
    at_hand: OrderKey | None = None


class Clerk:
    """A person at the desk, at the storage as one process reaches it."""

    def __init__(self, stage: Stage, process: Process, chance: random.Random, papers: Papers) -> None:
        self.stage, self.chance, self.papers, self.asked = stage, chance, papers, papers.asked
        self.storage = stage.reach(process)
        self.desk = OrderDesk(self.storage, clock=stage.clock)

    def an_order(self, fits: Callable[[Order], bool]) -> Order | None:
        """Return some order of some channel that fits, as the clerk sees it on the screen; often the last one."""
        last = self._at_hand() if self.chance.random() < AT_HAND else None
        if last is not None and fits(last):
            return last
        channels = list(self.stage.settings)
        for channel in self.chance.sample(channels, len(channels)):
            found = [order for order in self.stage.reader.orders(channel) if fits(order)]
            if found:
                return self.chance.choice(found)
        return None

    def _at_hand(self) -> Order | None:
        key = self.papers.at_hand
        return None if key is None else self.stage.reader.order(key)

    async def to_some(self, fits: Callable[[Order], bool], verb: Callable[[Order], Awaitable[object]]) -> None:
        """Do something to an order that fits; sometimes as it was when the screen was drawn a while ago."""
        order = self.an_order(fits)
        if order is None:
            return
        self.papers.at_hand = order.key
        if self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.uniform(1.0, 60.0))
        await verb(order)

    async def process(self) -> None:
        """Process all that is open of an order."""
        await self.to_some(_may_be_processed, lambda order: self._send(order, lines=None))

    async def part(self) -> None:
        """Process one piece or two of an order, and leave some for later if there are more."""

        def some(order: Order) -> Awaitable[object]:
            line = self.chance.choice([line for line in order.lines if line.open])
            return self._send(order, lines={line.line_id: self.chance.randint(1, max(1, line.open - 1))})

        await self.to_some(_may_be_processed, some)

    async def _send(self, order: Order, lines: Mapping[str, int] | None, *, label: str | None = None) -> None:
        name = f"p{len(self.asked) + 1}"
        label = label or (f"JD{len(self.asked) + 1:04}" if self.chance.random() < 0.7 else None)
        parcel = Parcel(id=name, lines=lines, carrier="DHL" if label else None, tracking_number=label)
        self.asked.append((order, parcel))
        await self.desk.process(order.key, parcel)

    async def next(self) -> None:
        """Process the next piece of an order of which something was packed just now, whatever became of it.

        Often it goes on the same truck under the same number, as two boxes of one shipment do.
        """
        order = self.stage.reader.order(self.asked[-1][0].key) if self.asked else None
        if order is not None and any(line.open for line in order.lines):
            label = self.asked[-1][1].tracking_number if self.chance.random() < 0.5 else None
            await self._send(order, lines={next(line.line_id for line in order.lines if line.open): 1}, label=label)

    async def again(self) -> None:
        """Ask for a parcel again, as whoever got no answer does; what was recorded is never refused."""
        if not self.asked:
            return
        order, parcel = self.chance.choice(self.asked[-AGAIN:])
        known = self.stage.reader.parcel(order.key, parcel.id)
        try:
            await self.desk.process(order.key, parcel)
        except (ParcelConflictError, TransitionError) as refused:
            if known is None or known.asked != parcel:
                raise
            self.stage.referee.found("R09", f"{order.key}: parcel {parcel.id!r} was asked for again: {refused}")

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

        def elsewhere(order: Order) -> Awaitable[object]:
            others = [place for place in self.stage.locations if place != order.location]
            return self.desk.move(order.key, self.chance.choice(others), who=WHO)

        await self.to_some(_is_live, elsewhere)

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
