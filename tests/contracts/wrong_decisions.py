"""Order stores that remember decisions, forget or erase wrongly, with one mistake each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import Decision, Order, OrderChange, search_name
from ordersync.model.pages import Known, PageWork, Quarantined
from ordersync.ports import ParcelAnswer
from ordersync.storage.memory import MemoryOrderStore


class KeepsTheBuyer(MemoryOrderStore):
    """Keeps the judged order as it came."""

    def _decide(self, decision: Decision, at: datetime) -> None:
        super()._decide(decision, at)
        self._decisions[decision.key] = attrs.evolve(self._decisions[decision.key], seen=decision.seen)


class ForgetsTheJudged(MemoryOrderStore):
    """Keeps nothing of the judged order."""

    def _decide(self, decision: Decision, at: datetime) -> None:
        super()._decide(attrs.evolve(decision, seen=None), at)


class ForgetsThePast(MemoryOrderStore):
    """Keeps what counts now, and nothing else."""

    async def decision_history(self, key: OrderKey) -> Sequence[Decision]:
        """Return the last one."""
        return (await super().decision_history(key))[-1:]


class TellsThePastBackwards(MemoryOrderStore):
    """Tells the newest decision first."""

    async def decision_history(self, key: OrderKey) -> Sequence[Decision]:
        """Turn them around."""
        return (await super().decision_history(key))[::-1]


class SeesThePastAgain(MemoryOrderStore):
    """Takes the sighting that decided otherwise for one of the decision before."""

    def _decide(self, decision: Decision, at: datetime) -> None:
        if decision.key in self._decisions:
            self._decisions[decision.key] = attrs.evolve(self._decisions[decision.key], last_seen_at=at)
        super()._decide(decision, at)


class DecidesAgain(MemoryOrderStore):
    """Takes a page that is written again for another decision."""

    def _decide(self, decision: Decision, at: datetime) -> None:
        before = self._decisions.get(decision.key)
        super()._decide(decision, at)
        if before is not None and before not in self._earlier_decisions.get(decision.key, []):
            self._earlier_decisions.setdefault(decision.key, []).append(before)


class ForgetsTheFirstOfAPage(MemoryOrderStore):
    """Lets the first decision of a page count."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Turn them around."""
        return await super().save_page(attrs.evolve(work, decisions=work.decisions[::-1]), fence=fence, at=at)


class DecidesByTheNumber(MemoryOrderStore):
    """Lists decisions as they came."""

    async def decisions_by_key(self, channel: ChannelId, *, limit: int, **asked: Any) -> Sequence[Decision]:  # noqa: ANN401
        """Sort them by their numbers."""
        found = await super().decisions_by_key(channel, limit=999, **asked)
        return sorted(found, key=lambda decision: decision.key.reference.casefold())[:limit]


class DecidedByReference(MemoryOrderStore):
    """Knows refused orders by their references only."""

    def _names(self, decision: Decision) -> frozenset[str]:
        return (
            super()._names(decision)
            if decision.key in self._orders
            else frozenset([search_name(decision.key.reference)])
        )


class DecidedByFormerNames(MemoryOrderStore):
    """Knows orders by what they were called when they were judged."""

    def _names(self, decision: Decision) -> frozenset[str]:
        names = super()._names(decision)
        for one in (*self._earlier_decisions.get(decision.key, []), decision):
            if one.seen is not None and one.seen.channel_order_id is not None:
                names |= {search_name(one.seen.channel_order_id)}
        return names


class DecidedAnywhere(MemoryOrderStore):
    """Does not listen to which channel is asked for."""

    async def decided(self, reference: str, **_: Any) -> Sequence[Decision]:  # noqa: ANN401
        """Ignore it."""
        return await super().decided(reference)


class ForgetsTheOpen(MemoryOrderStore):
    """Forgets what is old, whether it may still be open or not."""

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        for decision in self._decisions.of(channel):
            if decision.key not in self._orders and (decision.last_seen_at or before) < before:
                yield decision


class ForgetsTheStored(MemoryOrderStore):
    """Forgets what was decided about stored orders, too."""

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        yield from (one for one in self._decisions.of(channel) if one.final and (one.last_seen_at or before) < before)


class ForgetsTheVanished(MemoryOrderStore):
    """Forgets what the last sweep did not show, however young."""

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        swept_at = self._progress[channel].swept_at if channel in self._progress else None
        yield from super()._gone(channel, max(before, swept_at or before))


class ForgetsBlindly(MemoryOrderStore):
    """Takes a sweep for complete that showed documents which name no order."""

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        progress = self._progress
        self._progress = {one: attrs.evolve(known, blind=False) for one, known in progress.items()}
        found = list(super()._gone(channel, before))
        self._progress = progress
        yield from found


class ForgetsTheUnread(MemoryOrderStore):
    """Forgets orders of which documents wait in quarantine."""

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        waiting, self._quarantine = self._quarantine, {}
        found = list(super()._gone(channel, before))
        self._quarantine = waiting
        yield from found


class ForgetsWithoutEnd(MemoryOrderStore):
    """Does not listen to how many are to be dropped."""

    async def forget(self, channel: ChannelId, **asked: Any) -> int:  # noqa: ANN401
        """Drop them all."""
        return await super().forget(channel, **(asked | {"limit": 999}))


class ForgetsTheDoubts(MemoryOrderStore):
    """Knows nothing of a forgotten order."""

    async def known(
        self, channel: ChannelId, references: Collection[str], *, fence: Fence | None = None
    ) -> Mapping[str, Known]:
        """Leave out what has no decision."""
        found = await super().known(channel, references, fence=fence)
        return {name: one for name, one in found.items() if OrderKey(channel, name) in self._decisions}


