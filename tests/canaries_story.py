"""Two marketplaces on which everything happens that can happen to an order, each bought by a canary."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import attrs

from canaries import SECRET, forms
from ordersync import ChannelId, ChannelOrder, ChannelSettings, Event, RunReport
from ordersync.errors import ChannelAuthError, ChannelRejectedError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.channel_orders import Address, Buyer
from ordersync.model.ids import OrderKey
from ordersync.observers import LogObserver
from ordersync.ports import Storage
from ordersync.testing import FakeMarketplace, ManualClock
from ordersync.testing.market import SightPage
from ordersync.testing.market_orders import ADDRESS, Sight
from runner.world import MARKET, SHOP, World

FATES = (
    "open", "edited", "held", "parked", "moved", "done", "refused-note", "conflict", "cancelled", "deleted",
    "restored", "unpaid", "unreadable", "unreadable-later", "strange-word", "never-read",
)  # fmt: skip
"""What becomes of two orders each: ``<fate>-1`` and ``<fate>-2``."""

BY: dict[str, Any] = {"who": "Ann", "why": "it had to be"}


class Marks:
    """Gives every order a word that stands in all that is personal of it, and nowhere else."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def of(self, reference: str) -> str:
        """Return the mark of an order."""
        return self._marks.setdefault(reference, f"{SECRET}{secrets.token_hex(16)}")

    def buyer(self, reference: str) -> Buyer:
        """Return who buys an order."""
        mark = self.of(reference)
        return Buyer(name=f"Mx {mark}", email=f"{mark}@buyer.example", phone=f"+49 {mark}")

    def address(self, reference: str) -> Address:
        """Return where an order goes."""
        mark = self.of(reference)
        return Address(name=mark, company=mark, lines=(f"{mark} Street", mark), city=mark, postcode=mark, phone=mark)

    def found(self, text: str, references: Iterable[str]) -> list[str]:
        """Return the orders of which *text* holds the mark, a half of it, or another form of it."""
        lower = text.lower()
        return [
            reference
            for reference in references
            if any(
                any(form in lower for form in small) or any(form in text for form in exact)
                for small, exact in self._forms(reference)
            )
        ]

    def _forms(self, reference: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        word = self.of(reference).removeprefix(SECRET)
        return map(forms, (word[: len(word) // 2], word[len(word) // 2 :]))


class Marked(FakeMarketplace):
    """A marketplace that shows an address of its own for every order, in its documents as well."""

    marks: Marks

    async def read_page(self, since: Any, cursor: str | None) -> SightPage:  # noqa: ANN401 - as its base
        """Return a page of marked orders."""
        page = await super().read_page(since, cursor)
        return attrs.evolve(page, sights=[self._marked(sight) for sight in page.sights])

    async def read_sight(self, reference: str) -> Sight | None:
        """Return a marked order."""
        sight = await super().read_sight(reference)
        return None if sight is None else self._marked(sight)

    def _marked(self, sight: Sight) -> Sight:
        address, mark = self.marks.address(sight.reference), self.marks.of(sight.reference)
        document = sight.document.replace(ADDRESS.lines[0].encode(), mark.encode())
        document = document.replace(str(ADDRESS.name).encode(), mark.encode())
        if isinstance(sight.shown, ChannelOrder):
            shown: Any = attrs.evolve(sight.shown, shipping_address=address, raw=document)
        else:
            shown = attrs.evolve(sight.shown, payload=document)
        return attrs.evolve(sight, shown=shown, document=document)


@attrs.define
class Story:
    """What happened, and what was said about it."""

    storage: Storage
    clock: ManualClock
    marks: Marks = attrs.field(factory=Marks)
    reports: list[RunReport] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    errors: list[BaseException] = attrs.field(factory=list)
    began_at: datetime = attrs.field(init=False)
    world: World = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open both marketplaces."""
        self.began_at = self.clock.now()
        self.world = World(self.storage, self.clock)
        self.world.shop = self._open(SHOP, ChannelSettings(), page_size=5)
        self.world.market = self._open(MARKET, ChannelSettings(download_unpaid=True), scan="state")

    def _open(self, channel: ChannelId, settings: ChannelSettings, **traits: Any) -> Marked:  # noqa: ANN401 - traits
        market = Marked(channel, clock=self.clock, settings=settings, **traits)
        market.marks = self.marks
        return market

    async def run(self, *, dry_run: bool = False) -> RunReport:
        """Run once, and keep what was said."""
        self.clock.advance(minutes=90)
        observers = [LogObserver(), self.events.append]
        report = await self.world.runner(observers=observers).run_once(dry_run=dry_run)
        self.reports.append(report)
        self.errors += report.errors
        return report

    def keys(self, number: int) -> list[OrderKey]:
        """Return the first, or the second, of each pair of orders on both channels."""
        return [OrderKey(channel, f"{fate}-{number}") for channel in (SHOP, MARKET) for fate in FATES]

    async def run_cut(self) -> None:
        """Run until the third page is asked for, and be cancelled then."""
        calls = 0

        async def cancel(_method: str, _when: str) -> None:
            nonlocal calls
            calls += 1
            if calls == 3:
                task.cancel()
            await asyncio.sleep(0)

        self.world.shop.on_call = cancel
        task = asyncio.ensure_future(self.run())
        try:
            await task
        except asyncio.CancelledError as exc:
            self.errors.append(exc)
        self.world.shop.on_call = None

    async def tell(self) -> None:
        """Live through everything."""
        world = self.world
        await world.stock("MUG", 500)
        for market in (world.shop, world.market):
            await world.sell(market, "MUG", 500)
            self._place(market)
        await self.run()
        await self._people()
        for market in (world.shop, world.market):
            self._change(market)
        await self.run(dry_run=True)
        await self.run_cut()
        await self.run()
        await self._trouble()

    def _place(self, market: FakeMarketplace) -> None:
        for fate in FATES:
            for number in (1, 2):
                reference = f"{fate}-{number}"
                paid = fate != "unpaid" or market.id == MARKET
                market.place(reference, lines={"MUG": 2}, paid=paid, buyer=self.marks.buyer(reference))
                if fate == "unreadable":
                    market.spoil(reference)
                elif fate == "never-read":
                    market.spoil(reference, anonymous=True)
                elif fate == "strange-word":
                    market.set_status(reference, "Quixotic")

    async def _people(self) -> None:
        world, desk = self.world, self.world.desk
        for key in self.keys(1) + self.keys(2):
            match key.reference[:-2]:
                case "held":
                    await desk.hold(key, **BY)
                case "parked":
                    await desk.park(key, **BY)
                case "moved":
                    await desk.move(key, "annex", **BY)
                case "done" | "refused-note" | "conflict":
                    await world.process(key.reference, key.channel)
                case "deleted" | "restored":
                    await desk.delete(key, **BY)
        for market in (world.shop, world.market):
            market.fail_next("send_dispatch", ChannelRejectedError(f"{market.id}: the order is on hold"), times=2)

    def _change(self, market: FakeMarketplace) -> None:
        for number in (1, 2):
            market.edit(f"edited-{number}", {"MUG": 3})
            market.cancel(f"cancelled-{number}")
            market.edit(f"conflict-{number}", {"MUG": 5})
            market.spoil(f"unreadable-later-{number}")

    async def _trouble(self) -> None:
        """Let every kind of error come up, then let all be well again."""
        for key in self.keys(1) + self.keys(2):
            if key.reference.startswith("restored"):
                await self.world.desk.restore(key, **BY)
        failures = (
            ChannelUnavailableError("503", applied=False),
            ChannelResponseError("the answer is not JSON"),
            ChannelRejectedError("the page token is not one of this scan"),
            ChannelAuthError("the credentials are refused"),
        )
        for failure in failures:
            for market in (self.world.shop, self.world.market):
                market.fail_next("*", failure, times=2)
            await self.run()
        for market in (self.world.shop, self.world.market):
            market.recover()
        self.clock.advance(days=1)
        await self.run()


def leaves(value: object, seen: set[int] | None = None) -> Iterator[str]:
    """Yield every text and every bytes that can be reached from a value, hidden from its repr or not."""
    seen = set() if seen is None else seen
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value).decode("latin-1")
    elif not isinstance(value, int | float | Enum | type) and value is not None and id(value) not in seen:
        seen.add(id(value))
        for part in _parts(value):
            yield from leaves(part, seen)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if type(value).__module__.startswith("ordersync"):
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        return [*vars(value).values()] if hasattr(value, "__dict__") else [getattr(value, n, None) for n in slots]
    return []


def bytes_of(folder: Path) -> str:
    """Return what all files of a folder hold."""
    return "\n".join(file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file())
