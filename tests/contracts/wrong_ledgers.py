"""Ledgers with one mistake each, and the law that must find it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ordersync.model.ids import OrderKey
from ordersync.model.stock import Claim, Deduction, Movement, StockLevel
from ordersync.storage.memory import MemoryStockLedger

Place = tuple[str, str]


class IgnoresRevision(MemoryStockLedger):
    """Takes every claim for the newest."""

    def _hold(self, claim: Claim) -> None:
        held = self._held.get(claim.order_key)
        if held is not None:
            self._held[claim.order_key] = attrs.evolve(held, revision=1)
        super()._hold(attrs.evolve(claim, revision=claim.revision + 1))


class ForgetsEmptyClaims(MemoryStockLedger):
    """Forgets an order that wants nothing any more."""

    def _hold(self, claim: Claim) -> None:
        super()._hold(claim)
        if not self._held[claim.order_key].wanted:
            self._held[claim.order_key] = attrs.evolve(claim, revision=1, wanted={})


class AddsUp(MemoryStockLedger):
    """Adds a newer claim to what the order holds in other places."""

    def _hold(self, claim: Claim) -> None:
        held = self._held.get(claim.order_key)
        if held is not None and claim.revision > held.revision:
            claim = attrs.evolve(claim, wanted={**held.wanted, **claim.wanted})
        super()._hold(claim)


class AnswersClaimed(MemoryStockLedger):
    """Answers with the revision that was claimed, not with the one held."""

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Answer what was asked."""
        await super().reserve(claims, at=at)
        return {claim.order_key: claim.revision for claim in claims}


class TellsOrdersApartByText(MemoryStockLedger):
    """Takes two orders for one whose keys look alike when written together."""

    def _hold(self, claim: Claim) -> None:
        key = claim.order_key
        text = f"{key.channel.source}/{key.channel.subsource}/{key.reference}"
        for known in list(self._held):
            if f"{known.channel.source}/{known.channel.subsource}/{known.reference}" == text:
                self._held[key] = self._held[known]
        super()._hold(claim)


class RefusesOversell(MemoryStockLedger):
    """Reserves no more than there is."""

    def _hold(self, claim: Claim) -> None:
        there = {place: min(quantity, self._on_hand.get(place, 99)) for place, quantity in claim.wanted.items()}
        super()._hold(attrs.evolve(claim, wanted=there))


class DeductsTwice(MemoryStockLedger):
    """Takes goods off on-hand as often as it is told."""

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Forget the id."""
        self._moved.discard(deduction.id)
        await super().deduct(deduction, at=at)


class SkipsStaleDeductions(MemoryStockLedger):
    """Skips a parcel whose claim was overtaken."""

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Compare the claim first."""
        held = self._held.get(deduction.claim.order_key)
        if held is None or deduction.claim.revision > held.revision:
            await super().deduct(deduction, at=at)


class DeductsTheReserved(MemoryStockLedger):
    """Ignores the claim of a parcel whose order it has never heard of."""

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Hold nothing for it."""
        known = deduction.claim.order_key in self._held or deduction.claim.revision > 1
        claim = deduction.claim if known else attrs.evolve(deduction.claim, wanted={})
        await super().deduct(attrs.evolve(deduction, claim=claim), at=at)


class UsedIdStopsClaim(MemoryStockLedger):
    """Ignores the claim of a parcel that has left."""

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Look at the id alone."""
        if deduction.id not in self._moved:
            await super().deduct(deduction, at=at)


