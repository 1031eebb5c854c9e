"""An order as it must be, told from what its channel showed and what people did, in the order in which it came."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import attrs

from ordersync import OrderKey, OrderState, PaymentStatus
from ordersync.model.orders import ConflictCode

from .shown import PAID, Shown

Place = tuple[str, str]
Parts = Mapping[str, int]
Meaning = Callable[[str], Parts | None]
"""What one piece of a channel SKU takes from stock; None while nobody has said."""


def _unsaid(_: str) -> Parts | None:
    """Say nothing: until an order is looked at again, nobody asks."""
    return None


@attrs.frozen(kw_only=True)
class Rules:
    """What the host decided about a channel."""

    location: str
    unpaid_too: bool = False
    ended_too: bool = False
    keeps_channel_stock: bool = False
    channel_location: str = "fulfilled by the channel"


@attrs.define
class Line:
    """One line: ``shipped`` left by other hands without our stock, ``processed`` took our stock."""

    sku: str
    quantity: int
    cancelled: int
    parts: Parts | None
    shipped: int = 0
    processed: int = 0

    @property
    def gone(self) -> int:
        """Return how many pieces have left."""
        return self.shipped + self.processed

    @property
    def open(self) -> int:
        """Return how many pieces are still to leave."""
        return max(0, self.quantity - self.cancelled - self.gone)


@attrs.frozen
class Parcel:
    """Goods that left: what of which line, what that took from stock, and whether we tell the channel."""

    lines: Mapping[str, int]
    taken: Mapping[Place, int]
    tracking: str | None
    told: bool


@attrs.define
class LivingOrder:
    """An order that is stored. NEW and OPEN are one: it lives."""

    key: OrderKey
    rules: Rules
    shown: Shown
    location: str
    reserves: bool
    lines: dict[str, Line] = attrs.field(factory=dict)
    state: OrderState = OrderState.OPEN
    held: bool = False
    set_aside: bool = False
    ended_by_channel: bool = False
    conflict: ConflictCode | None = None
    about: object = None
    let_stand: object = None
    look_anew: bool = False
    meant: Meaning = _unsaid
    parcels: dict[str, Parcel] = attrs.field(factory=dict)

    @property
    def lives(self) -> bool:
        """Say whether it still wants stock."""
        return self.state is OrderState.OPEN

    @property
    def wanted(self) -> Counter[Place]:
        """Return what it must hold: the open, linked pieces of a live order that nobody has locked."""
        held: Counter[Place] = Counter()
        if self.lives and not self.held and self.reserves:
            for line in self.lines.values():
                self.add(held, line, line.open)
        return held

    @property
    def is_expected(self) -> bool:
        """Say whether a complete sweep must show it: it lives here, and lived when its channel last showed it."""
        gone = ConflictCode.VANISHED in (self.conflict, self.let_stand)
        return self.lives and not self.shown.ended and not gone

    def decided(self) -> None:
        """Let what is shown, or not shown, stand, whatever somebody has decided about it."""
        if self.conflict is not None:
            vanished = self.conflict is ConflictCode.VANISHED
            once = self.conflict is ConflictCode.PARTIALLY_REFUNDED
            stands = ConflictCode.VANISHED if vanished else self.about
            self.let_stand, self.conflict = self.let_stand if once else stands, None

    def add(self, total: Counter[Place], line: Line, pieces: int) -> None:
        """Add what some pieces of a line take from stock."""
        for sku, each in (line.parts or {}).items() if pieces else ():
            total[sku, self.location] += pieces * each

    def see(self, shown: Shown, meaning: Meaning) -> None:
        """Take in what the channel shows; the same again says nothing."""
        before, same = self.shown, self.shown == shown
        self.shown = shown
        vanished = ConflictCode.VANISHED in (self.conflict, self.let_stand)
        if same and not self.look_anew and not vanished:
            return
        self.look_anew, self.meant = False, meaning
        self.conflict = None if self.conflict is ConflictCode.VANISHED else self.conflict
        stands = [picture for picture in map(self.picture, self._contradictions(before)) if picture == self.let_stand]
        if self.lives and shown.cancelled:
            self.cancelled_there()
        elif self.state is OrderState.CANCELLED and self._comes_back():
            self.state, self.ended_by_channel, self.conflict = OrderState.OPEN, False, None
            self._contradict(before)
        else:
            self.ended_by_channel |= self.state is OrderState.CANCELLED and shown.cancelled
            self._contradict(before)
        self.let_stand = stands[0] if stands else None
        if self.state is not OrderState.PROCESSED:
            self.take_lines(meaning)
            if not self.reserves:
                self.leave_elsewhere()
        self.close(by_channel=True)

    def cancelled_there(self) -> None:
        """Be cancelled with the order on the channel; what has left is a person's to look after."""
        processed = any(line.processed for line in self.lines.values())
        self.state, self.ended_by_channel = OrderState.CANCELLED, True
        self.conflict = ConflictCode.CANCELLED_AFTER_PROCESSING if processed else None
        self.about = self.picture(self.conflict) if self.conflict else None

    def _comes_back(self) -> bool:
        is_open = any(line.still_bought > line.shipped for line in self.shown.lines.values())
        accepted = self.shown.payment in PAID or (
            self.rules.unpaid_too and self.shown.payment in (PaymentStatus.UNPAID, PaymentStatus.PENDING)
        )
        gone = self.ended_by_channel or self.let_stand is ConflictCode.VANISHED
        return gone and is_open and accepted and not self.shown.ended

    def take_lines(self, meaning: Meaning) -> None:
        """Buy here what is bought there; what has left has left."""
        for line_id, line in self.lines.items():
            if line_id not in self.shown.lines:
                line.cancelled = line.quantity - line.gone
        for line_id, bought in self.shown.lines.items():
            line = self.lines.setdefault(line_id, Line(bought.sku, 0, 0, meaning(bought.sku)))
            line.quantity, line.cancelled = bought.quantity, bought.cancelled

    def elsewhere(self) -> dict[str, int]:
        """Return the open pieces that have left by other hands, by line."""
        gone: dict[str, int] = {}
        for line_id, line in self.lines.items():
            told = self.shown.lines[line_id].shipped if line_id in self.shown.lines else 0
            gone[line_id] = line.open if self.shown.shipped else min(line.open, told - line.gone)
        return {line_id: pieces for line_id, pieces in gone.items() if pieces > 0}

    def leave_elsewhere(self) -> None:
        """Count as gone what has left by other hands, without taking it from our stock."""
        for line_id, pieces in self.elsewhere().items():
            self.lines[line_id].shipped += pieces

    def there(self) -> LivingOrder:
        """Return the order as its channel shows it, with what left by other hands gone."""
        edited = copy.deepcopy(self)
        edited.take_lines(self.meant)
        edited.leave_elsewhere()
        return edited

    def picture(self, code: ConflictCode) -> object:
        """Return what is said of the order by a contradiction: what is bought, cancelled, sent by other hands."""
        lines = self.there().lines.items()
        return code, {name: (one.sku, one.quantity, one.cancelled, one.shipped) for name, one in lines}

    def _contradict(self, before: Shown) -> None:
        """Name the gravest of what the channel shows that cannot be followed and that nobody has let stand."""
        if not self.reserves:
            self.conflict = None
            return
        found = [code for code in self._contradictions(before) if self.picture(code) != self.let_stand]
        if self.conflict is None:
            self.conflict = found[0] if found else None
        elif found and found[0] is not ConflictCode.PARTIALLY_REFUNDED:
            self.conflict = found[0]
        self.about = self.picture(self.conflict) if self.conflict else None

    def _contradictions(self, before: Shown) -> Iterator[ConflictCode]:
        if self.shown.cancelled:
            if any(line.processed for line in self.lines.values()):
                yield ConflictCode.CANCELLED_AFTER_PROCESSING
            return
        if self.state is OrderState.PROCESSED:
            if self._bought_otherwise():
                yield ConflictCode.EDITED_AFTER_PROCESSING
            return
        edited = copy.deepcopy(self)
        edited.take_lines(self.meant)
        if edited.elsewhere():
            yield ConflictCode.SHIPPED_ELSEWHERE
        if any(line.gone > max(0, self._still_bought(line_id)) for line_id, line in self.lines.items()):
            yield ConflictCode.EDITED_AFTER_PROCESSING
        refunded = PaymentStatus.PARTIALLY_REFUNDED
        newly = self.shown.payment is refunded and before.payment is not refunded
        if newly and (self.lives or self.state is OrderState.DELETED):
            yield ConflictCode.PARTIALLY_REFUNDED

    def _still_bought(self, line_id: str) -> int:
        return self.shown.lines[line_id].still_bought if line_id in self.shown.lines else 0

    def _bought_otherwise(self) -> bool:
        here = {name: (one.sku, one.quantity, one.cancelled) for name, one in self.lines.items()}
        there = {name: (one.sku, one.quantity, one.cancelled) for name, one in self.shown.lines.items()}
        return any(
            here.get(name) != there.get(name) and (_some(here.get(name)) or _some(there.get(name)))
            for name in {*here, *there}
        )

    def close(self, *, by_channel: bool) -> None:
        """End a live order of which nothing is open any more."""
        if self.lives and not any(line.open for line in self.lines.values()):
            left = any(line.gone for line in self.lines.values())
            self.state = OrderState.PROCESSED if left else OrderState.CANCELLED
            self.ended_by_channel = by_channel and not left


def _some(line: tuple[str, int, int] | None) -> bool:
    return line is not None and line[1] > line[2]


def saved(key: OrderKey, shown: Shown, rules: Rules, meaning: Meaning) -> LivingOrder | None:
    """Return the order as it is stored when it is first accepted; None while it is not."""
    wanted = shown.payment in PAID or rules.unpaid_too
    if not (rules.ended_too if shown.ended else wanted):
        return None
    order = LivingOrder(
        key=key,
        rules=rules,
        shown=shown,
        location=rules.channel_location if shown.by_channel else rules.location,
        reserves=rules.keeps_channel_stock or not shown.by_channel,
        meant=meaning,
    )
    order.take_lines(meaning)
    for line_id, bought in shown.lines.items():
        order.lines[line_id].shipped = bought.shipped
    if shown.shipped:
        order.leave_elsewhere()
        order.state = OrderState.PROCESSED
    elif shown.cancelled:
        order.state, order.ended_by_channel = OrderState.CANCELLED, True
    elif shown.payment is PaymentStatus.PARTIALLY_REFUNDED:
        order.conflict = ConflictCode.PARTIALLY_REFUNDED
        order.about = order.picture(order.conflict)
    return order
