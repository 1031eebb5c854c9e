"""A Hypothesis state machine that drives any stock ledger beside a model that shares no code with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ..model.ids import OrderKey
from ..model.stock import Claim, Deduction
from ..ports import OwnStockLedger, StockLedger, SupportsAudit, SupportsMovements
from .builders import NOON, make_key

Place = tuple[str, str]
Answer = TypeVar("Answer")

SKUS = ("MUG", "LID")
PLACES: Sequence[Place] = [(sku, location) for sku in SKUS for location in ("north", "south")]
OTHER = {"north": "south", "south": "north"}
KEYS = [make_key(reference) for reference in ("1001", "1002", "1003")]

quantities = st.dictionaries(st.sampled_from(PLACES), st.integers(1, 5), max_size=3)
movement_ids = st.integers(1, 6).map(lambda number: f"move {number}")
claims = st.builds(
    lambda key, revision, wanted: Claim(order_key=key, revision=revision, wanted=wanted),
    st.sampled_from(KEYS),
    st.integers(1, 8),
    quantities,
)


class Model:
    """What a ledger should say, summed up anew from all that it was ever told."""

    def __init__(self) -> None:
        self.movements: dict[str, Mapping[Place, int]] = {}
        self.holds: dict[OrderKey, Claim] = {}
        self.touched: Counter[str] = Counter()

    def hold(self, claim: Claim) -> int:
        """Take in a claim; return the revision held."""
        held = self.holds.get(claim.order_key)
        if held is None or claim.revision > held.revision:
            before = Counter({} if held is None else held.wanted)
            self.holds[claim.order_key] = claim
            self.touched.update({sku for sku, location in PLACES if before[sku, location] != _of(claim, sku, location)})
        return self.holds[claim.order_key].revision

    def move(self, movement_id: str, quantities: Mapping[Place, int]) -> None:
        """Take in a movement, once per id."""
        if movement_id not in self.movements:
            self.movements[movement_id] = quantities
            self.touched.update({sku for (sku, _), quantity in quantities.items() if quantity})

    def on_hand(self) -> Counter[Place]:
        """Add up the movements."""
        return total(self.movements.values())

    def reserved(self) -> Counter[Place]:
        """Add up the holds."""
        return total(claim.wanted for claim in self.holds.values())

    def available(self) -> Counter[Place]:
        """Return what may still be sold."""
        left = self.on_hand()
        left.subtract(self.reserved())
        return left


def _of(claim: Claim, sku: str, location: str) -> int:
    return claim.wanted.get((sku, location), 0)


def total(parts: Iterable[Mapping[Place, int]]) -> Counter[Place]:
    """Add up quantities by place."""
    summed: Counter[Place] = Counter()
    for part in parts:
        summed.update(part)
    return summed


@attrs.define
class Feed:
    """What is to be told of one SKU: how often what is available of it changed, and how much of that is known."""

    changed: int = 0
    touched_known: int = 0
    changed_known: int = 0
    version: int = 0
    changed_at_version: int = 0


@attrs.frozen
class Reading:
    """One answer of the change feed, and how much had happened to its SKUs by then."""

    versions: Mapping[str, int]
    touched: Mapping[str, int]
    changed: Mapping[str, int]


class StockLedgerMachine(RuleBasedStateMachine):
    """Claims, parcels and stocktakes in any order, late and repeated, checked after each step.

    A subclass provides ``open``; its ``TestCase`` is the test. A ledger without ``SupportsMovements`` provides
    ``put_on_hand`` too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.wants: dict[tuple[OrderKey, int], Claim] = {}
        self.told: list[Sequence[Claim] | Deduction] = []
        self.feeds = {sku: Feed() for sku in SKUS}
        self.readings: list[Reading] = []
        self.runner = asyncio.Runner()
        self.opened = self.open()
        self.ledger = self.run(self.opened.__aenter__())

    def open(self) -> AbstractAsyncContextManager[StockLedger]:
        """Return an async context manager over a fresh, empty ledger."""
        raise NotImplementedError(f"{type(self).__name__} needs an open() that yields a fresh, empty ledger")

    async def put_on_hand(self, ledger: StockLedger, sku: str, *, quantity: int, location: str) -> None:
        """Let *quantity* pieces lie where the ledger knows of none."""
        if not isinstance(ledger, SupportsMovements):
            raise NotImplementedError(f"{type(self).__name__} needs a put_on_hand() that gives its ledger stock")
        await ledger.set_on_hand(sku, location=location, quantity=quantity, movement_id=f"opening/{sku}/{location}")

    def run(self, verb: Coroutine[Any, Any, Answer]) -> Answer:
        """Await a verb on the machine's own loop."""
        return self.runner.get_loop().run_until_complete(verb)

    def teardown(self) -> None:
        """Close the ledger and the loop."""
        self.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @initialize(opening=st.dictionaries(st.sampled_from(PLACES), st.integers(1, 9)))
    def start_with(self, opening: Mapping[Place, int]) -> None:
        """Put something on the shelves."""
        for (sku, location), quantity in opening.items():
            self.run(self.put_on_hand(self.ledger, sku, quantity=quantity, location=location))
            self._note(f"opening/{sku}/{location}", {(sku, location): quantity})

    @rule(batch=st.lists(claims, max_size=3))
    def reserve(self, batch: Sequence[Claim]) -> None:
        """Let orders claim; one revision of an order wants the same for ever."""
        self._reserve([self.wants.setdefault((claim.order_key, claim.revision), claim) for claim in batch])

    @rule(parcel=st.integers(1, 3), taken=quantities, claim=claims)
    def deduct(self, parcel: int, taken: Mapping[Place, int], claim: Claim) -> None:
        """Let a parcel leave; its number may have been used."""
        known = self.wants.setdefault((claim.order_key, claim.revision), claim)
        self._deduct(Deduction(id=known.order_key.parcel_id(str(parcel)), taken=taken, claim=known))

    @precondition(lambda self: self.model.holds)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        """Move an order with all that it holds to the other location."""
        held = self.model.holds[data.draw(st.sampled_from(sorted(self.model.holds)))]
        wanted = {(sku, OTHER[location]): quantity for (sku, location), quantity in held.wanted.items()}
        claim = Claim(order_key=held.order_key, revision=held.revision + 1, wanted=wanted)
        self._reserve([self.wants.setdefault((claim.order_key, claim.revision), claim)])

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Say again what was said some time ago, as a late writer does."""
        told = data.draw(st.sampled_from(self.told))
        if isinstance(told, Deduction):
            self._deduct(told)
        else:
            self._reserve(told)

    @precondition(lambda self: isinstance(self.ledger, SupportsMovements))
    @rule(name=movement_ids, place=st.sampled_from(PLACES), counted=st.integers(0, 9))
    def count(self, name: str, place: Place, counted: int) -> None:
        """Take stock; the movement's id may have been used, by whatever kind of movement."""
        assert isinstance(self.ledger, SupportsMovements)
        sku, location = place
        self.run(self.ledger.set_on_hand(sku, location=location, quantity=counted, movement_id=name, at=NOON))
        self._note(name, {place: counted - self.model.on_hand()[place]})

    @precondition(lambda self: isinstance(self.ledger, SupportsMovements))
    @rule(name=movement_ids, place=st.sampled_from(PLACES), quantity=st.integers(-4, 4).filter(bool))
    def adjust(self, name: str, place: Place, quantity: int) -> None:
        """Find some more pieces, or fewer."""
        assert isinstance(self.ledger, SupportsMovements)
        sku, location = place
        self.run(self.ledger.adjust(sku, location=location, quantity=quantity, movement_id=name, at=NOON))
        self._note(name, {place: quantity})

    @precondition(lambda self: isinstance(self.ledger, SupportsMovements))
    @rule(name=movement_ids, place=st.sampled_from(PLACES), quantity=st.integers(1, 4))
    def transfer(self, name: str, place: Place, quantity: int) -> None:
        """Carry some pieces to the other location."""
        assert isinstance(self.ledger, SupportsMovements)
        (sku, source), destination = place, OTHER[place[1]]
        self.run(
            self.ledger.transfer(
                sku, source=source, destination=destination, quantity=quantity, movement_id=name, at=NOON
            )
        )
        self._note(name, {place: -quantity, (sku, destination): quantity})

    @rule(limit=st.integers(1, 3))
    def read_news(self, limit: int) -> None:
        """Ask what changed: nothing that did is missing, nothing that did not is named, versions only grow."""
        versions = self.run(self.ledger.changed(limit=limit))
        if versions is None:
            return
        must = {sku for sku, feed in self.feeds.items() if feed.changed > feed.changed_known}
        may = {sku for sku, feed in self.feeds.items() if self.model.touched[sku] > feed.touched_known}
        assert set(versions) <= may, "an unchanged SKU is news"
        assert len(versions) <= limit
        assert must <= set(versions) or len(versions) == limit, "a changed SKU is no news"
        for sku, version in versions.items():
            feed = self.feeds[sku]
            assert version >= feed.version + (feed.changed > feed.changed_at_version), "a version did not grow"
            feed.version, feed.changed_at_version = version, feed.changed
        self.readings.append(
            Reading(
                versions,
                {sku: self.model.touched[sku] for sku in versions},
                {sku: self.feeds[sku].changed for sku in versions},
            )
        )

    @precondition(lambda self: self.readings)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """Acknowledge what was read some time ago; what changed since stays news."""
        reading = data.draw(st.sampled_from(self.readings))
        self.run(self.ledger.acknowledge(reading.versions))
        for sku in reading.versions:
            feed = self.feeds[sku]
            feed.touched_known = max(feed.touched_known, reading.touched[sku])
            feed.changed_known = max(feed.changed_known, reading.changed[sku])

    @invariant()
    def levels_add_up(self) -> None:
        """L4: on-hand is the sum of the movements, and reserved is the sum of the holds."""
        found = {(level.sku, level.location): level for level in self.run(self.ledger.levels(SKUS))}
        on_hand, reserved = self.model.on_hand(), self.model.reserved()
        for place in PLACES:
            level = found.get(place)
            seen = (0, 0) if level is None else (level.on_hand, level.reserved)
            assert seen == (on_hand[place], reserved[place]), place

    @invariant()
    def books_agree(self) -> None:
        """L4 and L5: the ledger's own books tell the same holds, and each movement once."""
        if not isinstance(self.ledger, OwnStockLedger):
            return
        for key in KEYS:
            assert self.run(self.ledger.held(key)) == self.model.holds.get(key)
        moved = [move for sku in SKUS for move in self.run(self.ledger.history(sku, limit=10_000))]
        assert len({(move.id, move.sku, move.location) for move in moved}) == len(moved)
        assert total({(move.sku, move.location): move.quantity} for move in moved) == self.model.on_hand()

    @invariant()
    def audit_agrees(self) -> None:
        """The books add up, tell every hold in order of the keys, and name what is short."""
        if not isinstance(self.ledger, SupportsAudit):
            return
        assert list(self.run(self.ledger.recount())) == []
        holds = [self.model.holds[key] for key in sorted(self.model.holds)]
        assert list(self.run(self.ledger.holds(limit=2))) == holds[:2]
        if holds:
            assert list(self.run(self.ledger.holds(after=holds[0].order_key, limit=9))) == holds[1:]
        short = [(level.sku, level.location) for level in self.run(self.ledger.shortages())]
        on_hand, available = self.model.on_hand(), self.model.available()
        assert short == sorted(place for place in PLACES if min(on_hand[place], available[place]) < 0)

    def _reserve(self, batch: Sequence[Claim]) -> None:
        self.told.append(batch)
        held = self.run(self.ledger.reserve(batch, at=NOON))
        before = self.model.available()
        for claim in batch:
            self.model.hold(claim)
        assert held == {claim.order_key: self.model.hold(claim) for claim in batch}
        self._notice(before)

    def _deduct(self, deduction: Deduction) -> None:
        self.told.append(deduction)
        self.run(self.ledger.deduct(deduction, at=NOON))
        before = self.model.available()
        self.model.hold(deduction.claim)
        self._note(deduction.id, {place: -quantity for place, quantity in deduction.taken.items()}, before)

    def _note(self, movement_id: str, quantities: Mapping[Place, int], before: Counter[Place] | None = None) -> None:
        was = self.model.available() if before is None else before
        self.model.move(movement_id, quantities)
        self._notice(was)

    def _notice(self, before: Counter[Place]) -> None:
        """Remember of which SKUs what is available changed."""
        after = self.model.available()
        for sku, feed in self.feeds.items():
            feed.changed += any(before[place] != after[place] for place in PLACES if place[0] == sku)
