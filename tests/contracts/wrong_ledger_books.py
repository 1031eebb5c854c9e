"""Ledgers with one mistake each in what people tell them and in their books, and the law that must find it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from ordersync.model.audits import LevelFinding
from ordersync.model.ids import OrderKey
from ordersync.model.stock import Claim, StockLevel
from ordersync.storage.memory import MemoryStockLedger


class AdjustmentSets(MemoryStockLedger):
    """Takes a difference for a count."""

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Set."""
        difference = quantity - self._on_hand.get((sku, location), 0)
        if difference:
            await super().adjust(sku, location=location, quantity=difference, movement_id=movement_id, at=at)


class AdjustsTwice(MemoryStockLedger):
    """Adjusts as often as it is told."""

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Forget the id."""
        self._moved.discard(movement_id)
        await super().adjust(sku, location=location, quantity=quantity, movement_id=movement_id, at=at)


class AdjustsToZero(MemoryStockLedger):
    """Takes off no more than there is."""

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Stop at zero."""
        there = self._on_hand.get((sku, location), 0)
        most = max(quantity, -there) or quantity
        await super().adjust(sku, location=location, quantity=most, movement_id=movement_id, at=at)


class TakesAnything(MemoryStockLedger):
    """Checks nothing."""

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Write it down."""
        self._move(movement_id, {(sku, location): quantity}, at)


class TransferLosesPieces(MemoryStockLedger):
    """Takes pieces from one place and puts them nowhere."""

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Take."""
        assert destination
        await self.adjust(sku, location=source, quantity=-quantity, movement_id=movement_id, at=at)


class TransferIsTwoMovements(MemoryStockLedger):
    """Gives the two ends of a transfer ids of its own."""

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Take, and put."""
        await self.adjust(sku, location=source, quantity=-quantity, movement_id=f"{movement_id}/out", at=at)
        await self.adjust(sku, location=destination, quantity=quantity, movement_id=f"{movement_id}/in", at=at)


class HalfTransferred(MemoryStockLedger):
    """Takes pieces from one place, and may be cancelled before it puts them into the other."""

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Pause in between."""
        if movement_id not in self._moved:
            self._move(movement_id, {(sku, source): -quantity}, at)
            await asyncio.sleep(0)
            self._moved.discard(movement_id)
            self._move(movement_id, {(sku, destination): quantity}, at)


class HidesEmptyHolds(MemoryStockLedger):
    """Tells no hold of an order that holds nothing any more."""

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Leave out what is empty."""
        return [claim for claim in await super().holds(after=after, limit=limit) if claim.wanted]


class SortsHoldsByText(MemoryStockLedger):
    """Tells holds in the order of their keys written down."""

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Sort by text."""
        keys = sorted((key for key in self._held if after is None or str(key) > str(after)), key=str)
        return [self._held[key] for key in keys[:limit]]


class TellsHoldsAgain(MemoryStockLedger):
    """Begins a page with the last hold of the page before."""

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Include the last one."""
        keys = sorted(key for key in self._held if after is None or key >= after)
        return [self._held[key] for key in keys[:limit]]


class JustEnoughIsShort(MemoryStockLedger):
    """Takes what is sold out for oversold."""

    async def shortages(self) -> Sequence[StockLevel]:
        """Include zero."""
        return [level for level in self._levels() if level.available <= 0]


class RecountFindsNothing(MemoryStockLedger):
    """Adds up nothing."""

    async def recount(self) -> Sequence[LevelFinding]:
        """Be content."""
        return []


class MendsBlindly(MemoryStockLedger):
    """Writes what a finding says, whatever has become of it."""

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Write."""
        for one in findings:
            self._on_hand[one.sku, one.location] = one.moved
            self._reserved[one.sku, one.location] = one.held
            self._versions[one.sku] += 1
        return findings


class MendsByLevels(MendsBlindly):
    """Compares only the level with what was found, and not what it should be."""

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Compare half of it."""
        places = {(level.sku, level.location): (level.on_hand, level.reserved) for level in self._levels()}
        true = [one for one in findings if places.get((one.sku, one.location)) == (one.on_hand, one.reserved)]
        return await super().mend_levels(true)


class MendsSilently(MemoryStockLedger):
    """Tells nobody what it mended."""

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Keep the versions."""
        versions = dict(self._versions)
        mended = await super().mend_levels(findings)
        self._versions.update(versions)
        return mended


class MendsAll(MemoryStockLedger):
    """Mends whatever is wrong, named or not."""

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Mend more."""
        return await super().mend_levels(await self.recount()) if findings else []


WRONG_LEDGER_BOOKS = {
    AdjustmentSets: "test_adjustment_changes_on_hand_by_a_difference",
    AdjustsTwice: "test_adjustment_happens_once",
    AdjustsToZero: "test_adjustment_changes_on_hand_by_a_difference",
    TakesAnything: "test_bad_movement_is_refused",
    TransferLosesPieces: "test_transfer_moves_pieces_to_another_place",
    TransferIsTwoMovements: "test_ids_of_movements_are_shared",
    HalfTransferred: "test_transfer_may_be_cancelled",
    HidesEmptyHolds: "test_holds_are_the_newest_claims",
    SortsHoldsByText: "test_holds_come_by_key",
    TellsHoldsAgain: "test_holds_come_by_key",
    JustEnoughIsShort: "test_shortages_are_levels_below_zero",
    RecountFindsNothing: "test_misstated_level_is_mended",
    MendsBlindly: "test_level_that_moved_since_is_left_alone",
    MendsByLevels: "test_level_that_looks_as_it_did_is_left_alone",
    MendsSilently: "test_misstated_level_is_mended",
    MendsAll: "test_only_named_levels_are_mended",
}

BEYOND_ORDINARY_WORK = (
    TakesAnything,
    HalfTransferred,
    SortsHoldsByText,
    RecountFindsNothing,
    MendsBlindly,
    MendsByLevels,
    MendsSilently,
    MendsAll,
)
"""Those that show only when somebody is cancelled, says nonsense, sells on two channels, or spoils the books."""
