"""Checks the ledger against one of our own, and what orders hold against what they want: S1 to S5, L4, L5."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from ....model.ids import OrderKey
from ....model.orders import Order, OrderState
from ....model.stock import Claim, Deduction, StockLevel
from ..trace import Violation
from .checker import Checker
from .commits import Commit
from .reader import Reader
from .shelves import Place, Shelves
from .touched import has_recorded, parcel_of, touched_orders
from .world import World

LIVE = frozenset({OrderState.NEW, OrderState.OPEN})

STRANGER = "another installation"
"""Who has claimed in a ledger that is put in the place of ours: not ordersync, so that no law is about it."""


def wants(order: Order) -> Mapping[Place, int]:
    """Return what an order should hold: the open linked pieces of a live one, unless it is locked or never reserves."""
    pieces: dict[Place, int] = {}
    if order.state in LIVE and order.held is None and order.reserves:
        for line in order.lines:
            left = line.quantity - line.cancelled - line.shipped - line.processed
            for sku, each in (line.components or {}).items() if left > 0 else ():
                pieces[sku, order.location] = pieces.get((sku, order.location), 0) + left * each
    return pieces


class StockChecker(Checker):
    """Keeps a ledger of its own beside the real one, and knows which orders may hold something else than they want."""

    def __init__(self, world: World) -> None:
        """Begin with an empty ledger."""
        super().__init__(world)
        self._shelves = Shelves()
        self._parcels: dict[str, Deduction] = {}
        self._leaving: dict[OrderKey, dict[str, int]] = {}
        self._recorded: dict[OrderKey, list[str]] = {}
        self._wanted: dict[tuple[OrderKey, int], Mapping[Place, int]] = {}
        self._orders: set[OrderKey] = set()
        self._strange: dict[OrderKey, int] = {}
        self._untold: set[OrderKey] = set()

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Check what a verb wrote: levels of the SKUs that it named, and holds of the orders that it named."""
        if commit.refused is not None:
            return
        if commit.port == "stock":
            self._moved(commit, reader)
        elif commit.port == "orders":
            self._ordered(commit, reader)

    def ended(self, reader: Reader) -> None:
        """Check that holds are exactly what orders want, and that every movement is told once."""
        for channel in self._world.markets:
            worked_on = self._world.is_worked_on(channel, reader)
            for order in reader.orders(channel) if worked_on else ():
                claim = reader.held(order.key)
                if (claim.wanted if claim is not None else {}) != wants(order):
                    raise Violation("S5", f"{order.key} holds {_told(claim)}, and wants {_text(wants(order))}")
        for key, claim in sorted(self._shelves.held.items()):
            if claim.wanted and key not in self._orders:
                raise Violation("S5", f"{key} is not stored, and holds {_told(claim)}")
        self._levels_agree(self._shelves.skus, reader)
        for sku in sorted(self._shelves.skus):
            self._shelves.is_told(sku, reader.history(sku))

    def _moved(self, commit: Commit, reader: Reader) -> None:
        if commit.verb == "deduct":
            self._is_of_a_parcel(cast("Deduction", commit.argument(0, "deduction")))
        for claim in _claims(commit):
            if commit.process == STRANGER:
                self._strange[claim.order_key] = claim.revision
                self._untold.add(claim.order_key)
            else:
                self._one_list(claim.order_key, claim.revision, claim.wanted, f"a claim of {commit.verb}")
        skus, keys = self._shelves.take(commit)
        self._levels_agree(skus, reader)
        for key in keys:
            self._holds_agree(key, reader)
            self._is_due_or_right(key, reader, commit.verb)
            self._nothing_is_free_that_leaves(key)

    def _ordered(self, commit: Commit, reader: Reader) -> None:
        if has_recorded(commit):
            parcel = parcel_of(commit)
            deduction = parcel.deduction
            self._parcels[deduction.id] = deduction
            self._recorded.setdefault(parcel.order_key, []).append(parcel.id)
            self._leaving.setdefault(parcel.order_key, {})[deduction.id] = deduction.claim.revision
        keys = touched_orders(commit)
        if commit.verb == "rewant_all":
            self._untold.clear()
        for key in sorted(self._orders) if keys is None else keys:
            order = reader.order(key)
            if order is None:
                continue
            self._orders.add(key)
            self._keeps_its_parcels(key, reader)
            if order.wanted != wants(order):
                text = f"wants {_text(order.wanted)}, its open lines come to {_text(wants(order))}"
                raise Violation("L4", f"{key}: {text}, after {commit.verb}")
            self._one_list(key, order.stock_revision, order.wanted, commit.verb)
            self._is_due_or_right(key, reader, commit.verb)
        if commit.verb == "queue":
            self._is_due_or_right(cast("OrderKey", commit.argument(0, "key")), reader, commit.verb)

    def _is_of_a_parcel(self, deduction: Deduction) -> None:
        """Check that goods leave as the parcel froze them, whoever finishes it (PROTOCOLS.md, 4)."""
        recorded = self._parcels.get(deduction.id)
        if recorded is None:
            raise Violation("L5", f"{deduction.id} is deducted, and no such parcel was recorded")
        if recorded != deduction:
            text = f"{_text(deduction.taken)} under revision {deduction.claim.revision}"
            raise Violation("R04", f"{deduction.id} deducts {text}, recorded was {_text(recorded.taken)}")

    def _keeps_its_parcels(self, key: OrderKey, reader: Reader) -> None:
        """Check that every parcel and its note stay, whatever becomes of the order (PROTOCOLS.md, 6)."""
        if key not in self._recorded:
            return
        notes = {note.parcel_id for note in reader.notes(key)}
        for name in self._recorded[key]:
            if name not in notes or reader.parcel(key, name) is None:
                raise Violation("R06", f"parcel {name!r} of {key} was recorded, and is gone")

    def _one_list(self, key: OrderKey, revision: int, wanted: Mapping[Place, int], by: str) -> None:
        """Check that one revision of an order has one wanted list (PROTOCOLS.md, 7)."""
        before = self._wanted.setdefault((key, revision), wanted)
        if before != wanted:
            text = f"{_text(wanted)} by {by}, {_text(before)} before"
            raise Violation("R07", f"{key} wants two things under revision {revision}: {text}")

    def _levels_agree(self, skus: Collection[str], reader: Reader) -> None:
        if not skus:
            return
        found = {(level.sku, level.location): level for level in reader.levels(sorted(skus))}
        for place in sorted({*found, *self._shelves.places(skus)}):
            sku, location = place
            level = found.get(place) or StockLevel(sku=sku, location=location, on_hand=0, reserved=0)
            self._shelves.agrees(level)

    def _holds_agree(self, key: OrderKey, reader: Reader) -> None:
        found, ours = reader.held(key), self._shelves.held.get(key)
        if found != ours:
            raise Violation("S1", f"{key} holds {_told(found)}, and claimed {_told(ours)}")

    def _is_due_or_right(self, key: OrderKey, reader: Reader, verb: str) -> None:
        """Check that a stored order holds what it wants, or is due, or has a parcel that is not finished."""
        order, claim = reader.order(key), self._shelves.held.get(key)
        if order is None:
            return
        strange = self._is_strange(claim)
        if claim is not None and claim.revision > order.stock_revision and not strange:
            raise Violation("R06", f"{key} holds revision {claim.revision}, and is at {order.stock_revision}")
        if order.stock_revision != order.reserved_revision or (strange and key in self._untold):
            return
        if claim is not None and (claim.revision, claim.wanted) == (order.stock_revision, order.wanted):
            return
        if all(note.status != "waiting" for note in reader.notes(key)):
            text = f"holds {_told(claim)}, wants {_text(order.wanted)}"
            raise Violation("L4", f"{key} is {order.state}, {text}, and is not due after {verb}")

    def _is_strange(self, claim: Claim | None) -> bool:
        """Say whether a hold is not of ours, which is so until every order is told anew (PROTOCOLS.md, 7)."""
        return claim is not None and self._strange.get(claim.order_key) == claim.revision

    def _nothing_is_free_that_leaves(self, key: OrderKey) -> None:
        """Check that what a recorded parcel holds is not free before its goods have moved (PROTOCOLS.md, 1)."""
        leaving, claim = self._leaving.get(key), self._shelves.held.get(key)
        if not leaving or claim is None or self._is_strange(claim):
            return
        for name in [name for name in leaving if name in self._shelves.moved]:
            del leaving[name]
        for name, revision in leaving.items():
            if claim.revision >= revision:
                raise Violation("R01", f"what {name} holds is free under revision {claim.revision}, and has not left")


def _claims(commit: Commit) -> Collection[Claim]:
    if commit.verb == "reserve":
        return cast("Collection[Claim]", commit.argument(0, "claims"))
    if commit.verb == "deduct":
        return [cast("Deduction", commit.argument(0, "deduction")).claim]
    return ()


def _text(quantities: Mapping[Place, int]) -> str:
    told = (f"{pieces} {sku} at {location}" for (sku, location), pieces in sorted(quantities.items()))
    return ", ".join(told) or "nothing"


def _told(claim: Claim | None) -> str:
    return "nothing" if claim is None else f"{_text(claim.wanted)} (revision {claim.revision})"
