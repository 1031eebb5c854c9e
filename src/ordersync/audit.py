"""The audit: what differs between orders and ledger and is not due, and how to set it right.

An audit may run beside everything else. Orders and holds are judged by revision, since one revision of an order
wants one list; an order counts as wrong only if what it said before and after its hold was read both say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from .errors import ConfigurationError
from .model.audits import Audit, FindingCode, Mend, OrderFinding, Release, Rewant, Step
from .model.ids import OrderKey
from .model.orders import Order, StockByPlace
from .model.stock import Claim
from .ports import OrderStore, StockLedger, Storage, SupportsAudit

SomeStep = TypeVar("SomeStep", Mend, Release, Rewant)

BATCH = 500
"""How many orders or holds are read at once."""


async def audit(storage: Storage) -> Audit:
    """Compare every order with what the ledger holds for it, and every level with its movements and holds.

    Changes nothing. The answer holds the findings and the plan; ``apply`` carries the plan out.
    ``ConfigurationError`` when the ledger does not offer ``SupportsAudit``.
    """
    ledger = _auditable(storage.stock)
    found: list[OrderFinding] = []
    compared = due = 0
    after: OrderKey | None = None
    while True:
        orders = {order.key: order for order in await storage.orders.listed(limit=BATCH, after=after)}
        last = max(orders, default=None)
        found += await _compare_page(storage.orders, orders, await _holds(ledger, after=after, until=last))
        compared += len(orders)
        due += sum(is_due(order) for order in orders.values())
        if last is None:
            break
        after = last
    levels, short = await ledger.recount(), await ledger.shortages()
    return Audit(compared=compared, due=due, orders=tuple(found), levels=tuple(levels), short=tuple(short))


async def apply(plan: Sequence[Step], storage: Storage, *, at: datetime) -> Sequence[Step]:
    """Carry out the steps of a plan that was looked at, in their order; return those that took effect.

    A step takes effect only while what it answers is as it was found; where the world has moved on it does
    nothing, so a plan may be applied late, in part, or twice. *at* is the time of what is released. Orders that
    are made due are settled by the next run; an order that the ledger is ahead of takes two.
    """
    done: list[Step] = []
    mends = _of(plan, Mend)
    if mends:
        mended = set(await _auditable(storage.stock).mend_levels([step.level for step in mends]))
        done += [step for step in mends if step.level in mended]
    done += await _release(storage, _of(plan, Release), at=at)
    done += await _rewant(storage.orders, _of(plan, Rewant))
    return done


def is_due(order: Order) -> bool:
    """Say whether the ledger is not known to hold what an order wants now."""
    return order.stock_revision != order.reserved_revision


def judge(key: OrderKey, order: Order | None, held: Claim | None) -> OrderFinding | None:
    """Compare an order (None: not stored) with what the ledger holds for it; None when nothing is wrong."""
    if order is None:
        if held is None or not held.wanted:
            return None
        return OrderFinding(code=FindingCode.ORPHANED, order_key=key, revision=0, wanted={}, held=held)
    code = None if is_due(order) else _code(order, held)
    if code is None:
        return None
    return OrderFinding(code=code, order_key=key, revision=order.stock_revision, wanted=order.wanted, held=held)


def _code(order: Order, held: Claim | None) -> FindingCode | None:
    if held is None:
        return FindingCode.LEDGER_BEHIND if order.wanted else None
    if held.revision > order.stock_revision:
        return FindingCode.LEDGER_AHEAD
    if held.revision < order.stock_revision:
        return FindingCode.LEDGER_BEHIND
    return None if held.wanted == order.wanted else difference(held.wanted, order.wanted)


def difference(held: StockByPlace, wanted: StockByPlace) -> FindingCode:
    """Name the difference between what is held and what is wanted, which are not the same.

    An order that holds too much of one SKU and too little of another has LEAKED: what it holds is in others' way.
    """
    of_held, of_wanted = _by_sku(held), _by_sku(wanted)
    if of_held == of_wanted:
        return FindingCode.WRONG_PLACE
    if _is_multiple(held, wanted):
        return FindingCode.DOUBLED
    return FindingCode.LEAKED if of_held - of_wanted else FindingCode.MISSING


def _is_multiple(held: StockByPlace, wanted: StockByPlace) -> bool:
    if not wanted or held.keys() != wanted.keys():
        return False
    times = sum(held.values()) // sum(wanted.values())
    return all(held[place] == times * wanted[place] for place in wanted)


def _by_sku(quantities: StockByPlace) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (sku, _), quantity in quantities.items():
        sums[sku] += quantity
    return sums


async def _compare_page(
    store: OrderStore, orders: Mapping[OrderKey, Order], holds: Mapping[OrderKey, Claim]
) -> Sequence[OrderFinding]:
    """Judge orders by their holds, which were read after them; read the suspects again and judge once more."""
    suspects = {
        key: found
        for key in sorted({*orders, *holds})
        if (found := judge(key, orders.get(key), holds.get(key))) is not None
    }
    if not suspects:
        return ()
    now = await store.load(suspects)
    again = ((found, judge(key, now.get(key), holds.get(key))) for key, found in suspects.items())
    return [found for found, still in again if found == still]


async def _holds(ledger: SupportsAudit, *, after: OrderKey | None, until: OrderKey | None) -> Mapping[OrderKey, Claim]:
    """Return the holds of all keys behind *after*, and up to *until* if that is given."""
    holds: dict[OrderKey, Claim] = {}
    while page := await ledger.holds(after=after, limit=BATCH):
        after = page[-1].order_key
        holds.update((claim.order_key, claim) for claim in page if until is None or claim.order_key <= until)
        if until is not None and after >= until:
            break
    return holds


def _auditable(ledger: StockLedger) -> SupportsAudit:
    if not isinstance(ledger, SupportsAudit):
        raise ConfigurationError(
            f"{type(ledger).__name__} cannot be audited: it does not offer SupportsAudit "
            "(holds, recount, shortages, mend_levels); add these verbs to it, or audit it with its own tools"
        )
    return ledger


async def _release(storage: Storage, steps: Sequence[Release], *, at: datetime) -> Iterable[Step]:
    """Release what is held for orders that still are not stored; the ledger ignores what it has overtaken."""
    stored = await storage.orders.load([step.claim.order_key for step in steps]) if steps else {}
    orphans = [step for step in steps if step.claim.order_key not in stored]
    if not orphans:
        return ()
    held = await storage.stock.reserve([step.claim for step in orphans], at=at)
    return [step for step in orphans if held[step.claim.order_key] == step.claim.revision]


async def _rewant(store: OrderStore, steps: Sequence[Rewant]) -> Iterable[Step]:
    """Make orders due that are still at the revision under which they were judged."""
    now = await store.load([step.order_key for step in steps]) if steps else {}
    still = [step for step in steps if _is_at(now.get(step.order_key), step.revision)]
    if still:
        await store.rewant([step.order_key for step in still])
    return still


def _is_at(order: Order | None, revision: int) -> bool:
    return order is not None and order.stock_revision == order.reserved_revision == revision


def _of(plan: Iterable[Step], kind: type[SomeStep]) -> Sequence[SomeStep]:
    return [step for step in plan if isinstance(step, kind)]
