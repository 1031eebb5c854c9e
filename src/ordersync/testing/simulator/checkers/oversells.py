"""Checks that whatever was sold beyond what there is was sold before anybody could know: S6."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import attrs

from ....model.ids import ChannelId, OrderKey
from ....model.listings import Listing
from ....model.runs import EntryKind
from ..trace import Violation
from .checker import Checker, Effect
from .commits import Commit, Sold
from .reader import Reader
from .world import AppliedLevelView, World

Tell = Callable[[str, int], None]
"""Takes a figure of the report: what it is called, and how much is to be added to it."""

WITHIN = {
    timedelta(minutes=1): "within 1 minute",
    timedelta(minutes=5): "within 5 minutes",
    timedelta(minutes=15): "within 15 minutes",
    timedelta(hours=1): "within 1 hour",
}
LATER, BY_ITSELF = "later", "by the market itself"

MEANINGS = frozenset({"link", "link_new", "unlink", "define_kit"})
"""The verbs that say anew what a listing takes from stock."""


@attrs.frozen
class Mark:
    """What was free of a SKU from one commit to the next: all that may be sold, wherever it lies."""

    tick: int
    at: datetime
    pieces: int


@attrs.frozen
class Shown:
    """The level that a market applied last, and the commit behind which its run began: that much it knew."""

    quantity: int
    since: int


class OversellChecker(Checker):
    """Holds every sale against what was free, and against what the level that was shown could know.

    A level that was applied knows of all that was committed before the run began that sent it. So nobody can buy more
    than was free at some moment since then, and what the market put back on sale by itself. What is sold beyond what is
    free now was therefore sold between a sale elsewhere, or whatever else lowered it, and the first level applied of a
    run that began once that was known here; how long after is told as a figure.

    Nothing is said of a listing that means nothing or something else since, of one to which no level was ever applied,
    and of pieces that a market sells without showing them.
    """

    def __init__(self, world: World, *, tell: Tell) -> None:
        """Begin with empty shelves."""
        super().__init__(world)
        self._tell, self._tick = tell, 0
        self._free: dict[str, list[Mark]] = {}
        self._runs: dict[str, int] = {}
        self._meant: dict[ChannelId, int] = {}
        self._began: dict[tuple[ChannelId, str, int], int] = {}
        self._shown: dict[tuple[ChannelId, str], Shown] = {}
        self._unknown: dict[OrderKey, datetime] = {}
        self._met: dict[ChannelId, int] = {}
        self._claimed: set[OrderKey] = set()

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Follow what is free, which runs are under way, and which attempts they record."""
        self._tick += 1
        if commit.refused is not None:
            return
        if commit.port == "stock" and commit.verb != "acknowledge":
            self._moved(commit, reader)
        elif commit.port == "listings" and commit.verb == "begin":
            channel = commit.argument(0, "channel")
            for attempt in commit.answer or ():
                place = channel, attempt.push.listing.channel_sku, attempt.number
                self._began[place] = self._runs.get(commit.process, 0)
        elif commit.port == "listings" and commit.verb in MEANINGS:
            channels = self._world.markets if commit.verb == "define_kit" else [commit.argument(0, "channel")]
            self._meant.update(dict.fromkeys(channels, self._tick))
        elif commit.verb == "write" and any(one.kind is EntryKind.RUN_STARTED for one in commit.argument(0, "entries")):
            self._runs[commit.process] = self._tick

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Note what a market shows from now on, and what that knows of."""
        if isinstance(effect, AppliedLevelView):
            number = effect.attempt_id.rpartition("/")[2]
            since = self._began.get((channel, effect.sku, int(number))) if number.isdecimal() else None
            self._shown[channel, effect.sku] = Shown(effect.quantity, since or 0)

    def sold(self, sale: Sold, reader: Reader) -> None:
        """Check pieces that somebody is about to buy."""
        listing = next((one for one in reader.listings(sale.channel) if one.channel_sku == sale.sku), None)
        shown, pieces = self._shown.get((sale.channel, sale.sku)), min(sale.pieces, sale.shown)
        if listing is not None and shown is not None and self._meant.get(sale.channel, 0) <= shown.since:
            gained = max(0, sale.shown - shown.quantity)
            for sku, each in sorted(listing.components.items()):
                most = max((mark.pieces for mark in self._since(sku, shown.since)), default=0)
                if pieces * each > most + gained * each:
                    text = f"{pieces} of {listing.id} were sold, {shown.quantity} were shown by a run that could know"
                    raise Violation("S6", f"{sale.channel}: {text} that never more than {most} of {sku} were free")
            self._measure(sale, listing, shown, reader)
        self._meet(sale)

    def _moved(self, commit: Commit, reader: Reader) -> None:
        if commit.verb == "reserve":
            for claim in commit.argument(0, "claims"):
                self._claimed.add(claim.order_key)
                self._unknown.pop(claim.order_key, None)
                self._know(sku for sku, _ in claim.wanted)
        elif commit.verb == "deduct":
            self._know(sku for sku, _ in commit.argument(0, "deduction").taken)
        elif commit.verb in ("set_on_hand", "adjust", "transfer"):
            self._know([commit.argument(0, "sku")])
        left = dict.fromkeys(self._free, 0)
        for level in reader.levels(list(self._free)):
            left[level.sku] += max(0, level.on_hand - level.reserved)
        for sku, pieces in left.items():
            marks = self._free[sku]
            if not marks or marks[-1].pieces != pieces:
                marks.append(Mark(self._tick, commit.at, pieces))

    def _know(self, skus: Iterator[str] | Sequence[str]) -> None:
        for sku in skus:
            self._free.setdefault(sku, [])

    def _since(self, sku: str, tick: int) -> Sequence[Mark]:
        """Return what was free of a SKU after commit number *tick* and later."""
        marks = self._free.get(sku, [])
        first = max((place for place, mark in enumerate(marks) if mark.tick <= tick), default=0)
        return marks[first:]

    def _measure(self, sale: Sold, listing: Listing, shown: Shown, reader: Reader) -> None:
        """Tell how many pieces are sold that are not there, and how long nobody has told the market."""
        short, causes = 0, list[datetime]()
        for sku, each in listing.components.items():
            marks, unknown = self._since(sku, shown.since), self._unknown_of(sku, reader)
            free = (marks[-1].pieces if marks else 0) - sum(pieces for pieces, _ in unknown)
            short = max(short, min(sale.pieces, -(-(sale.pieces * each - max(0, free)) // each)))
            causes += [after.at for before, after in pairwise(marks) if after.pieces < before.pieces]
            causes += [at for _, at in unknown]
        if short > 0:
            passed = sale.at - min(causes) if causes else None
            self._tell(f"oversold {_bucket(passed)}", short)

    def _unknown_of(self, sku: str, reader: Reader) -> Sequence[tuple[int, datetime]]:
        """Return what was bought of a SKU that nothing is reserved for, with when that was noticed."""
        parts = {
            channel: {one.channel_sku: one.components.get(sku, 0) for one in reader.listings(channel)}
            for channel in {key.channel: None for key in self._unknown}
        }
        found = []
        for key, at in self._unknown.items():
            lines = self._world.markets[key.channel].orders[key.reference].lines
            pieces = sum(
                max(0, one.quantity - one.cancelled - one.shipped) * parts[key.channel].get(one.sku, 0) for one in lines
            )
            if pieces:
                found.append((pieces, at))
        return found

    def _meet(self, sale: Sold) -> None:
        """Note the orders that were bought since, of which nothing is reserved yet."""
        orders = list(self._world.markets[sale.channel].orders)
        for reference in orders[self._met.get(sale.channel, 0) :]:
            key = OrderKey(sale.channel, reference)
            if key not in self._claimed:
                self._unknown[key] = sale.at
        self._met[sale.channel] = len(orders)


def _bucket(passed: timedelta | None) -> str:
    if passed is None:
        return BY_ITSELF
    return next((name for longest, name in WITHIN.items() if passed <= longest), LATER)
