"""Where a scan stands. Pure.

Vendure pages by number: ``skip`` so many. When an order leaves the scanned states between two pages, all behind
it move up, and the one that moved across the edge would be missed. So each page reaches back over the edge, and
counts only if it still holds an order from before it; else the scan goes further back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from ...errors import ChannelRejectedError
from .reading import id_key

_CURSOR = re.compile(r"(\d{1,9})/([^/]+)", re.ASCII)


@attrs.frozen(kw_only=True)
class Position:
    """How many orders lie before the edge as far as is known, and the id of the last one of them."""

    seen: int = 0
    last_id: str = ""

    @property
    def cursor(self) -> str:
        """Return it as a cursor."""
        return f"{self.seen}/{self.last_id}"


def position_of(cursor: str | None) -> Position:
    """Read a cursor; raise ``ChannelRejectedError`` for one that is not ours."""
    if cursor is None:
        return Position()
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ChannelRejectedError("Vendure: this is no cursor of a scan; start the scan again")
    return Position(seen=int(found[1]), last_id=found[2])


@attrs.frozen
class Window:
    """The orders that one page asks for: a page of *size*, and a little of the one before."""

    position: Position
    size: int

    @property
    def overlap(self) -> int:
        """Return how many orders of the page before are read again."""
        return max(1, self.size // 10)

    @property
    def skip(self) -> int:
        """Return how many orders to skip."""
        return max(0, self.position.seen - self.overlap)

    @property
    def take(self) -> int:
        """Return how many orders to ask for."""
        return self.size + self.position.seen - self.skip

    def page(self, items: Sequence[Any], *, total: int) -> tuple[Sequence[Any], Position | None]:
        """Return what of these orders, sorted by id, is new, and where to go on; None at the end."""
        ids = [identifier for identifier in map(_id, items) if identifier]
        edge = id_key(self.position.last_id)
        if self.skip and (not ids or id_key(ids[0]) > edge):
            return (), attrs.evolve(self.position, seen=max(0, self.position.seen - self.size))
        fresh = [item for item in items if not _id(item) or id_key(_id(item)) > edge]
        read = self.skip + len(items)
        if read >= total:
            return fresh, None
        return fresh, Position(seen=read, last_id=max([self.position.last_id, *ids], key=id_key))


def _id(item: Any) -> str:  # noqa: ANN401 - a document that may be anything
    identifier = item.get("id") if isinstance(item, dict) else None
    return identifier if isinstance(identifier, str) else ""
