"""What a listing should show, worked out once more from the words of the rule and not by the library's own code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import attrs

from ....model.ids import ChannelId
from ....model.listings import Listing
from ....model.settings import ChannelSettings
from ....model.stock import StockLevel, StockRule

Parts = tuple[tuple[str, int], ...]
"""What one piece takes from stock, by SKU in order."""

Available = Mapping[str, Mapping[str, int]]
"""What may still be sold, by SKU and location."""

PERCENT = 100


def parts_of(components: Mapping[str, int]) -> Parts:
    """Return components in a form that can be compared and kept as a key."""
    return tuple(sorted(components.items()))


def taken_apart(linked_to: Mapping[str, int], kits: Mapping[str, Mapping[str, int]]) -> Parts:
    """Return what one piece takes from stock, kits within kits taken apart."""
    pieces: dict[str, int] = {}

    def take(sku: str, quantity: int) -> None:
        if sku in kits:
            for part, each in kits[sku].items():
                take(part, quantity * each)
        else:
            pieces[sku] = pieces.get(sku, 0) + quantity

    for sku, quantity in linked_to.items():
        take(sku, quantity)
    return parts_of(pieces)


def rule_for(listing: Listing, settings: ChannelSettings) -> StockRule:
    """Return the rule that counts: the listing's own or its channel's, at the place its own location is mapped to."""
    return rule_at(listing.channel_location, listing.rule, settings)


def rule_at(channel_location: str | None, own: StockRule | None, settings: ChannelSettings) -> StockRule:
    """Return the rule that counts for a listing with a rule of its *own*, or none, at a location of its channel."""
    rule = settings.stock_rule if own is None else own
    if rule.locations is not None or channel_location is None or not isinstance(settings.location, Mapping):
        return rule
    place = settings.location.get(channel_location)
    return rule if place is None else attrs.evolve(rule, locations=place)


def shown_by(parts: Parts, rule: StockRule, available: Available) -> int:
    """Return what the channel should show: the scarcest part decides, and nothing is below zero."""
    return max(0, min(_fits(each, rule, available.get(sku, {})) for sku, each in parts))


def _fits(each: int, rule: StockRule, places: Mapping[str, int]) -> int:
    counted = places.values() if rule.locations is None else [places.get(place, 0) for place in rule.locations]
    left = sum(counted) - rule.buffer
    if left > 0:
        left = left * Fraction(rule.percentage) // PERCENT
    if left <= rule.end_when:
        left = 0
    if rule.cap is not None and left > rule.cap:
        left = rule.cap
    return left // each


@attrs.define
class Right:
    """The quantities that were right for some parts under some rule, each with when it was last right."""

    parts: Parts
    rule: StockRule
    now: int
    _until: dict[int, int] = attrs.field(factory=dict)

    def became(self, quantity: int, *, tick: int) -> None:
        """Note what is right after commit number *tick*."""
        if quantity != self.now:
            self._until[self.now] = tick
            self.now = quantity

    def was(self, quantity: int, *, since: int) -> bool:
        """Say whether a quantity was right after commit number *since* or later."""
        return quantity == self.now or self._until.get(quantity, -1) > since


class Rights:
    """What was ever right: for all parts and rules that were ever in force, followed level by level."""

    def __init__(self) -> None:
        """Begin with no level and no rule."""
        self.available: dict[str, dict[str, int]] = {}
        self.moved_at: dict[str, int] = {}
        self._rights: dict[tuple[Parts, StockRule], Right] = {}
        self._of_sku: dict[str, list[Right]] = {}
        self._settings: dict[ChannelId, list[ChannelSettings]] = {}

    def take_settings(self, channel: ChannelId, settings: ChannelSettings) -> bool:
        """Take settings over; True when they were not those that were taken over last."""
        ever = self._settings.setdefault(channel, [])
        if ever and ever[-1] is settings:
            return False
        ever[:] = [*(one for one in ever if one is not settings), settings]
        return True

    def take_levels(self, skus: Iterable[str], levels: Iterable[StockLevel], *, tick: int) -> None:
        """Take the levels of *skus* over as they are after commit number *tick*."""
        after: dict[str, dict[str, int]] = {sku: {} for sku in skus}
        for level in levels:
            after[level.sku][level.location] = level.on_hand - level.reserved
        for sku, places in after.items():
            if self.available.get(sku) != places:
                self.available[sku] = places
                self.moved_at[sku] = tick
                for right in self._of_sku.get(sku, ()):
                    right.became(shown_by(right.parts, right.rule, self.available), tick=tick)

    def follow(self, channel: ChannelId, channel_location: str | None, parts: Parts, own: StockRule | None) -> None:
        """Follow what is right for a listing, under all settings that its channel ever had."""
        for settings in self._settings.get(channel, ()):
            self._right(parts, rule_at(channel_location, own, settings))

    def was(
        self,
        quantity: int,
        channel: ChannelId,
        channel_location: str | None,
        meant: tuple[Parts, StockRule | None],
        *,
        since: int,
    ) -> bool:
        """Say whether a quantity was right after commit number *since* or later, under any settings of the channel."""
        parts, own = meant
        rights = (self._right(parts, rule_at(channel_location, own, one)) for one in self._settings.get(channel, ()))
        return any(right.was(quantity, since=since) for right in rights)

    def _right(self, parts: Parts, rule: StockRule) -> Right:
        right = self._rights.get((parts, rule))
        if right is None:
            right = Right(parts, rule, shown_by(parts, rule, self.available))
            self._rights[parts, rule] = right
            for sku, _ in parts:
                self._of_sku.setdefault(sku, []).append(right)
        return right
