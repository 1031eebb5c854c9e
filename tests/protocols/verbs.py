"""What a person at the desk may do in a schedule drawn by chance."""

from __future__ import annotations

from ordersync import Order, OrderDesk, OrderState, Parcel
from ordersync.conflicts import possible

ADA = "Ada"
WHY = "asks the buyer"


async def lock(desk: OrderDesk, order: Order, _number: str) -> None:
    """Hold, or resume what is held."""
    await (desk.hold(order.key, who=ADA, why=WHY) if order.held is None else desk.resume(order.key, who=ADA))


async def set_aside(desk: OrderDesk, order: Order, _number: str) -> None:
    """Park, or unpark what is parked."""
    await (desk.park(order.key, who=ADA, why=WHY) if order.set_aside is None else desk.unpark(order.key, who=ADA))


async def bury(desk: OrderDesk, order: Order, _number: str) -> None:
    """Delete, or restore what is deleted."""
    gone = order.state is OrderState.DELETED
    await (desk.restore(order.key, who=ADA) if gone else desk.delete(order.key, who=ADA, why=WHY))


async def move(desk: OrderDesk, order: Order, number: str) -> None:
    """Move to another location."""
    await desk.move(order.key, {"0": "main", "1": "depot", "2": "depot"}[number], who=ADA)


async def relink(desk: OrderDesk, order: Order, _number: str) -> None:
    """Let the lines mean what they mean now."""
    await desk.relink(order.key, who=ADA)


async def resolve(desk: OrderDesk, order: Order, number: str) -> None:
    """Resolve a conflict, one way or another; where there is none, hold or resume."""
    choices = sorted(possible(order))
    if not choices:
        return await lock(desk, order, number)
    await desk.resolve(order.key, choices[int(number) % len(choices)], who=ADA)
    return None


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
