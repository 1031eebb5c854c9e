"""Order stores that keep or forget something wrongly, with one mistake each, and the law that must find it."""

# ruff: noqa: ANN401 - what is wrong may well be that an argument is ignored

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import ConflictCode, Order, OrderChange, OrderLine
from ordersync.model.pages import Known, PageWork
from ordersync.model.runs import Progress
from ordersync.model.stock import Sale
from ordersync.storage.memory import MemoryOrderStore


class KeepsInQuarantine(MemoryOrderStore):
    """Lets only some orders out of quarantine."""

    left_out: str

    def _quarantine_of(self, work: PageWork) -> None:
        super()._quarantine_of(attrs.evolve(work, **{self.left_out: ()}))  # type: ignore[arg-type]


class KeepsTheStored(KeepsInQuarantine):
    """Keeps what was stored in quarantine."""

    left_out = "new"


class KeepsTheChanged(KeepsInQuarantine):
    """Keeps what was changed in quarantine."""

    left_out = "changed"


class KeepsTheUnderstood(KeepsInQuarantine):
    """Keeps what was understood in quarantine."""

    left_out = "understood"


class FreesTheSeen(MemoryOrderStore):
    """Lets out what was only seen again."""

    def _quarantine_of(self, work: PageWork) -> None:
        super()._quarantine_of(attrs.evolve(work, understood=(*work.understood, *work.seen)))


class FreesEverybodys(MemoryOrderStore):
    """Lets out what has the same number on another channel."""

    def _quarantine_of(self, work: PageWork) -> None:
        super()._quarantine_of(work)
        numbers = {key.reference for key in work.out_of_quarantine}
        self._quarantine = {name: one for name, one in self._quarantine.items() if one.reference not in numbers}


class FreesForStalePages(MemoryOrderStore):
    """Lets out what a stale page understood."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Let it out first."""
        self._quarantine_of(attrs.evolve(work, quarantined=()))
        return await super().save_page(work, fence=fence, at=at)


class FreesWhatItTakesIn(MemoryOrderStore):
    """Lets out after it took in."""

    def _quarantine_of(self, work: PageWork) -> None:
        super()._quarantine_of(work)
        super()._quarantine_of(attrs.evolve(work, quarantined=()))


class ComparesDoubtsWhole(MemoryOrderStore):
    """Knows a doubt by all that is said of it."""

    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Compare it whole."""
        await super().doubted([sale for sale in sales if self._doubts.get(sale.order_key) == sale], fence=fence)


class FindsByFormerNames(MemoryOrderStore):
    """Goes on finding an order by the names that it had."""

    def __init__(self) -> None:
        super().__init__()
        self._former: dict[OrderKey, Order] = {}

    def _write_over(self, order: Order, change: OrderChange | None) -> None:
        self._former[order.key] = self._orders[order.key]
        super()._write_over(order, change)

    async def find(self, reference: str, **asked: Any) -> Sequence[Order]:
        """Look at both."""
        name = reference.casefold()
        former = [self._orders[key] for key, order in self._former.items() if name in order.search_names]
        return await super().find(reference, **asked) or former


class ChangesUpToTheFall(MemoryOrderStore):
    """Finds only while it writes that a stock revision would fall."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write one after the other."""
        for changed in work.changed:
            self._write_over(changed.order, changed.change)
        return await super().save_page(attrs.evolve(work, changed=()), fence=fence, at=at)


class KnowsNoConflict(MemoryOrderStore):
    """Does not tell that an order is in conflict."""

    def _known(self, key: OrderKey) -> Known:
        return attrs.evolve(super()._known(key), conflict=None)


class ForgetsTrust(MemoryOrderStore):
    """Keeps no judgement about sweeps."""

    async def set_progress(self, channel: ChannelId, progress: Progress, *, fence: Fence) -> None:
        """Leave it out."""
        await super().set_progress(channel, attrs.evolve(progress, trusted_at=None), fence=fence)


class KeepsOtherwise(MemoryOrderStore):
    """Gives an order back otherwise than it was saved."""

    async def get(self, key: OrderKey) -> Order:
        """Change it."""
        return self.otherwise(await super().get(key))

    def otherwise(self, order: Order) -> Order:
        """Return the order as it comes back."""
        return order


class ForgetsWhoEnded(KeepsOtherwise):
    """Does not keep who ended an order."""

    def otherwise(self, order: Order) -> Order:
        """Forget it."""
        return attrs.evolve(order, ended=None)


class ForgetsWhoSetAside(KeepsOtherwise):
    """Does not keep who set an order aside."""

    def otherwise(self, order: Order) -> Order:
        """Forget it."""
        return attrs.evolve(order, set_aside=None)


class ForgetsTheReview(KeepsOtherwise):
    """Does not keep what a person let stand."""

    def otherwise(self, order: Order) -> Order:
        """Forget it."""
        return attrs.evolve(order, reviewed=None)


class ReservesAlways(KeepsOtherwise):
    """Takes every order for one that reserves."""

    def otherwise(self, order: Order) -> Order:
        """Let it reserve."""
        return attrs.evolve(order, reserves=True)


class ShowsLinkedToNothing(KeepsOtherwise):
    """Gives lines in conflict back as linked to nothing that were not linked yet."""

    def otherwise(self, order: Order) -> Order:
        """Link them."""
        if order.conflict is None:
            return order
        lines = tuple(self.linked(line) for line in order.conflict.lines)
        return attrs.evolve(order, conflict=attrs.evolve(order.conflict, lines=lines))

    def linked(self, line: OrderLine) -> OrderLine:
        """Return a line that is linked."""
        return attrs.evolve(line, components=line.components or {})


class OneConflict(KeepsOtherwise):
    """Keeps every conflict under one code."""

    def otherwise(self, order: Order) -> Order:
        """Take one for the other."""
        if order.conflict is None:
            return order
        return attrs.evolve(order, conflict=attrs.evolve(order.conflict, code=ConflictCode.SHIPPED_ELSEWHERE))


class TakesNothingBack(MemoryOrderStore):
    """Keeps why an order ended when it has not."""

    def _write_over(self, order: Order, change: OrderChange | None) -> None:
        before = self._orders[order.key]
        super()._write_over(attrs.evolve(order, ended=order.ended or before.ended), change)


WRONG_MEMORIES = {
    KeepsTheStored: "test_stored_order_leaves_quarantine",
    KeepsTheChanged: "test_changed_order_leaves_quarantine",
    KeepsTheUnderstood: "test_understood_order_leaves_quarantine",
    FreesTheSeen: "test_seen_order_stays_in_quarantine",
    FreesEverybodys: "test_stored_order_leaves_quarantine",
    FreesForStalePages: "test_stale_page_frees_nothing",
    FreesWhatItTakesIn: "test_document_of_the_same_page_stays",
    ComparesDoubtsWhole: "test_doubt_is_told_by_its_revision",
    FindsByFormerNames: "test_find_follows_the_names",
    ChangesUpToTheFall: "test_page_with_a_falling_stock_revision_writes_nothing",
    KnowsNoConflict: "test_known_tells_everything",
    ForgetsTrust: "test_progress_is_replaced_whole",
    ForgetsWhoEnded: "test_order_comes_back_equal",
    ForgetsWhoSetAside: "test_order_comes_back_equal",
    ForgetsTheReview: "test_order_comes_back_equal",
    ReservesAlways: "test_order_comes_back_equal",
    ShowsLinkedToNothing: "test_order_comes_back_equal",
    OneConflict: "test_every_conflict_comes_back_equal",
    TakesNothingBack: "test_what_people_did_is_taken_back",
}
