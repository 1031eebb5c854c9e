"""The life of orders, at random: everything that can happen to them, in any order and at any moment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ordersync import OrderKey, Parcel
from ordersync.model.orders import Resolution
from ordersync.ports import OwnStockLedger

from . import people, staff
from .checks import orders_agree
from .lines import Line
from .orders import LivingOrder
from .stage import Stage, Step, Verb
from .world import LOCATIONS, OWN_RULES, SKUS, Habits

WHO = {"who": "Ada", "why": "she says so"}
MOST_ORDERS = 6
STEPS_BETWEEN_RESTS = 10
CALLS = ("send_dispatch", "push_stock")
FIRST = ("nothing", "process", "handle", "bury")

tries = st.integers(0, 220)
"""The moment of a run at which something happens."""


class LifeMachine(Stage, RuleBasedStateMachine):
    """Marketplaces, people, links and runs beside a model; a subclass may open another storage."""

    @initialize(
        shipped=st.sampled_from([None, Resolution.PROCESS, Resolution.CANCEL]),
        vanished=st.sampled_from([None, Resolution.CANCEL]),
        ended_too=st.booleans(),
        keeps=st.booleans(),
        data=st.data(),
    )
    def open(
        self,
        *,
        shipped: Resolution | None,
        vanished: Resolution | None,
        ended_too: bool,
        keeps: bool,
        data: st.DataObject,
    ) -> None:
        """Open a world in which the host has decided this and that, and some have bought already."""
        habits = Habits(shipped_elsewhere=shipped, vanished=vanished, ended_too=ended_too, keeps_channel_stock=keeps)
        self.wait_for(self.begin(habits))
        for _ in range(data.draw(st.integers(0, 4), "orders")):
            self.wait_for(self._buy(data))
        self.wait_for(self.run_once())

    def teardown(self) -> None:
        """Bring everything to rest and close it."""
        try:
            if sys.exc_info()[0] is None and hasattr(self, "world"):
                self.rest()
        finally:
            self.wait_for(self.stack.aclose())
            self.loop.close()

    @rule(data=st.data())
    def buy(self, data: st.DataObject) -> None:
        """Let somebody buy something."""
        self.wait_for(self._buy(data))

    async def _buy(self, data: st.DataObject) -> None:
        market = data.draw(st.sampled_from(self.world.marketplaces), "market")
        if len(market.orders) >= MOST_ORDERS:
            return
        self.numbers += 1
        reference = f"{1000 + self.numbers}"
        skus = st.sampled_from(staff.skus_of(market))
        lines = data.draw(st.dictionaries(skus, st.integers(1, 3), min_size=1, max_size=3), "lines")
        before = market.levels
        kind = data.draw(st.sampled_from(["paid", "paid", "unpaid", "own"]), "kind")
        if kind == "own":
            market.place_own(reference, lines=lines)
        else:
            market.place(reference, lines=lines, paid=kind == "paid")
        self.moves.note(market, reference, before, self.model.tick())

    @precondition(lambda self: self.placed())
    @rule(data=st.data())
    def happen(self, data: st.DataObject) -> None:
        """Let something happen to an order on its marketplace."""
        self.wait_for(self._happen(data))

    @precondition(lambda self: self.placed())
    @rule(data=st.data())
    def happen_too(self, data: st.DataObject) -> None:
        """Let something more happen there."""
        self.wait_for(self._happen(data))

    async def _happen(self, data: st.DataObject) -> None:
        placed = self.placed()
        if not placed:
            return
        key = data.draw(st.sampled_from(placed), "order")
        market = self.world.at(key.channel)
        order = market.orders[key.reference]
        found = staff.acts(order)
        name = data.draw(st.sampled_from(sorted(found)), "act")
        before = market.levels
        found[name](market, order, data)
        self.moves.note(market, key.reference, before, self.model.tick())

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), cut=st.none() | st.integers(0, 24))
    def handle(self, data: st.DataObject, cut: int | None) -> None:
        """Let somebody do something to an order; their machine may break down."""
        self.wait_for(self._handle(data, cut))

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def handle_too(self, data: st.DataObject) -> None:
        """Let somebody do something more."""
        self.wait_for(self._handle(data, None))

    async def _handle(self, data: st.DataObject, cut: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.orders)), "order")
        name = data.draw(st.sampled_from(sorted(VERBS)), "verb")
        verb, step = VERBS[name](self, key, data)
        await self.do(key, verb, step, cut)

    @precondition(lambda self: any(order.lives for order in self.model.orders.values()))
    @rule(data=st.data(), cut=st.none() | st.integers(0, 24))
    def process(self, data: st.DataObject, cut: int | None) -> None:
        """Let somebody pack."""
        alive = sorted(key for key, order in self.model.orders.items() if order.lives)
        key = data.draw(st.sampled_from(alive), "order")
        self.wait_for(self.do(key, *self.packing(key, data), cut))

    @precondition(lambda self: any(order.conflict for order in self.model.orders.values()))
    @rule(data=st.data(), resolution=st.sampled_from(Resolution), cut=st.none() | st.integers(0, 24))
    def resolve(self, data: st.DataObject, resolution: Resolution, cut: int | None) -> None:
        """Let somebody decide a conflict."""
        found = sorted(key for key, order in self.model.orders.items() if order.conflict)
        key = data.draw(st.sampled_from(found), "order")
        self.wait_for(self.do(key, *self.deciding(key, resolution), cut))

    @precondition(lambda self: any(order.lives for order in self.model.orders.values()))
    @rule(
        data=st.data(), resolution=st.sampled_from(Resolution), first=st.sampled_from(["nothing", "process", "handle"])
    )
    def contradict(self, data: st.DataObject, resolution: Resolution, first: str) -> None:
        """Let here and there contradict each other, and somebody decide what counts."""
        key = data.draw(
            st.sampled_from(sorted(key for key, order in self.model.orders.items() if order.lives)), "order"
        )
        market, order = self.world.at(key.channel), self.world.at(key.channel).orders[key.reference]
        if first == "process":
            self.wait_for(self.do(key, *self.packing(key, data)))
        elif first == "handle":
            verb = data.draw(st.sampled_from(sorted(VERBS)), "verb")
            self.wait_for(self.do(key, *VERBS[verb](self, key, data)))
        elif first == "bury":
            self.wait_for(self.do(key, *VERBS["delete"](self, key, data)))
        acts = staff.acts(order)
        name = data.draw(st.sampled_from([name for name in staff.CONTRADICT if name in acts] or sorted(acts)), "act")
        before = market.levels
        acts[name](market, order, data)
        self.moves.note(market, key.reference, before, self.model.tick())
        self.world.clock.advance(minutes=5)
        self.wait_for(self.run_once())
        if first == "bury":
            self.wait_for(self.do(key, *VERBS["restore"](self, key, data)))
        self.wait_for(self.do(key, *self.deciding(key, resolution)))

    @precondition(lambda self: any(order.parcels for order in self.model.orders.values()))
    @rule(data=st.data(), other=st.booleans())
    def process_again(self, data: st.DataObject, *, other: bool) -> None:
        """Let somebody ask for a parcel again, by the same name."""
        found = sorted((key, name) for key, order in self.model.orders.items() for name in order.parcels)
        key, name = data.draw(st.sampled_from(found), "parcel")
        self.wait_for(self.ask_again(key, name, other=other))

    def packing(self, key: OrderKey, data: st.DataObject) -> tuple[Verb, Step]:
        """Pack all that is open, or some pieces of one line: also more than there are."""
        self.numbers += 1
        name = f"p{self.numbers}"
        lines: Mapping[str, int] | None = None
        if data.draw(st.booleans(), "in part"):
            line_id = data.draw(st.sampled_from(sorted(self.model.orders[key].lines)), "line")
            lines = {line_id: data.draw(st.integers(1, 3), "pieces")}
        parcel = Parcel(id=name, lines=lines, carrier="DHL", tracking_number=f"T-{name}")

        def step(order: LivingOrder, _: str) -> None:
            people.process(order, name, lines, f"T-{name}")

        return lambda desk: desk.process(key, parcel), step

    def deciding(self, key: OrderKey, resolution: Resolution) -> tuple[Verb, Step]:
        """Decide a conflict."""

        def step(order: LivingOrder, parcel_id: str) -> None:
            people.resolve(order, resolution, parcel_id)

        return lambda desk: desk.resolve(key, resolution, **WHO), step

    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        """Link a channel SKU, to something new or for the first time; or unlink it."""
        market = data.draw(st.sampled_from(self.world.marketplaces), "market")
        channel_sku = data.draw(st.sampled_from(staff.skus_of(market)), "channel SKU")
        parts = data.draw(st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), max_size=2), "parts")
        listings, links = self.world.storage.listings, self.model.shelves.links[market.id]
        if parts:
            self.wait_for(listings.link(market.id, channel_sku, parts, rule=OWN_RULES.get(channel_sku)))
            links[channel_sku] = parts
        else:
            self.wait_for(listings.unlink(market.id, channel_sku))
            links.pop(channel_sku, None)
        selling = sorted(key for key in self.placed() if key.channel == market.id and self.sells(key, channel_sku))
        again: bool = data.draw(st.booleans(), "relink")
        if selling and again:
            self.wait_for(self.do(selling[0], *_relink(self, selling[0], data)))

    def sells(self, key: OrderKey, channel_sku: str) -> bool:
        """Say whether a live order sells a channel SKU."""
        order = self.model.orders.get(key)
        return order is not None and order.lives and any(one.sku == channel_sku for one in order.lines.values())

    @rule(
        parts=st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), max_size=2), sku=st.sampled_from(["BOX", "POT"])
    )
    def define_kit(self, parts: Mapping[str, int], sku: str) -> None:
        """Say what a SKU of ours is made of, or that it is none; a kit that contains itself is refused."""
        shelves, listings = self.model.shelves, self.world.storage.listings
        if parts and shelves.contains_itself(sku, parts):
            try:
                self.wait_for(listings.define_kit(sku, parts))
            except ValueError:
                return
            raise AssertionError(f"{sku} contains itself")
        self.wait_for(listings.define_kit(sku, parts or None))
        shelves.kits.pop(sku, None)
        if parts:
            shelves.kits[sku] = parts

    @rule(
        sku=st.sampled_from(SKUS),
        place=st.sampled_from(LOCATIONS),
        quantity=st.integers(-3, 9),
        how=st.sampled_from(["count", "adjust", "carry"]),
    )
    def stock(self, sku: str, place: str, quantity: int, how: str) -> None:
        """Count, find or carry pieces."""
        ledger, shelves = cast("OwnStockLedger", self.world.storage.stock), self.model.shelves
        self.numbers += 1
        name = f"{how}/{self.numbers}"
        if how == "count":
            counted = abs(quantity)
            before = shelves.on_hand(self.model.orders.values())[sku, place]
            self.wait_for(ledger.set_on_hand(sku, location=place, quantity=counted, movement_id=name))
            shelves.move(name, {(sku, place): counted - before})
        elif how == "adjust" and quantity:
            self.wait_for(ledger.adjust(sku, location=place, quantity=quantity, movement_id=name))
            shelves.move(name, {(sku, place): quantity})
        elif quantity > 0:
            other = LOCATIONS[place == LOCATIONS[0]]
            self.wait_for(ledger.transfer(sku, source=place, destination=other, quantity=quantity, movement_id=name))
            shelves.move(name, {(sku, place): -quantity, (sku, other): quantity})

    @rule(minutes=st.sampled_from([0.2, 1, 4, 12, 45, 90]))
    def wait(self, minutes: float) -> None:
        """Let time pass."""
        self.world.clock.advance(minutes=minutes)

    @rule()
    def run(self) -> None:
        """Run once, undisturbed."""
        self.wait_for(self.run_once())

    @rule()
    def run_too(self) -> None:
        """Run once more."""
        self.wait_for(self.run_once())

    @rule(at=tries)
    def run_that_is_cut(self, at: int) -> None:
        """Run, and die at some moment; the lease is not given back."""
        self.wait_for(self.run_cut(at=at))

    @precondition(lambda self: any(order.lives for order in self.model.orders.values()))
    @rule(data=st.data(), call=st.sampled_from(CALLS), when=st.sampled_from(["before", "after"]))
    def pack_and_die(self, data: st.DataObject, call: str, when: str) -> None:
        """Let somebody pack, and the run that is to tell the channel die as it does."""
        alive = sorted(key for key, order in self.model.orders.items() if order.lives)
        key = data.draw(st.sampled_from(alive), "order")
        self.wait_for(self.do(key, *self.packing(key, data)))
        self.world.clock.advance(minutes=5)
        self.wait_for(self.run_cut(dies=(call, when)))

    @rule(data=st.data(), at=tries)
    def run_meanwhile(self, data: st.DataObject, at: int) -> None:
        """Run, and let something happen at some moment of it: on a marketplace, or at the desk."""
        kinds = ["buy", "happen", "handle", "process"] if self.model.orders else ["buy", "happen"]
        kind = data.draw(st.sampled_from(kinds), "meanwhile")

        async def meanwhile() -> None:
            if kind == "buy":
                await self._buy(data)
            elif kind == "happen":
                await self._happen(data)
            elif kind == "handle":
                await self._handle(data, None)
            else:
                key = data.draw(st.sampled_from(sorted(self.model.orders)), "order")
                await self.do(key, *self.packing(key, data))

        self.wait_for(self.run_once(Line(self.world, self.witness, at=at, do=meanwhile)))

    @rule()
    def two_runs(self) -> None:
        """Let two runners begin at once."""
        self.wait_for(self.run_twice())

    @precondition(lambda self: self.placed())
    @rule(data=st.data())
    def hint(self, data: st.DataObject) -> None:
        """Let a webhook say that something happened to an order."""
        key = data.draw(st.sampled_from(self.placed()), "order")
        self.wait_for(self.look_at(key))

    @precondition(lambda self: self.steps > STEPS_BETWEEN_RESTS)
    @rule()
    def rest(self) -> None:
        """Run until nothing is due, and compare everything; a further run finds nothing to do."""
        self.steps = 0
        self.wait_for(self.come_to_rest())

    def check_invariants(self, *args: Any, **facts: Any) -> None:  # noqa: ANN401 - as its base
        """Compare the orders after each step."""
        super().check_invariants(*args, **facts)
        self.steps += 1
        if hasattr(self, "world"):
            self.wait_for(orders_agree(self.world, self.model))


Choose = Callable[[LifeMachine, OrderKey, st.DataObject], tuple[Verb, Step]]


def _plain(name: str) -> Choose:
    step = getattr(people, name)

    def choose(_: LifeMachine, key: OrderKey, __: st.DataObject) -> tuple[Verb, Step]:
        return lambda desk: getattr(desk, name)(key, **WHO), lambda order, _: step(order)

    return choose


def _move(_: LifeMachine, key: OrderKey, data: st.DataObject) -> tuple[Verb, Step]:
    location = data.draw(st.sampled_from(LOCATIONS), "location")
    return lambda desk: desk.move(key, location, **WHO), lambda order, _: people.move(order, location)


def _relink(machine: LifeMachine, key: OrderKey, _: st.DataObject) -> tuple[Verb, Step]:
    meaning = machine.model.meaning(key.channel)
    return lambda desk: desk.relink(key, **WHO), lambda order, _: people.relink(order, meaning)


VERBS: Mapping[str, Choose] = {
    **{name: _plain(name) for name in ("cancel", "hold", "resume", "park", "unpark", "delete", "restore")},
    "move": _move,
    "relink": _relink,
}
