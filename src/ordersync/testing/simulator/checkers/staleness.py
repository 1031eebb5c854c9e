"""Checks that what is known is told within one undisturbed run: P5."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ....model.ids import ChannelId
from ....model.listings import Listing, ListingId, ListingState, StockOutcome
from ..trace import Violation
from .checker import Checker, Effect
from .commits import Commit
from .listing_rule import parts_of, rule_for, shown_by
from .reader import Reader
from .world import AppliedLevelView, World


class StalenessChecker(Checker):
    """Looks at every listing after each run that nothing disturbs, while people and buyers do nothing any more.

    Where the channel was worked on to its end, and no push of the listing was unanswered and no late copy of one could
    land when the run began, it is settled and believed to show what it should, by stock as it is after the run: sales
    that the run itself has found included. It does show that, unless its market has moved the level by itself since
    the last one was applied. Whoever is in doubt has until the first run behind its window, and a refused listing its
    own time. So a change is told within a cycle, a call and a window; in chaos nothing bounds it.

    A run in which a market would not compare and set is not judged: whatever that channel shows then, and what it has
    sold unseen, is told in the next one. Nor is a channel judged while a rule that flips back too soon is held.
    """

    def __init__(self, world: World) -> None:
        """Begin before anything is at rest."""
        super().__init__(world)
        self._applied: dict[tuple[ChannelId, str], int] = {}
        self._clear: dict[ChannelId, Collection[ListingId]] = {}
        self._held: set[ChannelId] = set()
        self._surprised = False

    def committed(self, commit: Commit, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Note where a rule that flips back too soon leaves all as it is, and that a market has surprised a run."""
        if commit.verb == "adopt_rule" and commit.refused is None:
            (self._held.discard if commit.answer else self._held.add)(commit.argument(0, "channel"))
        elif commit.port == "listings" and commit.verb == "finish" and commit.refused is None:
            outcomes = [answer.outcome for answer in commit.argument(1, "answers")]
            self._surprised = self._surprised or StockOutcome.CONFLICT in outcomes

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Note the level that was applied last."""
        if isinstance(effect, AppliedLevelView):
            self._applied[channel, effect.sku] = effect.quantity

    def rests(self, at: datetime, reader: Reader) -> None:
        """Note of which listings nothing is in doubt, as an undisturbed run begins."""
        self._surprised = False
        self._clear = {
            channel: {one.id: None for one in reader.listings(channel) if _is_clear(one, at)}
            for channel in self._world.markets
        }

    def rested(self, done: Collection[ChannelId], reader: Reader) -> None:
        """Check the listings of the channels that the run worked on to the end."""
        for channel in () if self._surprised else (one for one in done if one not in self._held):
            for listing in reader.listings(channel):
                if listing.id in self._clear[channel] and listing.state is ListingState.ACTIVE:
                    self._is_told(channel, listing, reader)

    def _is_told(self, channel: ChannelId, listing: Listing, reader: Reader) -> None:
        name, should = f"{channel} {listing.id}", self._should(channel, listing, reader)
        if listing.believed != should:
            raise Violation("P5", f"{name}: it should show {should}, and after a run {listing.believed} is believed")
        if listing.wanted > listing.settled:
            raise Violation("P5", f"{name}: it was due when a run began, and still is")
        shows = self._world.markets[channel].levels.get(listing.channel_sku)
        if shows != should and shows == self._applied.get((channel, listing.channel_sku)):
            raise Violation("P5", f"{name}: it should show {should}, and after a run it still shows {shows}")

    def _should(self, channel: ChannelId, listing: Listing, reader: Reader) -> int:
        available: dict[str, dict[str, int]] = {}
        for level in reader.levels(list(listing.components)):
            available.setdefault(level.sku, {})[level.location] = level.on_hand - level.reserved
        return shown_by(parts_of(listing.components), rule_for(listing, self._world.settings[channel]), available)


def _is_clear(listing: Listing, at: datetime) -> bool:
    """Say whether no push of a listing is unanswered, and no late copy of one can land any more."""
    until = listing.unresolved_until
    return listing.attempt_began is None and (until is None or until < at)
