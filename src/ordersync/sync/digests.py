"""Fingerprints of documents: equal for an order that is shown unchanged."""

from __future__ import annotations

from hashlib import blake2b

from ..model.channel_orders import Address, Buyer, ChannelOrder


def order_digest(order: ChannelOrder) -> bytes:
    """Return 16 bytes that change with anything in an order but its update time and raw document.

    Facts that an order gained in later versions are added only where there are any: an order without them keeps the
    fingerprint under which it was stored.
    """
    facts: tuple[object, ...] = (
        (order.status, order.payment, order.fulfillment, order.placed_at, order.currency, order.paid_at, order.total),
        (order.channel_order_id, order.secondary_reference, order.shipping_service, order.dispatch_by),
        (order.channel_location, order.fulfilled_by_channel, _buyer(order.buyer), _address(order.shipping_address)),
        tuple(
            (line.line_id, line.channel_sku, line.quantity, line.title, line.unit_price, line.cancelled, line.shipped)
            for line in order.lines
        ),
        tuple((sorted(one.lines.items()), one.carrier, one.tracking_number) for one in order.shipments),
        *((name, value) for name, value in _later(order) if value is not None),
    )
    return blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def payload_hash(payload: bytes) -> str:
    """Return the name under which a document is kept in quarantine."""
    return blake2b(payload, digest_size=16).hexdigest()


def _later(order: ChannelOrder) -> tuple[tuple[str, object], ...]:
    return ("payment_method", order.payment_method), ("state", order.state)


def _buyer(buyer: Buyer | None) -> object:
    return buyer and (buyer.name, buyer.email, buyer.phone)


def _address(address: Address | None) -> object:
    return address and (
        (address.name, address.company, address.lines, address.city),
        (address.region, address.postcode, address.country, address.phone),
    )
