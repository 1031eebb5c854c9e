"""What a person at the desk may do in a schedule drawn by chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ordersync import Order, OrderDesk, OrderKey, Parcel, lifecycle
from ordersync.model.orders import Hold


class Desk(OrderDesk):
    """A desk with verbs that come with a later issue."""

    async def change(self, order: OrderKey, step: Callable[[Order], Order]) -> None:
        """Write one step and settle it."""
        await self._change(order, step)


async def lock(desk: OrderDesk, order: Order, _number: str) -> None:
    """Hold, or resume what is held."""
    lock = None if order.held else Hold(who="Ada", why="asks", at=order.placed_at)
    await cast("Desk", desk).change(order.key, lambda one: lifecycle.advance(one, held=lock))


async def move(desk: OrderDesk, order: Order, number: str) -> None:
    """Move to another location."""
    place = {"0": "main", "1": "depot", "2": "depot"}[number]
    await cast("Desk", desk).change(order.key, lambda one: lifecycle.advance(one, location=place))


async def whole(desk: OrderDesk, order: Order, number: str) -> None:
    """Process what is open."""
    await desk.process(order.key, Parcel(carrier="DHL", tracking_number="JD" if number == "0" else None))


async def part(desk: OrderDesk, order: Order, number: str) -> None:
    """Process one piece."""
    line = next((line for line in order.lines if line.open), order.lines[0])
    tracking = {"0": None, "1": "JD", "2": "JD"}[number]
    await desk.process(order.key, Parcel(id=f"p{number}", lines={line.line_id: 1}, tracking_number=tracking))


async def twice(desk: OrderDesk, order: Order, number: str) -> None:
    """Process what is open, and ask again."""
    await whole(desk, order, number)
    await whole(desk, order, number)


async def cancel(desk: OrderDesk, order: Order, _number: str) -> None:
    """Cancel."""
    await desk.cancel(order.key)


async def requeue(desk: OrderDesk, order: Order, number: str) -> None:
    """Requeue a note."""
    await desk.requeue(order.key, parcel_id=f"p{number}")
