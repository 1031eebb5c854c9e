"""What an audit finds in the books, and what it proposes to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from ..columns import plain
from .ids import OrderKey
from .orders import StockByPlace
from .stock import Claim, StockLevel

JSON_SCHEMA = "ordersync.audit/1"
"""Raised when a field of the JSON audit changes its meaning; fields may be added."""

MOST_PLACES = 3
"""More differences of one order than these are counted in its sentence, not named."""


class FindingCode(StrEnum):
    """What is wrong. ``SHORT`` is no fault of the books: there is less than was sold, and a person decides."""

    LEAKED = "LEAKED"
    MISSING = "MISSING"
    WRONG_PLACE = "WRONG_PLACE"
    DOUBLED = "DOUBLED"
    ORPHANED = "ORPHANED"
    LEDGER_AHEAD = "LEDGER_AHEAD"
    LEDGER_BEHIND = "LEDGER_BEHIND"
    ON_HAND_OFF = "ON_HAND_OFF"
    RESERVED_OFF = "RESERVED_OFF"
    SHORT = "SHORT"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that an audit found, for a person: its code, an order or a SKU, and a sentence."""

    code: FindingCode
    subject: str
    sentence: str

    def __str__(self) -> str:
        """Return it in one line; nothing in it can steer a terminal."""
        return plain(f"{self.code:<13} {self.subject}: {self.sentence}")


@attrs.frozen(kw_only=True)
class OrderFinding:
    """An order whose hold in the ledger is not what it wants, though it is not due.

    ``revision`` is the order's stock revision (0: no such order is stored), ``held`` what the ledger holds for it
    (None: it never heard of it).
    """

    code: FindingCode
    order_key: OrderKey
    revision: int
    wanted: StockByPlace
    held: Claim | None

    @property
    def sentence(self) -> str:
        """Say what is held and what should be."""
        holds = {} if self.held is None else self.held.wanted
        under = "nothing" if self.held is None else f"revision {self.held.revision}"
        match self.code:
            case FindingCode.ORPHANED:
                return f"no such order is stored, but the ledger holds {_places(holds)} for it"
            case FindingCode.LEDGER_AHEAD:
                return f"the ledger holds {under}, and the order is only at revision {self.revision}"
            case FindingCode.LEDGER_BEHIND:
                return f"the ledger holds {under}, and the order was settled at revision {self.revision}"
        return _differences(holds, self.wanted)


