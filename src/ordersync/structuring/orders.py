"""One malformed order stops only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ..model.channel_orders import ChannelOrder, UnreadableOrder
from .explaining import MALFORMED, explain
from .wire import dump_json, parse_json

MOST_TOLD = 4000
"""The most characters that are told about one document."""

Document = Any
"""A parsed JSON document: what a reading function is given."""


def read_orders(
    documents: Iterable[Document],
    read: Callable[[Document], ChannelOrder],
    *,
    reference: Callable[[Document], object],
) -> tuple[tuple[ChannelOrder, ...], tuple[UnreadableOrder, ...]]:
    """Read each document; return the orders, and apart from them what could not be read."""
    found = [read_order(document, read, reference=reference) for document in documents]
    return (
        tuple(order for order in found if isinstance(order, ChannelOrder)),
        tuple(order for order in found if isinstance(order, UnreadableOrder)),
    )


def read_order(
    document: Document, read: Callable[[Document], ChannelOrder], *, reference: Callable[[Document], object]
) -> ChannelOrder | UnreadableOrder:
    """Read one document; *reference* finds the order's number in one that *read* refuses.

    The order keeps the document as ``raw``, unless *read* has set that itself.
    """
    payload = dump_json(document)
    try:
        order = read(document)
        return order if order.raw is not None else attrs.evolve(order, raw=payload)
    except MALFORMED as error:
        told = explain(error)
    return UnreadableOrder(payload=payload, error=told[:MOST_TOLD], reference=_found(document, reference))


def read_payload(
    payload: bytes, read: Callable[[Document], ChannelOrder], *, reference: Callable[[Document], object]
) -> ChannelOrder | UnreadableOrder:
    """Read one document as an ``UnreadableOrder``, or an order's ``raw``, has kept it; for the rest as ``read_order``.

    The result keeps these bytes, so that it is known for the same document.
    """
    try:
        document = parse_json(payload)
    except ValueError as error:
        return UnreadableOrder(payload=payload, error=f"the document {error}")
    found = read_order(document, read, reference=reference)
    if isinstance(found, UnreadableOrder):
        return attrs.evolve(found, payload=payload)
    return attrs.evolve(found, raw=payload)


def _found(document: Document, reference: Callable[[Document], object]) -> str | None:
    try:
        found = reference(document)
    except MALFORMED:
        return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    try:
        return UnreadableOrder(payload=b"", error="-", reference=str(found)[:255]).reference
    except ValueError:
        return None
