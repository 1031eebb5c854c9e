"""Every order of a fake marketplace, and the pages in which it shows them."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from ..errors import ChannelRejectedError
from ..model.ids import ChannelId
from .market_orders import MarketOrder, Sight, sight_of
from .timeline import Timeline

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.define(kw_only=True)
class OrderBook:
    """The orders by reference, each with what is shown of it.

    ``lag``: how long a change takes to show. ``granularity``: to what its stamps are rounded down.
    ``moves_stamps``: a change moves ``updated_at``. ``words_only``: orders carry status words only.
    """

    channel: ChannelId
    lag: timedelta
    granularity: timedelta
    moves_stamps: bool
    words_only: bool
    orders: dict[str, MarketOrder] = attrs.field(factory=dict)
    _sights: dict[str, Timeline[Sight]] = attrs.field(factory=dict)
    _scans: dict[tuple[datetime | None, bool], list[Sight]] = attrs.field(factory=dict)

    def stamp(self, at: datetime) -> datetime:
        """Return *at* as the marketplace writes it down."""
        return at - (at - EPOCH) % self.granularity if self.granularity else at

    def changed(self, order: MarketOrder, at: datetime, *, silently: bool = False) -> None:
        """Show the order anew; *silently*: without moving ``updated_at``."""
        if self.moves_stamps and not silently:
            order.updated_at = self.stamp(at)
        sight = sight_of(order, words_only=self.words_only)
        self._sights.setdefault(order.reference, Timeline(self.lag)).record(at, sight)
        self._scans.clear()

    def find(self, reference: str) -> MarketOrder:
        """Return an order; ``KeyError`` if there is none."""
        if reference not in self.orders:
            raise KeyError(f"{self.channel} has no order {reference!r}")
        return self.orders[reference]

    def seen_at(self, reference: str, now: datetime) -> Sight | None:
        """Return one order as a reader sees it."""
        order = self.orders.get(reference)
        return None if order is None or order.removed else self._sights[reference].seen_at(now)

    def scan(self, since: datetime | None, now: datetime, *, in_update_order: bool) -> list[Sight]:
        """Return what is not done, or with *since* what changed; oldest change or newest order first."""
        key = since, in_update_order
        if key in self._scans:
            return self._scans[key]
        sights = (self.seen_at(reference, now) for reference in reversed(self.orders))
        found = [sight for sight in sights if sight is not None and _matches(sight, since)]
        if in_update_order:
            found.sort(key=_position)
        if not self.lag:
            self._scans[key] = found
        return found


def _matches(sight: Sight, since: datetime | None) -> bool:
    return not sight.done if since is None else sight.updated_at >= since


def _position(sight: Sight) -> tuple[datetime, str]:
    return sight.updated_at, sight.reference


@attrs.frozen
class Pager:
    """Cuts a scan into pages and hands out opaque cursors, good only within one scan.

    In update order a page begins behind the last order of the page before. Otherwise it begins behind so many
    orders, as most shops do it: when the set shrinks while it is read, orders slip past unseen.
    """

    channel: ChannelId
    size: int
    in_update_order: bool

    def page(
        self, sights: Sequence[Sight], *, since: datetime | None, cursor: str | None
    ) -> tuple[Sequence[Sight], str | None]:
        """Return one page, and the cursor of the next; ``ChannelRejectedError`` for a foreign cursor."""
        start = 0 if cursor is None else self._start(sights, since, cursor)
        page = sights[start : start + self.size]
        if start + self.size >= len(sights):
            return page, None
        position = list(_keyset(page[-1])) if self.in_update_order else [str(start + self.size)]
        return page, _sealed([_text(since), *position])

    def _start(self, sights: Sequence[Sight], since: datetime | None, cursor: str) -> int:
        try:
            told, *position = _opened(cursor)
            if told != _text(since):
                raise ValueError("the cursor belongs to another scan")  # noqa: TRY301 - one answer for all
            if not self.in_update_order:
                return int(position[0])
            moment, reference = position
            last = datetime.fromisoformat(moment), reference
        except ValueError as exc:
            raise ChannelRejectedError(
                f"{self.channel}: the page token is not one of this scan; start the scan again"
            ) from exc
        return bisect_right(sights, last, key=_position)


def _keyset(sight: Sight) -> tuple[str, str]:
    return sight.updated_at.isoformat(), sight.reference


def _text(since: datetime | None) -> str:
    return "" if since is None else since.isoformat()


def _sealed(parts: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _opened(cursor: str) -> list[str]:
    parts: list[str] = json.loads(base64.urlsafe_b64decode(cursor))
    return parts
