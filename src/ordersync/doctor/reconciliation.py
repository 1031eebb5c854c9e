"""Reconcile: compare what a channel shows as unshipped with what is here, and name every difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from ..channel import Channel
from ..columns import wrapped
from ..errors import OrderSyncError
from ..model.ids import ChannelId
from ..ports import Storage
from ..sync.channel_run import RunContext
from ..sync.healing import heal as heal_now
from ..sync.report import RunReport
from .differences import NOT_SHOWN, RECONCILE_CODES, Cure, Difference, There
from .sides import Sides

JSON_SCHEMA = "ordersync.reconciliation/1"
"""Raised when a field of the JSON changes its meaning; fields may be added."""

MOST_LINES = 50
ENDED = frozenset({There.SHIPPED, There.CANCELLED})


@attrs.frozen(kw_only=True)
class Reconciliation:
    """What differs between a channel and what is here of it, as of *read_at*.

    ``shown`` orders came as unshipped; ``agree`` of them are here just so, and each of the others is a difference.
    ``here`` are open here, None if *error* cut the reading: then nothing is said of orders that were not shown.
    After healing, ``healed`` is the report of that run, ``mended`` what it has set right, and the differences are
    those that are left. ``str()`` is plain text of at most 80 columns.
    """

    channel: ChannelId
    read_at: datetime
    pages: int
    shown: int
    agree: int
    here: int | None
    differences: tuple[Difference, ...]
    mended: tuple[Difference, ...] = ()
    healed: RunReport | None = None
    error: OrderSyncError | None = None

    @property
    def clean(self) -> bool:
        """Say whether everything was read, and nothing is left that a run or a person must mend."""
        return self.error is None and all(one.cure is Cure.NONE for one in self.differences)

    @property
    def is_suspicious(self) -> bool:
        """Say whether more than half of the open orders were left out that have not ended there.

        Then the channel may be at fault, not they.
        """
        unexplained = [one for one in self.of(NOT_SHOWN) if one.details["there"] not in ENDED]
        return self.here is not None and 2 * len(unexplained) > self.here

    def of(self, code: str) -> Sequence[Difference]:
        """Return the differences with this code."""
        return [one for one in self.differences if one.code == code]

    def to_json(self) -> str:
        """Return it as JSON (schema ``ordersync.reconciliation/1``, see the reference)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return it as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "source": self.channel.source,
            "subsource": self.channel.subsource,
            "read_at": self.read_at.isoformat(),
            "pages": self.pages,
            "shown": self.shown,
            "agree": self.agree,
            "here": self.here,
            "clean": self.clean,
            "suspicious": self.is_suspicious,
            "error": None if self.error is None else {"code": self.error.code, "message": str(self.error)},
            "differences": [_facts(one) for one in self.differences],
            "mended": [_facts(one) for one in self.mended],
            "healed": None if self.healed is None else self.healed.to_dict(),
        }

    def __str__(self) -> str:
        """Return it as text."""
        return "\n".join(line for text in self._texts() for line in wrapped(text, margin=4))

    def _texts(self) -> Iterator[str]:
        yield f"reconcile {self.channel}  {self.read_at:%Y-%m-%d %H:%M:%SZ}  pages: {self.pages}"
        here = "not compared" if self.here is None else f"{self.here}, not shown: {len(self.of(NOT_SHOWN))}"
        differ = self.shown - self.agree
        yield f"shown: {self.shown} = {self.agree} agree + {differ} differ; open here: {here}"
        if self.error is not None:
            yield f"cut: {self.error}"
            yield "nothing is concluded about orders that were not shown"
        if self.is_suspicious:
            yield "more than half of the open orders were left out: the channel may be at fault, not they"
        for one in self.differences[:MOST_LINES]:
            yield f"{one.code:<15} {_name(one)}  {one.sentence} {_told(one)}-> {one.next_step}"
        if len(self.differences) > MOST_LINES:
            yield f"and {len(self.differences) - MOST_LINES} more differences"
        for one in self.mended[:MOST_LINES]:
            yield f"{'mended':<15} {_name(one)}  {one.code}"
        if self.healed is not None:
            errors = len(self.healed.errors)
            yield f"healed by run {self.healed.run_id[:8]}: {len(self.mended)} mended, errors: {errors}"


async def reconcile(storage: Storage, channel: Channel, *, context: RunContext, heal: bool = False) -> Reconciliation:
    """Read a channel's unshipped orders live and compare them with what is here; writes nothing unless it heals.

    No lease is taken, so runs may go on meanwhile. What differs is looked at a second time: asked for at the channel
    if that can be, as far as one run's looks reach, and read here again. An order is called different only if it
    still is; one that a run has seen after this reading began, and that cannot be looked up, is not. Where orders were
    left out that may only have slipped from page to page, all is read once more, and they must be left out again.

    To *heal* is to make a complete sweep and looks due and to run them, by the ordinary paths; then both sides are
    compared again. It runs only if there is something that this can mend and the reading was not cut.
    """
    context = attrs.evolve(context, storage=storage)
    first = await _compare(channel, context)
    healable = [one for one in first.differences if one.is_healable]
    if not heal or first.error is not None or not healable:
        return first
    report = await heal_now(context, channel, [one.key for one in healable if one.key is not None])
    after = await _compare(channel, context)
    left = {(one.key, one.code) for one in after.differences}
    mended = tuple(one for one in healable if (one.key, one.code) not in left) if after.error is None else ()
    return attrs.evolve(after, healed=report, mended=mended)


async def _compare(channel: Channel, context: RunContext) -> Reconciliation:
    sides = Sides(channel, context)
    read_at = context.clock.now()
    here = await _read(sides)
    if here is not None and sides.may_have_slipped:
        here = await _read(sides)
    return Reconciliation(
        channel=channel.id,
        read_at=read_at,
        pages=sides.pages,
        shown=sides.shown,
        agree=sides.agree,
        here=here,
        differences=tuple(sorted(sides.differences, key=_place)),
        error=sides.error,
    )


async def _read(sides: Sides) -> int | None:
    """Read both sides; return how many orders are open here, None if the channel's side was cut."""
    await sides.read()
    await sides.look_again()
    return None if sides.error is not None else await sides.find_left_out()


def _place(one: Difference) -> tuple[int, str]:
    return RECONCILE_CODES.index(one.code), "" if one.key is None else one.key.reference


def _name(one: Difference) -> str:
    return "(no reference)" if one.key is None else one.key.reference


def _told(one: Difference) -> str:
    told = "; ".join(f"{name}: {value}" for name, value in one.details.items())
    return f"({told}) " if told else ""


def _facts(one: Difference) -> dict[str, Any]:
    return {
        "reference": None if one.key is None else one.key.reference,
        "code": one.code,
        "sentence": one.sentence,
        "next_step": one.next_step,
        "cure": one.cure.value,
        "details": dict(one.details),
    }
