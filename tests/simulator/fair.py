"""A marketplace of the simulated world on a clock that tests move, and a program that reaches it over the net."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ordersync import ChannelId, DispatchNote, OrderKey, StockUpdate
from ordersync.testing.simulator.chances import Chances
from ordersync.testing.simulator.channel import TrueChannel, true_channel
from ordersync.testing.simulator.loop import SimLoop
from ordersync.testing.simulator.market import MarketTraits, TrueMarket
from ordersync.testing.simulator.net import FaultNet
from ordersync.testing.simulator.processes import Process
from ordersync.testing.simulator.trace import Trace

T = TypeVar("T")

SHOP = ChannelId("M1", "shop")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Fair:
    """A marketplace that offers 10 of S1 and 10 of S2; its clock stands still unless it is moved."""

    def __init__(self, seed: int = 0, **traits: Any) -> None:  # noqa: ANN401 - of MarketTraits
        self.time = START
        self.trace = Trace(self._seconds)
        self.market = TrueMarket(
            "M1",
            MarketTraits(**traits),
            now=lambda: self.time,
            chance=Chances(seed).child("market"),
            trace=self.trace,
        )
        for sku in ("S1", "S2"):
            self.market.offer(sku, 10)

    def _seconds(self) -> float:
        return (self.time - START).total_seconds()

    def wait(self, **duration: float) -> None:
        """Let time pass at the marketplace."""
        self.time += timedelta(**duration)

    def buy(self, **lines: int) -> str:
        """Let somebody buy something: ``S1=2`` is two of S1."""
        reference = self.market.buy(lines)
        assert reference is not None
        return reference

    def listed(self, since: datetime | None = None) -> list[str | None]:
        """Return the references that a whole scan shows, page after page."""
        found, cursor = [], None
        while True:
            documents, cursor, _ = self.market.list_orders(since, cursor)
            found += [document.reference for document in documents]
            if cursor is None:
                return found

    def levels(self, **quantities: int) -> Sequence[StockUpdate]:
        """Return what a push of these levels sends."""
        return [StockUpdate(channel_sku=sku, quantity=q, attempt_id=f"{sku}/{q}") for sku, q in quantities.items()]


def note(reference: str, lines: Mapping[str, int], *, name: str = "p1", tracking: str | None = "T1") -> DispatchNote:
    """Return what is told of a parcel."""
    key = OrderKey(SHOP, reference)
    return DispatchNote(
        id=key.dispatch_id(name),
        order_key=key,
        channel_order_id=None,
        lines=lines,
        carrier="DHL",
        service=None,
        tracking_number=tracking,
        tracking_url=None,
        dispatched_at=START,
    )


class Wire(Fair):
    """The same, with a program that reaches it over a net with faults, in virtual time."""

    def __init__(self, rates: Mapping[str, float], seed: int = 0, **traits: Any) -> None:  # noqa: ANN401 - of MarketTraits
        self.loop = SimLoop()
        super().__init__(seed, **traits)
        self.net = FaultNet(rates, chance=Chances(seed).child("net"), loop=self.loop, trace=self.trace)
        self.process = Process("r1", chance=Chances(seed).child("r1"), trace=self.trace)
        self.channel: TrueChannel = true_channel(SHOP, self.market, self.net, self.process)

    @property
    def time(self) -> datetime:
        """Return the marketplace's time, which is the loop's."""
        return START + timedelta(seconds=self.loop.passed)

    @time.setter
    def time(self, _: datetime) -> None:
        """Ignore what a fair begins with."""

    def live(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* in virtual time; whatever died unseen is raised."""
        answer = self.loop.live(work)
        assert self.loop.casualties == []
        return answer
