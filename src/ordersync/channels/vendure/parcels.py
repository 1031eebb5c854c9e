"""Dispatch notes as Vendure's fulfillments. Pure.

A fulfillment is made ``Pending`` by one call and moved to ``Shipped`` by a second. What was cut between the two is
found again by its lines and tracking code, the only marks that a fulfillment can carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.dispatch import DispatchNote
from .documents import ShopOrder, ShopParcel
from .reading import CANCELLED, CARTS, id_key, own_lines


def refusal(order: ShopOrder, note: DispatchNote) -> str | None:
    """Say why a note must not be sent; the server itself would let these pass."""
    if order.state == CANCELLED:
        return "the order is cancelled; do not ship it"
    if order.state in CARTS:
        return f"the order is {order.state} and not paid; do not ship it"
    if note.lines.keys() - {line.id for line in order.lines}:
        return "the note names a line that the order does not have; read the order again"
    return None


def half_made(order: ShopOrder, note: DispatchNote) -> Sequence[ShopParcel]:
    """Return the pending fulfillments of this note, oldest first: more than one after a late copy.

    Shipped ones are not looked at: another parcel may hold the same, and which shipment answers for which
    note is known to who keeps the notes.
    """
    found = [
        parcel
        for parcel in order.fulfillments or ()
        if parcel.state == "Pending"
        and own_lines(parcel, order) == dict(note.lines)
        and (parcel.tracking_code or "") == (note.tracking_number or "")
    ]
    return sorted(found, key=lambda parcel: id_key(parcel.id))


def fulfillment(note: DispatchNote, *, handler: str) -> Mapping[str, Any]:
    """Return the input that makes a fulfillment; ``method`` is what the buyer sees as the carrier."""
    arguments = {"method": note.carrier or note.service or "", "trackingCode": note.tracking_number or ""}
    return {
        "lines": [{"orderLineId": line, "quantity": quantity} for line, quantity in note.lines.items()],
        "handler": {
            "code": handler,
            "arguments": [{"name": name, "value": value} for name, value in arguments.items()],
        },
    }