@attrs.frozen(kw_only=True)
class LevelFinding:
    """A level of which a number is not the sum that it stands for.

    ``on_hand`` and ``reserved`` are the level's own, ``moved`` is the sum of its movements, ``held`` that of its holds.
    """

    sku: str
    location: str
    on_hand: int
    moved: int
    reserved: int
    held: int

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong with it, for a person."""
        on_hand = f"on-hand is {self.on_hand}, and the movements add up to {self.moved}"
        reserved = f"reserved is {self.reserved}, and the orders hold {self.held}"
        said = {
            FindingCode.ON_HAND_OFF: on_hand if self.on_hand != self.moved else "",
            FindingCode.RESERVED_OFF: reserved if self.reserved != self.held else "",
        }
        subject = f"{self.sku} at {self.location}"
        return tuple(
            Finding(code=code, subject=subject, sentence=sentence) for code, sentence in said.items() if sentence
        )


@attrs.frozen(kw_only=True)
class Mend:
    """Make a level the sums of its movements and holds."""

    level: LevelFinding

    def __str__(self) -> str:
        """Say what would be done."""
        level = self.level
        numbers = (("on-hand", level.on_hand, level.moved), ("reserved", level.reserved, level.held))
        changes = [f"{name} from {was} to {becomes}" for name, was, becomes in numbers if was != becomes]
        return plain(f"set {level.sku} at {level.location}: {', '.join(changes)}")


@attrs.frozen(kw_only=True)
class Release:
    """Let an order that is not stored hold nothing; the claim says under which revision."""

    claim: Claim

    def __str__(self) -> str:
        """Say what would be done."""
        return f"release all that is held for {self.claim.order_key}, under revision {self.claim.revision}"


@attrs.frozen(kw_only=True)
class Rewant:
    """Make an order due again, so that the next run sets what it holds; ``revision`` is the one it was judged at."""

    order_key: OrderKey
    revision: int

    def __str__(self) -> str:
        """Say what would be done."""
        return f"make {self.order_key} due again while it is at revision {self.revision}"


Step = Mend | Release | Rewant
"""One step of a plan. It takes effect only while what it answers is still as it was found."""


@attrs.frozen(kw_only=True)
class Audit:
    """What was found wrong between orders and ledger and inside the ledger, and the plan that sets it right.

    ``compared`` orders were looked at; ``due`` of them want something else than the ledger is known to hold, which
    is no fault: the next run settles them. ``short`` levels have less than was sold or sent; no plan can help.
    ``str()`` and ``to_json()`` show all of it, before anything is done.
    """

    compared: int
    due: int
    orders: tuple[OrderFinding, ...] = ()
    levels: tuple[LevelFinding, ...] = ()
    short: tuple[StockLevel, ...] = ()

    @property
    def clean(self) -> bool:
        """Say whether the books are right; what is short does not count."""
        return not self.orders and not self.levels

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return all that was found, for a person."""
        return (
            *(Finding(code=one.code, subject=str(one.order_key), sentence=one.sentence) for one in self.orders),
            *(finding for one in self.levels for finding in one.findings()),
            *(_short(one) for one in self.short),
        )

    @property
    def plan(self) -> tuple[Step, ...]:
        """Return the steps that would set the books right: levels first, as later steps change what they are."""
        return (*(Mend(level=one) for one in self.levels), *(_step(one) for one in self.orders))

    def to_json(self) -> str:
        """Return findings and plan as JSON (schema ``ordersync.audit/1``)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return findings and plan as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "compared": self.compared,
            "due": self.due,
            "clean": self.clean,
            "findings": [attrs.asdict(finding) for finding in self.findings],
            "plan": [
                {"step": type(step).__name__.lower(), "sentence": str(step), **_facts(step)} for step in self.plan
            ],
        }

    def __str__(self) -> str:
        """Return findings and plan as text, one line each."""
        head = f"audit: {self.compared} orders compared, {self.due} due, {len(self.findings)} findings"
        plan = [f"plan: {len(self.plan)} steps", *(f"  {step}" for step in self.plan)] if self.plan else []
        return "\n".join([head, *(f"  {finding}" for finding in self.findings), *plan])


def _step(found: OrderFinding) -> Step:
    if found.code is FindingCode.ORPHANED and found.held is not None:
        claim = attrs.evolve(found.held, revision=found.held.revision + 1, wanted={})
        return Release(claim=claim)
    return Rewant(order_key=found.order_key, revision=found.revision)


def _facts(step: Step) -> Mapping[str, object]:
    if isinstance(step, Mend):
        return attrs.asdict(step.level)
    key, revision = (
        (step.claim.order_key, step.claim.revision) if isinstance(step, Release) else (step.order_key, step.revision)
    )
    return {**attrs.asdict(key.channel), "reference": key.reference, "revision": revision}


def _short(level: StockLevel) -> Finding:
    gone = f"{-level.on_hand} more left than were there" if level.on_hand < 0 else ""
    sold = f"{-level.available} more sold than there are" if level.available < 0 else ""
    sentence = ", ".join(part for part in (sold, gone) if part)
    return Finding(code=FindingCode.SHORT, subject=f"{level.sku} at {level.location}", sentence=sentence)


def _differences(held: StockByPlace, wanted: StockByPlace) -> str:
    places = sorted(place for place in {*held, *wanted} if held.get(place, 0) != wanted.get(place, 0))
    parts = [
        f"holds {held.get(place, 0)} and wants {wanted.get(place, 0)} of {place[0]} at {place[1]}" for place in places
    ]
    return "; ".join(_cut(parts))


def _places(quantities: StockByPlace) -> str:
    return ", ".join(_cut([f"{number} {sku} at {location}" for (sku, location), number in sorted(quantities.items())]))


def _cut(parts: list[str]) -> list[str]:
    more = len(parts) - MOST_PLACES
    return parts if more <= 0 else [*parts[:MOST_PLACES], f"and {more} more"]
