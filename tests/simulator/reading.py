"""Handmade facts for checkers: a market and a storage that are nothing but data, and the commits that tell of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import attrs
import pytest

from ordersync import ChannelId, ChannelOrder, ChannelSettings, Decision, Order, OrderKey, PaymentStatus, StockLevel
from ordersync.model.dispatch import DispatchNote, Note, NoteStatus, ParcelRecord
from ordersync.model.listings import Listing
from ordersync.model.pages import Quarantined, Watch
from ordersync.model.runs import ChannelLife, ChannelState, Progress
from ordersync.model.stock import Claim, Movement
from ordersync.testing.builders import NOON, SHOP
from ordersync.testing.simulator.checkers.commits import Commit, Started
from ordersync.testing.simulator.checkers.world import World
from ordersync.testing.simulator.trace import Violation

KEY = OrderKey(SHOP, "1001")


@attrs.frozen(kw_only=True)
class Traits:
    """What the market is like."""

    decrements_on_sale: bool = True
    requires_tracking: bool = False
    whole_order_dispatch: bool = False
    can_look_up: bool = True
    moves_stamps: bool = True
    in_update_order: bool = False
    paging: str = "keyset"
    lag: timedelta = timedelta(0)
    granularity: timedelta = timedelta(seconds=1)
    call_timeout: timedelta = timedelta(seconds=60)
    late_window: timedelta = timedelta(minutes=10)


@attrs.define(kw_only=True)
class Line:
    """A line as it truly is."""

    line_id: str = "1"
    sku: str = "MUG"
    quantity: int = 1
    cancelled: int = 0
    shipped: int = 0


@attrs.define(kw_only=True)
class Bought:
    """An order as it truly is."""

    reference: str = "1001"
    buyer: str = "CANARY-M1-1001"
    lines: list[Line] = attrs.field(factory=lambda: [Line()])
    payment: PaymentStatus = PaymentStatus.PAID
    held: bool = False
    word: str | None = None
    spoiled: bool = False
    anonymous: bool = False
    removed: bool = False
    done: bool = False
    cancelled: bool = False
    placed_at: datetime = NOON
    updated_at: datetime = NOON


@attrs.frozen(kw_only=True)
class Effect:
    """A dispatch note that took effect."""

    at: datetime = NOON
    reference: str = "1001"
    note_id: str = KEY.dispatch_id("p1")
    lines: Mapping[str, int] = attrs.field(factory=lambda: {"1": 1})
    carrier: str | None = None
    tracking_number: str | None = None
    by: str = "runner"


@attrs.define
class Market:
    """All that checkers read of a market; ``clock`` is what its clock shows."""

    traits: Traits = attrs.field(factory=Traits)
    orders: dict[str, Bought] = attrs.field(factory=dict)
    levels: dict[str, int] = attrs.field(factory=dict)
    applied: list[Any] = attrs.field(factory=list)
    notes: list[Any] = attrs.field(factory=list)
    shipments: list[Any] = attrs.field(factory=list)
    shown: dict[str, list[ChannelOrder]] = attrs.field(factory=dict)
    clock: datetime = NOON + timedelta(hours=1)

    def now(self) -> datetime:
        """Return the market's own clock."""
        return self.clock

    def last_shown(self, reference: str) -> Any:  # noqa: ANN401 - a form of any kind
        """Return the newest form that was answered, which here is a document itself."""
        forms = self.shown.get(reference)
        return forms[-1] if forms else None

    def show(self, document: ChannelOrder) -> ChannelOrder:
        """Answer somebody with this document."""
        self.shown.setdefault(document.reference, []).append(document)
        return document