class ErasesSilently(MemoryOrderStore):
    """Erases an order without a new revision."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Put the revisions back."""
        before = {key: self._orders[key].revision for key in keys if key in self._orders}
        await super().erase(keys, at=at)
        for key, revision in before.items():
            self._orders[key] = attrs.evolve(self._orders[key], revision=revision)


class ErasesTheStored(MemoryOrderStore):
    """Remembers only the erasure of stored orders."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Leave out the others."""
        await super().erase([key for key in keys if key in self._orders], at=at)


class ErasesAnew(MemoryOrderStore):
    """Remembers the last erasure."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Write it over."""
        await super().erase(keys, at=at)
        self._erased.update(dict.fromkeys(keys, at))


class ErasesEverybodysDocuments(MemoryOrderStore):
    """Empties documents of the same number on other channels."""

    def _is_erased(self, document: Quarantined) -> bool:
        return document.reference in {key.reference for key in self._erased}


class ErasesReasons(MemoryOrderStore):
    """Drops the documents with their reasons."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Drop them."""
        await super().erase(keys, at=at)
        self._quarantine = {name: one for name, one in self._quarantine.items() if not self._is_erased(one)}


class WritesThemAgain(MemoryOrderStore):
    """Writes erased orders with their buyers."""

    def _allowed(self, order: Order) -> Order:
        return order

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Erase what there is."""
        await super().erase(keys, at=at)
        for key in keys:
            if key in self._orders:
                self._orders[key] = attrs.evolve(self._orders[key], buyer=None, shipping_address=None)


class ParcelBringsThemBack(MemoryOrderStore):
    """Erases an order until its next parcel."""

    async def record_parcel(self, parcel: Any, order: Order, note: Any, **options: Any) -> ParcelAnswer:  # noqa: ANN401
        """Take it for not erased."""
        self._erased.pop(order.key, None)
        buyer = self.buyers.get(order.key)
        return await super().record_parcel(parcel, attrs.evolve(order, buyer=order.buyer or buyer), note, **options)

    def __init__(self) -> None:
        super().__init__()
        self.buyers: dict[OrderKey, Any] = {}

    def _write_over(self, order: Order, change: OrderChange | None) -> None:
        self.buyers[order.key] = order.buyer
        super()._write_over(order, change)


class EndsWhenSaved(MemoryOrderStore):
    """Takes every processed order for ended when it was saved."""

    def _ended(self, order: Order) -> datetime | None:
        ended = super()._ended(order)
        return ended and min(ended, order.saved_at or ended)


class EndsWithItsNotes(MemoryOrderStore):
    """Erases orders whose notes are still to be sent."""

    def _ended(self, order: Order) -> datetime | None:
        notes, self._notes = self._notes, {}
        try:
            return super()._ended(order)
        finally:
            self._notes = notes


class EmptiesEverything(MemoryOrderStore):
    """Empties the whole quarantine."""

    async def empty_quarantine(self, *, before: datetime) -> int:
        """Forget the moment."""
        return await super().empty_quarantine(before=before.replace(year=before.year + 1))


class FillsItAgain(MemoryOrderStore):
    """Takes an emptied document in again when it comes again."""

    def _quarantine_of(self, work: PageWork) -> None:
        for document in work.quarantined:
            self._quarantine.pop((document.channel, document.payload_hash), None)
        super()._quarantine_of(work)


WRONG_DECISIONS = {
    KeepsTheBuyer: "test_judged_order_comes_back_without_persons",
    ForgetsTheJudged: "test_sparse_judged_order_comes_back_equal",
    ForgetsThePast: "test_earlier_decisions_stay",
    TellsThePastBackwards: "test_earlier_decisions_stay",
    SeesThePastAgain: "test_earlier_decisions_stay",
    DecidesAgain: "test_repeated_decision_is_one",
    ForgetsTheFirstOfAPage: "test_history_holds_what_one_page_decided_last",
    DecidesByTheNumber: "test_decisions_come_by_key",
    DecidedByReference: "test_refused_order_is_found_by_all_its_names",
    DecidedByFormerNames: "test_decision_follows_the_names",
    DecidedAnywhere: "test_decided_tells_channels_apart",
    ForgetsTheOpen: "test_open_order_is_not_forgotten",
    ForgetsTheStored: "test_stored_orders_decision_stays",
    ForgetsTheVanished: "test_vanished_order_is_kept_until_the_moment",
    ForgetsBlindly: "test_blind_sweep_shows_no_order_gone",
    ForgetsTheUnread: "test_order_in_quarantine_is_not_forgotten",
    ForgetsWithoutEnd: "test_forgetting_is_limited",
    ForgetsTheDoubts: "test_forgotten_order_keeps_its_doubts",
    ErasesSilently: "test_erased_order_has_no_person",
    ErasesTheStored: "test_erasure_is_remembered",
    ErasesAnew: "test_erasure_is_remembered",
    ErasesEverybodysDocuments: "test_erased_documents_leave_quarantine_empty",
    ErasesReasons: "test_erased_documents_leave_quarantine_empty",
    WritesThemAgain: "test_page_brings_nobody_back",
    ParcelBringsThemBack: "test_desk_brings_nobody_back",
    EndsWhenSaved: "test_processed_order_ends_with_its_last_parcel",
    EndsWithItsNotes: "test_order_with_a_note_to_send_is_not_erasable",
    EmptiesEverything: "test_old_quarantine_is_emptied",
    FillsItAgain: "test_old_quarantine_is_emptied",
}
"""The mistakes, and the law that must find each."""
