"""Checks that of an erased buyer nothing is left, wherever it once was: X2."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ....model.ids import OrderKey
from ..trace import Violation
from .checker import Checker
from .commits import Commit
from .reader import Reader
from .reports import CANARY
from .touched import page_of
from .world import World

Remains = Callable[[], Iterable[tuple[str, bytes]]]
"""Tells all that a storage keeps, piece by piece: where it is, and its bytes."""


class ErasureChecker(Checker):
    """Remembers who was to be forgotten, and looks for them in every byte at the end.

    A document in quarantine that does not say whose it is cannot be found by an order's key: whoever stood in one is
    not looked for. Such documents are dropped by their age.
    """

    def __init__(self, world: World, *, remains: Remains) -> None:
        """Begin when nobody was erased."""
        super().__init__(world)
        self._remains = remains
        self._erased: dict[OrderKey, None] = {}
        self._nameless: list[bytes] = []

    def committed(self, commit: Commit, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Note who was erased, and which documents say of nobody whose they are."""
        if commit.refused is not None or commit.port != "orders":
            return
        if commit.verb == "erase":
            self._erased.update(dict.fromkeys(commit.argument(0, "keys")))
        elif commit.verb == "save_page":
            documents = page_of(commit).quarantined
            self._nameless += [one.payload for one in documents if one.reference is None]

    def ended(self, reader: Reader) -> None:
        """Check that orders stay erased, and that no byte of their buyers is anywhere."""
        wanted: dict[bytes, OrderKey] = {}
        for key in self._erased:
            order = reader.order(key)
            if order is not None and (order.buyer is not None or order.shipping_address is not None):
                raise Violation("X2", f"{key} was erased, and it is stored with its buyer or its address")
            bought = self._world.markets[key.channel].orders.get(key.reference)
            if bought is not None and not any(bought.buyer.encode() in payload for payload in self._nameless):
                wanted[bought.buyer.encode()] = key
        for where, piece in self._remains() if wanted else ():
            found = next((key for name, key in wanted.items() if name in piece), None) if _is_of(piece) else None
            if found is not None:
                raise Violation("X2", f"{found} was erased, and its buyer is still in {where}")


def _is_of(piece: bytes) -> bool:
    return CANARY.encode() in piece