@attrs.define
class Books:
    """A storage's committed state in dictionaries: a ``Reader``."""

    by_key: dict[OrderKey, Order] = attrs.field(factory=dict)
    decided: dict[OrderKey, Decision] = attrs.field(factory=dict)
    documents: list[Quarantined] = attrs.field(factory=list)
    noted: dict[OrderKey, list[Note]] = attrs.field(factory=dict)
    parcels: dict[tuple[OrderKey, str], ParcelRecord] = attrs.field(factory=dict)
    shelf: dict[tuple[str, str], StockLevel] = attrs.field(factory=dict)
    holds: dict[OrderKey, Claim] = attrs.field(factory=dict)
    movements: list[Movement] = attrs.field(factory=list)
    reached: Progress = attrs.field(factory=Progress)
    state: ChannelState = ChannelState.ENABLED

    def order(self, key: OrderKey) -> Order | None:
        """Return one order."""
        return self.by_key.get(key)

    def orders(self, channel: ChannelId) -> Sequence[Order]:
        """Return a channel's orders."""
        return [order for key, order in sorted(self.by_key.items()) if key.channel == channel]

    def decision(self, key: OrderKey) -> Decision | None:
        """Return a decision."""
        return self.decided.get(key)

    def decisions(self, channel: ChannelId) -> Sequence[Decision]:
        """Return a channel's decisions."""
        return [one for key, one in sorted(self.decided.items()) if key.channel == channel]

    def quarantined(self, channel: ChannelId) -> Sequence[Quarantined]:
        """Return what waits in quarantine."""
        return [one for one in self.documents if one.channel == channel]

    def watch(self, key: OrderKey) -> Watch | None:  # noqa: ARG002 - nobody is watched here
        """Return nothing."""
        return None

    def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return an order's notes."""
        return list(self.noted.get(key, []))

    def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel."""
        return self.parcels.get((key, parcel_id))

    def levels(self, skus: Collection[str]) -> Sequence[StockLevel]:
        """Return levels."""
        return [level for (sku, _), level in sorted(self.shelf.items()) if sku in skus]

    def held(self, key: OrderKey) -> Claim | None:
        """Return what an order holds."""
        return self.holds.get(key)

    def history(self, sku: str) -> Sequence[Movement]:
        """Return movements."""
        return [one for one in reversed(self.movements) if one.sku == sku]

    def listings(self, channel: ChannelId) -> Sequence[Listing]:  # noqa: ARG002 - nothing is listed here
        """Return nothing."""
        return []

    def links_revision(self, channel: ChannelId) -> int:  # noqa: ARG002 - nothing is linked here
        """Return nothing."""
        return 0

    def progress(self, channel: ChannelId) -> Progress:  # noqa: ARG002 - there is one channel
        """Return how far the channel is known."""
        return self.reached

    def life(self, channel: ChannelId) -> ChannelLife:
        """Return where a channel stands."""
        return ChannelLife(channel=channel, state=self.state)

    def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return no kits."""
        return {}

    def lay(self, on_hand: int, *, reserved: int = 0, sku: str = "MUG", location: str = "main") -> None:
        """Make a level what it is."""
        self.shelf[sku, location] = StockLevel(sku=sku, location=location, on_hand=on_hand, reserved=reserved)


def world_of(market: Market, settings: ChannelSettings | None = None) -> World:
    """Return a world of one market."""
    return World(markets=cast("Any", {SHOP: market}), settings={SHOP: settings or ChannelSettings()})


def commit(port: str, verb: str, *args: object, minutes: float = 0, process: str = "runner", **facts: Any) -> Commit:  # noqa: ANN401
    """Return a commit so many minutes after noon; ``answer`` and ``refused`` are the port's."""
    said = {name: facts.pop(name) for name in ("answer", "refused") if name in facts}
    at = NOON + timedelta(minutes=minutes)
    return Commit(at=at, process=process, port=port, verb=verb, args=args, facts=facts, **said)


def started(method: str, request: object = None, *, minutes: float = 0, process: str = "runner") -> Started:
    """Return a call so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    effect = not method.startswith("fetch")
    return Started(process=process, channel=SHOP, method=method, at=at, effect=effect, request=request)


def breaks(law: str) -> Any:  # noqa: ANN401 - a context of pytest's own
    """Expect that this law breaks, and no other."""
    return pytest.raises(Violation, match=f"^{law}: ")


def make_note(parcel_id: str = "p1", *, status: NoteStatus = NoteStatus.WAITING) -> Note:
    """Return the note of a parcel with one piece of the first line."""
    sent = DispatchNote(
        id=KEY.dispatch_id(parcel_id),
        order_key=KEY,
        channel_order_id=None,
        lines={"1": 1},
        carrier=None,
        service=None,
        tracking_number=None,
        tracking_url=None,
        dispatched_at=NOON,
    )
    return Note(note=sent, parcel_id=parcel_id, status=status)
