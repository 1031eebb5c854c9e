"""Why a listing shows what it shows: the rule stage by stage, and where its last push stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from ..channel import Channel
from ..clock import Clock, SystemClock
from ..columns import cut, said, wrapped
from ..model.ids import ChannelId
from ..model.listings import Listing, ListingId, ListingState
from ..model.runs import ChannelLife, ChannelState
from ..model.stock import StockLevel, StockRule
from ..ports import Storage
from ..publication import Stage, Target, effective_rule, target
from ..sync.lease import late_window

JSON_SCHEMA = "ordersync.why-quantity/1"
"""Raised when a field of the JSON answer changes its meaning; fields may be added."""

NAME, SKU, QUANTITY = 13, 24, 9
"""Columns of the table of stages, in characters."""


class QuantityCode(StrEnum):
    """Where a listing stands.

    ``SHOWS_WHAT_IT_SHOULD`` as far as we know. ``DUE``: it shows something else, and the next run pushes.
    ``IN_DOUBT``: nobody knows what it shows; the next run pushes. ``RESTING``: the channel asked to try later.
    ``REFUSED``: the channel refused the last push. ``UNRESOLVED``: a late copy of a push may still land.
    ``UNLINKED``: it is linked to nothing, so nothing is pushed.
    """

    SHOWS_WHAT_IT_SHOULD = "SHOWS_WHAT_IT_SHOULD"
    DUE = "DUE"
    IN_DOUBT = "IN_DOUBT"
    RESTING = "RESTING"
    REFUSED = "REFUSED"
    UNRESOLVED = "UNRESOLVED"
    UNLINKED = "UNLINKED"


@attrs.frozen(kw_only=True)
class WhyQuantity:
    """What one listing shows as far as is known, what it should show, and how that comes about.

    ``listing``, ``rule`` and ``target`` are None for one that is linked to nothing. ``levels`` are all that were
    looked at; ``counted`` are those of them that the rule counts. ``unresolved_until``: until then a late copy of a
    push may land; ``resting_until``: not before then is it pushed again. ``at``: when this was asked.
    ``linked_at``: where else its channel SKU is linked: at these of the channel's locations, or at none.
    """

    channel: ChannelId
    id: ListingId
    life: ChannelLife
    at: datetime
    listing: Listing | None = None
    rule: StockRule | None = None
    target: Target | None = None
    levels: tuple[StockLevel, ...] = ()
    unresolved_until: datetime | None = None
    linked_at: tuple[str, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the steps from the levels to the quantity."""
        return () if self.target is None else self.target.stages

    @property
    def counted(self) -> tuple[StockLevel, ...]:
        """Return the levels at locations that the rule counts."""
        places = None if self.rule is None else self.rule.locations
        return tuple(level for level in self.levels if places is None or level.location in places)

    @property
    def believed(self) -> int | None:
        """Return what the channel shows as far as is known; None in doubt."""
        return None if self.listing is None else self.listing.believed

    @property
    def failure(self) -> str | None:
        """Return what the channel said when it refused the last push, if it did."""
        refused = self.listing is not None and self.listing.state is ListingState.FAILED
        return self.listing.failure if refused and self.listing is not None else None

    @property
    def resting_until(self) -> datetime | None:
        """Return when it may be pushed again, where that is still to come."""
        again = None if self.listing is None else self.listing.next_attempt_at
        return again if again is not None and again > self.at else None

    @property
    def exposure(self) -> int | None:
        """Return how many more pieces its channel may sell than the listing should offer; None in doubt."""
        if self.target is None or self.believed is None or self.unresolved_until is not None:
            return None
        return max(0, self.believed - self.target.quantity)

    @property
    def code(self) -> QuantityCode:
        """Return where it stands."""
        if self.listing is None or self.target is None:
            return QuantityCode.UNLINKED
        if self.unresolved_until is not None:
            return QuantityCode.UNRESOLVED
        if self.believed == self.target.quantity:
            return QuantityCode.SHOWS_WHAT_IT_SHOULD
        if self.listing.state is ListingState.FAILED:
            return QuantityCode.REFUSED
        if self.resting_until is not None:
            return QuantityCode.RESTING
        return QuantityCode.IN_DOUBT if self.believed is None else QuantityCode.DUE

    @property
    def sentence(self) -> str:
        """Say it in one sentence, of which the listing is the subject."""
        if self.target is None:
            linked = f" (it is at {', '.join(self.linked_at)})" if self.linked_at else ""
            return f"is linked to nothing{linked}, so nothing is pushed; link it to what it sells"
        should = f"should show {self.target.quantity}"
        match self.code:
            case QuantityCode.SHOWS_WHAT_IT_SHOULD:
                return f"shows {self.believed}, {should}"
            case QuantityCode.REFUSED:
                should += f"; the channel refused the last push ({self.failure})"
            case QuantityCode.RESTING:
                should += "; the channel asked to try later"
        return f"{self._known()}, {should}: {self._pushed()}"

    def to_json(self) -> str:
        """Return the answer as JSON (schema ``ordersync.why-quantity/1``)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "source": self.channel.source,
            "subsource": self.channel.subsource,
            "channel_sku": self.id.channel_sku,
            "channel_location": self.id.channel_location,
            "at": self.at.isoformat(),
            "code": self.code.value,
            "sentence": self.sentence,
            "channel": self.life.state.value,
            "should_show": None if self.target is None else self.target.quantity,
            "believed": self.believed,
            "exposure": self.exposure,
            "components": {} if self.listing is None else dict(sorted(self.listing.components.items())),
            "rule": None if self.rule is None else _rule_facts(self.rule),
            "own_rule": self.listing is not None and self.listing.rule is not None,
            "stages": [attrs.asdict(stage) for stage in self.stages],
            "levels": [_level_facts(level, counted=level in self.counted) for level in self.levels],
            "resting_until": _moment(self.resting_until),
            "unresolved_until": _moment(self.unresolved_until),
            "accepted_at": _moment(None if self.listing is None else self.listing.accepted_at),
            "failure": self.failure,
        }

    def __str__(self) -> str:
        """Return the answer as text of at most 80 columns, the rule stage by stage."""
        head = wrapped(f"{self.channel} {self.id}: {self.sentence}", margin=2)
        code = f"code: {self.code}"
        return "\n".join([*head, code, *self._table(), *self._not_counted()])

    def _table(self) -> Iterator[str]:
        if self.stages:
            yield f"{'stage':<{NAME}}{'SKU':<{SKU}}{'quantity':>{QUANTITY}}  because"
        for stage in self.stages:
            start = f"{stage.name:<{NAME}}{cut(stage.sku or '', SKU - 1):<{SKU}}{stage.quantity:>{QUANTITY}}  "
            yield from wrapped(stage.detail, first=start)

    def _not_counted(self) -> Iterator[str]:
        others = [level for level in self.levels if level not in self.counted]
        if others:
            names = ", ".join(f"{level.available} {level.sku} at {level.location}" for level in others)
            yield from wrapped(f"not counted by the rule: {names}", margin=2)

    def _known(self) -> str:
        listing = self.listing
        if listing is None or self.unresolved_until is not None:
            return self._unresolved()
        if listing.believed is not None:
            return f"is believed to show {listing.believed}"
        last = (
            "no push was accepted yet" if listing.accepted_at is None else f"last answered {said(listing.accepted_at)}"
        )
        return f"shows an unknown quantity ({last})"

    def _unresolved(self) -> str:
        """Say that the fate of a push is unknown; that counts more than any belief."""
        until = self.unresolved_until
        began = None if self.listing is None else self.listing.attempt_began
        since = "" if began is None else f" since {said(began)}"
        late = "" if until is None or until <= self.at else f"; a late copy of it may land until {said(until)}"
        return f"shows an unknown quantity{since} (the fate of a push is unknown{late})"

    def _pushed(self) -> str:
        """Say when it is pushed, and what stands in the way."""
        life = self.life
        if life.state is ChannelState.DISABLED:
            cause = f" ({life.cause})" if life.cause else ""
            return f"it is not pushed, as the channel is disabled{cause}; enable it"
        begins = max(filter(None, (self.resting_until, self._looked_at_from())), default=None)
        when = "by the next run" if begins is None else f"by the first run after {said(begins)}"
        if life.state is ChannelState.DRAFT:
            return f"it is pushed {when}, once a connection test of the channel has passed"
        if life.paused_until is not None and life.paused_until > self.at:
            return f"it is pushed {when}, but the channel rests until {said(life.paused_until)} as calls to it failed"
        return f"it is pushed {when}"

    def _looked_at_from(self) -> datetime | None:
        """Return the end of the window that alone makes it due, where that is still to come."""
        listing, until = self.listing, self.unresolved_until
        if listing is None or self.target is None or until is None or until <= self.at:
            return None
        settled = listing.wanted == listing.settled and listing.believed == self.target.quantity
        return until if settled else None


async def why_quantity(
    storage: Storage,
    channel: Channel,
    *,
    channel_sku: str,
    channel_location: str | None = None,
    clock: Clock | None = None,
) -> WhyQuantity:
    """Say what a listing should show and why, as the next run would work it out; no channel is called.

    *clock* tells whether a rest or a window is over. ``ValueError`` when *channel_sku* is no SKU.
    """
    at = (clock or SystemClock()).now()
    wanted = ListingId(channel_sku, channel_location)
    life = (await storage.journal.life([channel.id]))[channel.id]
    listed = await storage.listings.of_channel(channel.id)
    listing = next((listing for listing in listed if listing.id == wanted), None)
    if listing is None:
        return WhyQuantity(channel=channel.id, id=wanted, life=life, at=at, linked_at=_linked_at(listed, channel_sku))
    rule = effective_rule(listing, channel.settings)
    levels = tuple(await storage.stock.levels(sorted(listing.components)))
    return WhyQuantity(
        channel=channel.id,
        id=wanted,
        life=life,
        at=at,
        listing=listing,
        rule=rule,
        target=target(listing.components, rule, levels),
        levels=levels,
        unresolved_until=_unresolved_until(listing, channel),
    )


def _linked_at(listed: Iterable[Listing], channel_sku: str) -> tuple[str, ...]:
    same = (listing for listing in listed if listing.channel_sku == channel_sku)
    return tuple(listing.channel_location or "no location" for listing in same)


def _unresolved_until(listing: Listing, channel: Channel) -> datetime | None:
    """Return until when a copy of an unanswered push may land, which is over only once another push has answered."""
    ends = [] if listing.unresolved_until is None else [listing.unresolved_until]
    if listing.attempt_began is not None:
        ends.append(listing.attempt_began + late_window(channel))
    return max(ends, default=None)


def _rule_facts(rule: StockRule) -> Mapping[str, Any]:
    locations = None if rule.locations is None else sorted(rule.locations)
    percentage = f"{rule.percentage.normalize():f}"
    return {
        "locations": locations,
        "buffer": rule.buffer,
        "percentage": percentage,
        "end_when": rule.end_when,
        "cap": rule.cap,
    }


def _level_facts(level: StockLevel, *, counted: bool) -> Mapping[str, Any]:
    return {**attrs.asdict(level), "available": level.available, "counted": counted}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
