"""The way from a process to the storage, on which calls are slow, fail, or are cut by a crash."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from ...errors import OrderSyncError, StorageUnavailableError
from ...ports import Journal, ListingBook, OrderStore, OwnStockLedger, Storage
from .checkers.commits import Commit
from .processes import Process
from .trace import Trace

READS: Mapping[str, frozenset[str]] = {
    "orders": frozenset(
        [
            "progress",
            "known",
            "load",
            "unlinked",
            "due",
            "watch",
            "watched",
            "missing",
            "missing_counts",
            "doubts",
            "parcel",
            "waiting",
            "notes_due",
            "notes",
            "get",
            "find",
            "listed",
            "history",
            "decision",
            "decisions",
            "decisions_by_key",
            "decided",
            "decision_history",
            "erased",
            "erasable",
            "quarantined",
            "note_counts",
        ]
    ),
    "stock": frozenset(["levels", "changed", "holds", "recount", "shortages", "held", "history"]),
    "listings": frozenset(["kits", "links", "of_channel", "due"]),
    "journal": frozenset(["life", "channels", "entries"]),
}
"""The verbs that write nothing of their own."""

CLAIMS = frozenset({"begin", "write_note", "lease", "renew"})
"""The verbs whose answers must not come too late: what follows them has only so long to start."""

BUSY, UNKNOWN, CRASH_BEFORE, CRASH_AFTER = "busy", "unknown", "crash before", "crash after"
FAULTS = (BUSY, UNKNOWN, CRASH_BEFORE, CRASH_AFTER)
"""What may go wrong with a verb; *unknown*: it is done, and the answer is lost."""

Verb = Callable[..., Awaitable[Any]]


class StorageFaults:
    """What goes wrong on the way to the storage, each fault at its own rate per verb."""

    def __init__(self, rates: Mapping[str, float], *, chance: random.Random) -> None:
        """Begin quiet; then let each fault of *rates* happen so often."""
        self._may, self._chance = {name: rates[name] for name in FAULTS if rates.get(name)}, chance
        self._rates: Mapping[str, float] = {}

    def rouse(self) -> None:
        """Let things go wrong from now on."""
        self._rates = self._may

    def quiet(self) -> None:
        """Let everything go well from now on."""
        self._rates = {}

    def draw(self) -> str | None:
        """Return what goes wrong this time."""
        for name, rate in self._rates.items():
            if self._chance.random() < rate:
                return name
        return None


class Way:
    """One process's way to the storage; *tell* hears of every verb that may have written."""

    def __init__(
        self,
        process: Process,
        faults: StorageFaults,
        *,
        trace: Trace,
        now: Callable[[], datetime],
        tell: Callable[[Commit], None],
    ) -> None:
        self.process, self._faults, self._trace, self._now, self._tell = process, faults, trace, now, tell

    def to(self, storage: Storage) -> Storage:
        """Return the storage as this process reaches it."""
        return Storage(
            orders=cast("OrderStore", _distant("orders", OrderStore, storage.orders, self)),
            stock=cast("OwnStockLedger", _distant("stock", OwnStockLedger, storage.stock, self)),
            listings=cast("ListingBook", _distant("listings", ListingBook, storage.listings, self)),
            journal=cast("Journal", _distant("journal", Journal, storage.journal, self)),
        )

    async def take(self, port: str, name: str, verb: Verb, args: tuple[Any, ...], facts: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Call a verb of a port, unless something goes wrong before, and answer, unless something does after."""
        await self.process.step(name)
        wrong = self._faults.draw()
        if wrong is not None:
            self._trace.event(f"storage {wrong}", self.process.name, name)
        if wrong == BUSY:
            raise StorageUnavailableError("the simulated storage is busy; try again")
        self._crash(wrong == CRASH_BEFORE)
        answer = await self._do(port, name, verb, args, facts)
        if wrong == UNKNOWN:
            raise StorageUnavailableError("the simulated storage does not say whether it did it; try again")
        self._crash(wrong == CRASH_AFTER)
        if name in CLAIMS:
            await self.process.step(f"{name} answered")
        self.process.check()
        return answer

    async def _do(self, port: str, name: str, verb: Verb, args: tuple[Any, ...], facts: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if name in READS[port]:
            return await verb(*args, **facts)
        answer, refused = None, None
        try:
            answer = await verb(*args, **facts)
        except (OrderSyncError, ValueError) as error:
            refused = error
        self._trace.event(f"commit {name}", self.process.name, "refused" if refused else "")
        self._tell(
            Commit(
                at=self._now(),
                process=self.process.name,
                port=port,
                verb=name,
                args=args,
                facts=facts,
                answer=answer,
                refused=refused,
            )
        )
        if refused is not None:
            raise refused
        return answer

    def _crash(self, now: bool) -> None:  # noqa: FBT001 - it stands beside its reason
        if now:
            self.process.die()
        self.process.check()


class _Distant:
    """A port of which every verb goes a way."""

    port: str

    def __init__(self, real: object, way: Way) -> None:
        self.real, self.way = real, way


def _distant(name: str, kind: type, real: object, way: Way) -> object:
    return _distant_class(name, kind)(real, way)


@cache
def _distant_class(port: str, kind: type) -> type[_Distant]:
    verbs = {
        verb: _through(verb)
        for base in kind.__mro__
        for verb, value in vars(base).items()
        if not verb.startswith("_") and callable(value)
    }
    return type(f"Distant{kind.__name__}", (_Distant,), {"port": port, **verbs})


def _through(name: str) -> Callable[..., Awaitable[Any]]:
    def call(self: _Distant, *args: Any, **facts: Any) -> Awaitable[Any]:  # noqa: ANN401
        return self.way.take(self.port, name, getattr(self.real, name), args, facts)

    return call
