"""Kits within kits: what one piece of something takes from stock in the end. Pure.

A kit is a SKU of ours that is not stocked itself but made of others, which may be kits again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from .model.fields import MAX_QUANTITY, frozen_mapping
from .model.listings import checked_components

Kits = Mapping[str, Mapping[str, int]]
"""Each kit's SKU, and what one piece of it is made of."""


def flatten(components: Mapping[str, int], kits: Kits) -> Mapping[str, int]:
    """Return what *components* take from stock when every kit among them is taken apart, at any depth.

    A SKU that several of them need is asked for once, with the sum. ``ValueError`` names the whole path where a
    kit contains itself, and the SKU that is needed more than a million times.
    """
    amounts = dict(components)
    for kit in _outermost_first(components, kits):
        pieces = amounts.pop(kit)
        for sku, quantity in kits[kit].items():
            amounts[sku] = amounts.get(sku, 0) + pieces * quantity
            if amounts[sku] > MAX_QUANTITY:
                raise ValueError(f"components: {sku!r} would be needed more than {MAX_QUANTITY} times")
    return frozen_mapping(amounts)


def defined(kits: Kits, sku: str, components: Mapping[str, int] | None) -> Kits:
    """Return the kits with one defined, or forgotten; ``ValueError`` when it or a kit around it cannot be made."""
    if not isinstance(sku, str) or not sku.strip():
        raise ValueError(f"kit: {sku!r} is no SKU")
    others = {kit: parts for kit, parts in kits.items() if kit != sku}
    after = others if components is None else {**others, sku: checked_components(components)}
    for kit in around(sku, after):
        flatten({kit: 1}, after)
    return after


def around(sku: str, kits: Kits) -> Collection[str]:
    """Return a SKU and every kit that contains it, directly or through other kits."""
    holders: dict[str, list[str]] = {}
    for kit, parts in kits.items():
        for part in parts:
            holders.setdefault(part, []).append(kit)
    return _reached([sku], holders)


def _outermost_first(components: Mapping[str, int], kits: Kits) -> Collection[str]:
    """Return the kits that are reached, each before the kits that it contains."""
    order = TopologicalSorter({kit: kits[kit] for kit in _reached(components, kits) if kit in kits})
    try:
        return [sku for sku in reversed([*order.static_order()]) if sku in kits]
    except CycleError as exc:
        path = " -> ".join(reversed(exc.args[1]))
        raise ValueError(f"components: a kit cannot contain itself: {path}") from exc


def _reached(start: Collection[str], edges: Mapping[str, Collection[str]]) -> Collection[str]:
    """Return everything that is reached from *start*, in the order in which it is found."""
    found = dict.fromkeys(start)
    ahead = list(found)
    while ahead:
        new = [sku for sku in edges.get(ahead.pop(), ()) if sku not in found]
        found.update(dict.fromkeys(new))
        ahead += dict.fromkeys(new)
    return list(found)
