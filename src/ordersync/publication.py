"""What a listing should show: the stock rule, stage by stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

import attrs

from .model.listings import Listing
from .model.settings import ChannelSettings
from .model.stock import StockLevel, StockRule


@attrs.frozen(kw_only=True)
class Stage:
    """One step of the rule for one component, or for the whole listing: its name and what is left after it."""

    name: str
    quantity: int
    sku: str | None = None
    detail: str = ""


@attrs.frozen(kw_only=True)
class Target:
    """The quantity that a listing should show, and how it came about."""

    quantity: int
    stages: tuple[Stage, ...]


def effective_rule(listing: Listing, settings: ChannelSettings) -> StockRule:
    """Return the rule that counts for *listing*: its own, else its channel's.

    A listing at one of the channel's own locations counts the location that this is mapped to,
    unless its rule names locations itself.
    """
    rule = listing.rule if listing.rule is not None else settings.stock_rule
    if rule.locations is None and listing.channel_location is not None and not isinstance(settings.location, str):
        place = settings.location_of(listing.channel_location)
        if place is not None:
            return attrs.evolve(rule, locations=frozenset({place}))
    return rule


def channel_fingerprint(settings: ChannelSettings) -> str:
    """Return a text that changes when the channel's own rule or its map of locations does."""
    places = settings.location if isinstance(settings.location, str) else sorted(settings.location.items())
    return f"{settings.stock_rule.fingerprint()}|{places!r}"


def target(components: Mapping[str, int], rule: StockRule, levels: Iterable[StockLevel]) -> Target:
    """Apply *rule* to the components' levels; more stock never gives less."""
    by_sku: dict[str, list[StockLevel]] = {sku: [] for sku in components}
    for level in levels:
        if level.sku in by_sku and (rule.locations is None or level.location in rule.locations):
            by_sku[level.sku].append(level)
    stages: list[Stage] = []
    fits = [_fits(sku, needed, rule, by_sku[sku], stages) for sku, needed in sorted(components.items())]
    least = min(fits)
    if len(components) > 1:
        stages.append(Stage(name="kit", quantity=least, detail="the scarcest component decides"))
    quantity = max(0, least)
    stages.append(Stage(name="shown", quantity=quantity, detail="never below 0"))
    return Target(quantity=quantity, stages=tuple(stages))


def _fits(sku: str, needed: int, rule: StockRule, levels: Sequence[StockLevel], stages: list[Stage]) -> int:
    """Return how many of the listing one component allows, and note each step."""

    def note(name: str, quantity: int, detail: str = "") -> int:
        stages.append(Stage(name=name, quantity=quantity, sku=sku, detail=detail))
        return quantity

    places = ", ".join(f"{level.location} {level.available}" for level in levels) or "none known"
    left = note("available", sum(level.available for level in levels), places)
    left = note("buffer", left - rule.buffer, f"{rule.buffer} kept back")
    if left > 0:
        left = int((left * rule.percentage / Decimal(100)).to_integral_value(ROUND_FLOOR))
    left = note("percentage", left, f"{rule.percentage.normalize():f} %")
    left = note("end-when", 0 if left <= rule.end_when else left, f"0 at or below {rule.end_when}")
    if rule.cap is not None:
        left = note("cap", min(left, rule.cap), f"at most {rule.cap}")
    return left if needed == 1 else note("per piece", left // needed, f"{needed} each")
