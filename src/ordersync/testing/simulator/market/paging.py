"""How a marketplace cuts its lists into pages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ....errors import ChannelRejectedError
from .orders import Shown
from .traits import MarketTraits

TOKEN_LIVES = timedelta(minutes=15)
"""How long a page token is good for."""

Position = tuple[Any, int]
Page = tuple[Sequence[Shown], str | None]


@attrs.frozen
class _Token:
    since: datetime | None
    behind: Position
    until: datetime


class Pager:
    """Hands out pages and cursors. Nothing is frozen: each page is cut from what the list is by then."""

    def __init__(self, name: str, traits: MarketTraits) -> None:
        self._name, self._paging, self._size = name, traits.paging, traits.page_size
        self._place: Callable[[Shown], Position] = by_update if traits.in_update_order else by_number
        # A shop that pages by offset shows its newest order first, unless its lists are in update order.
        self._newest_first = traits.paging == "offset" and not traits.in_update_order
        self._tokens: dict[str, _Token] = {}
        self._handed_out = 0

    def page(
        self,
        found: Sequence[Shown],
        *,
        since: datetime | None,
        cursor: str | None,
        now: datetime,
        limit: int | None = None,
    ) -> Page:
        """Return one page of *found* and the cursor of the next; *limit* cuts the page short, and loses nothing.

        ``ChannelRejectedError`` for a cursor that is none, expired, or of another scan.
        """
        rows = sorted(found, key=self._place, reverse=self._newest_first)
        start = 0 if cursor is None else self._start(rows, since, cursor, now)
        end = start + (self._size if limit is None else max(1, min(limit, self._size)))
        if end >= len(rows):
            return rows[start:], None
        return rows[start:end], self._cursor(rows, end, since, now)

    def _cursor(self, rows: Sequence[Shown], end: int, since: datetime | None, now: datetime) -> str:
        if self._paging == "offset":
            return f"{_text(since)}|{end}"
        behind = self._place(rows[end - 1])
        if self._paging == "keyset":
            return f"{_text(since)}|{behind[0]}|{behind[1]}"
        self._handed_out += 1
        self._forget(now)
        token = f"{self._name}-token-{self._handed_out}"
        self._tokens[token] = _Token(since, behind, now + TOKEN_LIVES)
        return token

    def _start(self, rows: Sequence[Shown], since: datetime | None, cursor: str, now: datetime) -> int:
        if self._paging == "token":
            token = self._tokens.get(cursor)
            if token is None or token.since != since or token.until < now:
                raise self._refusal()
            return bisect_right(rows, token.behind, key=self._place)
        told, *position = cursor.split("|")
        if told != _text(since):
            raise self._refusal()
        if self._paging == "offset":
            return int(position[0])
        first, number = position
        behind: Position = (int(first) if first.isdigit() else datetime.fromisoformat(first), int(number))
        return bisect_right(rows, behind, key=self._place)

    def _forget(self, now: datetime) -> None:
        for name in [name for name, token in self._tokens.items() if token.until < now]:
            del self._tokens[name]

    def _refusal(self) -> ChannelRejectedError:
        return ChannelRejectedError(f"{self._name}: the page token is not one of this scan; start the scan again")


def by_update(shown: Shown) -> Position:
    """Order by the last update."""
    return shown.updated_at, shown.number


def by_number(shown: Shown) -> Position:
    """Order as they were bought."""
    return shown.number, 0


def _text(since: datetime | None) -> str:
    return "" if since is None else since.isoformat()
