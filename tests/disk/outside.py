"""Two marketplaces that outlive a process: what takes effect on them is a line of a log, read at the next start."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ordersync import ChannelId
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import OrderKey
from ordersync.model.listings import StockResult, StockUpdate
from ordersync.testing import START, FakeMarketplace, ManualClock

SHOP, BAZAAR = ChannelId("Shop", "north"), ChannelId("Bazaar", "uk")
SKUS = ("MUG", "LID", "PEN")
PAGE = 10


class Log:
    """A file to which lines of JSON are appended, each by one call of the operating system."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, *facts: object) -> None:
        """Append one line."""
        os.write(self._handle, json.dumps(facts).encode() + b"\n")

    def lines(self) -> list[list[Any]]:
        """Return all lines."""
        return lines_of(self._path)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def lines_of(path: Path) -> list[list[Any]]:
    """Return the lines of a log; none where there is no file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


class LoggedMarket(FakeMarketplace):
    """A marketplace that logs each level that it shows and each note that it obeys."""

    tell: Callable[..., None]

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Show these levels, and log it."""
        answer = await super().push_stock(updates)
        for update in updates:
            self.tell("level", str(self.id), update.channel_sku, update.quantity)
        return answer

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Mark the note's lines as shipped, and log it."""
        await super().send_dispatch(note)
        facts = (note.id, note.order_key.reference, dict(note.lines), note.carrier, note.tracking_number)
        self.tell("note", str(self.id), *facts)


class Outside:
    """Both marketplaces, as their log says they are."""

    def __init__(self, log: Log, clock: ManualClock, *, orders: int) -> None:
        """Do again what is in the log, each thing at its time, and go on an hour later.

        *orders* is how many further orders the shop has in the morning.
        """
        self._log, self._clock, self._orders = log, clock, orders
        self.shop, self.bazaar = (self._open(channel) for channel in (SHOP, BAZAAR))
        self._reached: set[str] = set()
        before = log.lines()
        for minutes, what, *facts in before:
            clock.advance(minutes=minutes - self._minutes())
            self._again(what, facts)
        clock.advance(hours=1 if before else 0)
        self._tell("start")

    @property
    def markets(self) -> Mapping[str, LoggedMarket]:
        """Return the marketplaces by name."""
        return {str(one.id): one for one in (self.shop, self.bazaar)}

    def reach(self, stage: str) -> None:
        """Let happen what happens at the marketplaces at a stage, once."""
        if stage not in self._reached:
            self._tell("stage", stage)
            self._again("stage", [stage])

    def state(self) -> Mapping[str, Any]:
        """Return what is to be the same at every end: levels, and pieces shipped."""
        return {
            name: {
                "levels": market.levels,
                "shipped": sorted([one.reference, sorted(one.lines.items())] for one in market.shipments),
            }
            for name, market in self.markets.items()
        }

    def _open(self, channel: ChannelId) -> LoggedMarket:
        market = LoggedMarket(channel, clock=self._clock, page_size=PAGE)
        market.tell = self._tell
        return market

    def _minutes(self) -> float:
        return (self._clock.now() - START).total_seconds() / 60

    def _tell(self, *facts: object) -> None:
        self._log.add(self._minutes(), *facts)

    def _again(self, what: str, facts: list[Any]) -> None:
        if what == "stage":
            self._reached.add(facts[0])
            STAGES[facts[0]](self)
        elif what == "level":
            name, sku, quantity = facts
            self.markets[name].list_sku(sku, quantity)
        elif what == "note":
            self._receive(*facts)

    def _receive(self, name: str, note: str, reference: str, lines: dict[str, int], *label: str) -> None:
        carrier, number = label
        market, now = self.markets[name], self._clock.now()
        known = DispatchNote(
            id=note,
            order_key=OrderKey(market.id, reference),
            channel_order_id=None,
            lines=lines,
            carrier=carrier,
            service=None,
            tracking_number=number,
            tracking_url=None,
            dispatched_at=now,
        )
        market.receive(known, now)

    def morning(self) -> None:
        """Goods are listed, and people have bought."""
        for sku in SKUS:
            for market in (self.shop, self.bazaar):
                market.list_sku(sku)
        self.shop.place("1001", lines={"MUG": 2, "LID": 1})
        self.shop.place("1002", lines={"MUG": 1})
        self.shop.place("1003", lines={"LID": 2}, paid=False)
        self.shop.place("1004", lines={"GIFT-CARD": 1})
        self.shop.place("1005", lines={"PEN": 1})
        self.shop.spoil("1005")
        self.bazaar.place("B-1", lines={"PEN": 3, "MUG": 1})
        for number in range(self._orders):
            self.shop.place(f"2{number:03}", lines={SKUS[number % len(SKUS)]: 1 + number % 2})

    def noon(self) -> None:
        """A buyer cancels, one pays, one wants less; a document is mended."""
        self.shop.cancel("1002")
        self.shop.pay("1003")
        self.shop.edit("1003", {"LID": 1})
        self.shop.mend("1005")
        self.bazaar.place("B-2", lines={"LID": 2})

    def evening(self) -> None:
        """One more buys."""
        self.shop.place("1006", lines={"PEN": 2})


STAGES: Mapping[str, Callable[[Outside], None]] = {
    "morning": Outside.morning,
    "noon": Outside.noon,
    "evening": Outside.evening,
}
