"""A storage that notes every arrow that an order takes, and can be cut off from its ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from ordersync import Order, OrderState, Storage
from ordersync.errors import StorageUnavailableError
from ordersync.lifecycle import ARROWS, OrderEvent
from ordersync.model.orders import LIVE, OrderChange
from ordersync.model.pages import PageWork
from ordersync.ports import OrderStore, ParcelAnswer, StockLedger

Arrow = tuple[OrderState, OrderEvent]
Verb = Callable[..., Awaitable[Any]]


class ArrowsTaken:
    """Stands before a storage and notes the arrows of what is written; ``cut``: the ledger reserves nothing."""

    def __init__(self, storage: Storage) -> None:
        """Note nothing yet, and cut nothing off."""
        self.arrows: list[Arrow] = []
        self.strange: list[tuple[OrderState, str, OrderState]] = []
        self.cut = False
        self.opened = storage
        self._orders = storage.orders
        self.storage = storage.replace(
            orders=cast("OrderStore", _Port(storage.orders, self._on_orders)),
            stock=cast("StockLedger", _Port(storage.stock, self._on_stock)),
        )

    async def _on_stock(self, verb: str, call: Verb, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        if verb == "reserve" and self.cut:
            raise StorageUnavailableError("the ledger is away; run again later")
        return await call(*args, **options)

    async def _on_orders(self, verb: str, call: Verb, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        written = _written(verb, args, options)
        keys = args[0] if verb == "reserved" else [order.key for order, _ in written]
        before = await self._orders.load(keys) if keys else {}
        answer = await call(*args, **options)
        if verb == "reserved":
            after = await self._orders.load(keys)
            for key in keys:
                if before[key].state is not after[key].state:
                    self._note(before[key].state, OrderEvent.RESERVED.value, after[key].state)
        elif answer is True or answer is ParcelAnswer.RECORDED:
            for order, change in written:
                self._note(before[order.key].state, "" if change is None else change.event, order.state)
        return answer

    def _note(self, before: OrderState, event: str, after: OrderState) -> None:
        """Note the arrow of this event; a conflict that was resolved took the one that leads to where it ended.

        Of an ended order its channel's facts are taken over, which is no step of its life.
        """
        if before is after and before not in LIVE and event == OrderEvent.EDITED.value:
            return
        arrows = [(state, one) for (state, one), to in ARROWS.items() if (state, to) == (before, after)]
        named = [arrow for arrow in arrows if arrow[1].value == event]
        if named or (event == OrderEvent.RESOLVED.value and arrows):
            self.arrows.append((named or arrows)[0])
        else:
            self.strange.append((before, event, after))


def _written(verb: str, args: tuple[Any, ...], options: dict[str, Any]) -> list[tuple[Order, OrderChange | None]]:
    if verb == "replace":
        return [(args[0], options.get("change"))]
    if verb == "record_parcel":
        return [(args[1], options.get("change"))]
    if verb == "save_page":
        work: PageWork = args[0]
        return [(changed.order, changed.change) for changed in work.changed]
    return []


class _Port:
    def __init__(self, port: object, around: Callable[..., Awaitable[Any]]) -> None:
        self._port, self._around = port, around

    def __getattr__(self, verb: str) -> Verb:
        call = getattr(self._port, verb)

        async def passed_on(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the verb takes and answers
            return await self._around(verb, call, args, options)

        return passed_on