class AcknowledgesBlindly(MemoryStockLedger):
    """Forgets also what changed since it was told."""

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Forget."""
        await super().acknowledge({sku: self._versions[sku] for sku in versions})


class AnnouncesEverything(MemoryStockLedger):
    """Takes every claim for a change."""

    def _hold(self, claim: Claim) -> None:
        super()._hold(claim)
        for sku, _ in claim.wanted:
            self._versions[sku] += 1


class AnnouncesSums(MemoryStockLedger):
    """Announces only what changes the sum over all locations."""

    def _hold(self, claim: Claim) -> None:
        held = self._held.get(claim.order_key)
        before, versions = sum(() if held is None else held.wanted.values()), dict(self._versions)
        super()._hold(claim)
        if sum(claim.wanted.values()) == before:
            self._versions.update(versions)


class VersionsStartAnew(MemoryStockLedger):
    """Counts a SKU's changes anew once they are acknowledged."""

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Start from zero."""
        for sku, version in versions.items():
            if self._versions[sku] == version:
                self._versions[sku] = self._acknowledged[sku] = 0


class NoDifferenceNoMovement(MemoryStockLedger):
    """Forgets a stocktake that found what was expected."""

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Skip what changes nothing."""
        if quantity != self._on_hand.get((sku, location), 0):
            await super().set_on_hand(sku, location=location, quantity=quantity, movement_id=movement_id, at=at)


class StocktakeAdds(MemoryStockLedger):
    """Adds what was counted to what was there."""

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Add."""
        total = quantity + self._on_hand.get((sku, location), 0)
        await super().set_on_hand(sku, location=location, quantity=total, movement_id=movement_id, at=at)


class HidesStocktakes(MemoryStockLedger):
    """Leaves stocktakes out of the history."""

    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Tell parcels alone."""
        found = await super().history(sku, location=location, limit=limit)
        return [movement for movement in found if "/parcel/" in movement.id]


class InventsLevels(MemoryStockLedger):
    """Has a level of everything."""

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Invent what is missing."""
        found = await super().levels(skus)
        missing = set(skus) - {level.sku for level in found}
        return [*found, *(StockLevel(sku=sku, location="main", on_hand=0, reserved=0) for sku in missing)]


class ReservesOneByOne(MemoryStockLedger):
    """Takes claim by claim, and may be cancelled in between."""

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Pause after each."""
        held: dict[OrderKey, int] = {}
        for claim in claims:
            held |= await super().reserve([claim], at=at)
            await asyncio.sleep(0)
        return held


class LosesUpdates(MemoryStockLedger):
    """Reads, thinks, and writes what it worked out from what it had read."""

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Think."""
        before = dict(self._reserved)
        await asyncio.sleep(0)
        self._reserved.clear()
        self._reserved.update(before)
        return await super().reserve(claims, at=at)


class HalfDone(MemoryStockLedger):
    """Takes goods off on-hand, and may be cancelled before it looks at the claim."""

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Pause in between."""
        held = self._held.get(deduction.claim.order_key)
        claim = attrs.evolve(deduction.claim, revision=1) if held is None else held
        await super().deduct(attrs.evolve(deduction, claim=claim), at=at)
        await asyncio.sleep(0)
        await super().deduct(deduction, at=at)


WRONG_LEDGERS = {
    IgnoresRevision: "test_stale_claim_is_ignored",
    ForgetsEmptyClaims: "test_empty_claim_is_remembered",
    AddsUp: "test_newer_claim_replaces_all_that_is_held",
    AnswersClaimed: "test_stale_claim_in_a_batch_stops_no_other",
    TellsOrdersApartByText: "test_same_reference_on_two_channels_is_two_orders",
    RefusesOversell: "test_oversell_is_recorded",
    DeductsTwice: "test_deduction_happens_once",
    SkipsStaleDeductions: "test_stale_claim_stops_no_movement",
    DeductsTheReserved: "test_deduction_may_bring_the_first_claim",
    UsedIdStopsClaim: "test_used_id_stops_no_newer_claim",
    AcknowledgesBlindly: "test_change_in_between_is_not_lost",
    AnnouncesEverything: "test_claim_that_changes_nothing_is_no_news",
    AnnouncesSums: "test_moved_reservation_is_news",
    VersionsStartAnew: "test_versions_only_grow",
    NoDifferenceNoMovement: "test_stocktake_that_found_no_difference_happens_once",
    StocktakeAdds: "test_stocktake_sets_on_hand",
    HidesStocktakes: "test_on_hand_is_the_sum_of_the_movements",
    InventsLevels: "test_unknown_sku_has_no_levels",
    ReservesOneByOne: "test_reserve_may_be_cancelled",
    LosesUpdates: "test_concurrent_reservations_add_up",
    HalfDone: "test_deduct_may_be_cancelled",
}
