"""What one sighting of an order comes to. Pure: all that is known goes in, what is to be written comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from ..admission import ADMITTED, STATUS_UNKNOWN, UNREADABLE, Candidate, Refusal, admit, canonical, parking_reason
from ..channel import Channel
from ..lifecycle import wanted
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from ..model.ids import OrderKey
from ..model.listings import Links
from ..model.orders import Decision, Order, OrderState, Outcome
from ..model.pages import ChangedOrder, Known, Quarantined
from ..model.stock import Sale
from .digests import payload_hash
from .edits import follow, new_line, sold_by_listing

NO_LINKS = Links(revision=0, components={})


@attrs.frozen(kw_only=True)
class Sighting:
    """The outcome of one sighting, and what it writes."""

    outcome: Outcome
    refusal: Refusal | None = None
    new: Order | None = None
    changed: ChangedOrder | None = None
    decision: Decision | None = None
    quarantined: Quarantined | None = None
    doubt: Sale | None = None


@attrs.frozen(kw_only=True)
class Scene:
    """What is the same for all sightings of one page."""

    channel: Channel
    known: Mapping[str, Known]
    run_id: str
    page: int
    at: datetime
    stored: Mapping[OrderKey, Order] = attrs.field(factory=dict)
    links: Links = NO_LINKS

    @property
    def mapping_version(self) -> str:
        """Return the version of the status mapping in force."""
        mapping = self.channel.settings.status_mapping
        return "" if mapping is None else mapping.version

    def key(self, reference: str) -> OrderKey:
        """Return the key of an order of this channel."""
        return OrderKey(self.channel.id, reference)


def judge_unreadable(scene: Scene, seen: UnreadableOrder) -> Sighting:
    """Quarantine a document that could not be read, by the hash of its payload."""
    digest = payload_hash(seen.payload)
    refusal = Refusal(UNREADABLE, seen.error)
    known = None if seen.reference is None else scene.known.get(seen.reference)
    decision = None
    if seen.reference is not None and (known is None or (known.state is None and known.digest != digest.encode())):
        decision = _decision(scene, scene.key(seen.reference), refusal, Outcome.QUARANTINED, digest.encode())
    document = _document(scene, seen.reference, refusal, seen.payload)
    return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal, decision=decision, quarantined=document)


def judge(scene: Scene, seen: ChannelOrder, digest: bytes) -> Sighting:
    """Decide what one readable order comes to; *digest* is its fingerprint."""
    known = scene.known.get(seen.reference)
    if known is not None and known.state not in (None, OrderState.DELETED):
        return _judge_stored(scene, seen, known, digest)
    candidate = Candidate(
        order=seen,
        settings=scene.channel.settings,
        tombstone=known is not None and known.state is OrderState.DELETED,
    )
    refusal = admit(candidate)
    if refusal is None:
        return _admitted(scene, seen, known, digest)
    return _refused(scene, seen, known, digest, refusal)


def _judge_stored(scene: Scene, seen: ChannelOrder, known: Known, digest: bytes) -> Sighting:
    key = scene.key(seen.reference)
    unchanged = (known.digest, known.mapping_version) == (digest, scene.mapping_version)
    payment, fulfillment = canonical(seen, scene.channel.settings)
    if payment is PaymentStatus.UNKNOWN or fulfillment is FulfillmentStatus.UNKNOWN:
        sentence = f"Nobody knows what the status {seen.status!r} means; the stored order was left as it is."
        refusal = Refusal(STATUS_UNKNOWN, sentence)
        if unchanged:
            return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal)
        decision = attrs.evolve(_decision(scene, key, refusal, Outcome.QUARANTINED, digest, seen), admitted=True)
        document = _document(scene, seen.reference, refusal, seen.raw or b"")
        return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal, decision=decision, quarantined=document)
    order = scene.stored.get(key)
    if unchanged or order is None or seen.updated_at < order.updated_at:
        return Sighting(outcome=Outcome.SAME)
    after = follow(order, seen, settings=scene.channel.settings, links=scene.links)
    return Sighting(
        outcome=Outcome.CHANGED,
        changed=ChangedOrder(order=after, expect=order.revision),
        decision=_decision(scene, key, None, Outcome.CHANGED, digest, seen),
    )


def _admitted(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes) -> Sighting:
    doubts = 0 if known is None else known.doubt_revision
    order = new_order(scene, seen, stock_revision=doubts + 1, revived=doubts > 0)
    decision = _decision(scene, order.key, None, Outcome.NEW, digest, seen)
    return Sighting(outcome=Outcome.NEW, new=order, decision=decision)


def _refused(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes, refusal: Refusal) -> Sighting:
    outcome = Outcome.QUARANTINED if refusal.quarantines else Outcome.SKIPPED
    before = known and (known.digest, known.code, known.mapping_version)
    if before == (digest, refusal.code, scene.mapping_version):
        return Sighting(outcome=outcome, refusal=refusal)
    became_final = refusal.final and not (known is not None and known.final)
    return Sighting(
        outcome=outcome,
        refusal=refusal,
        decision=_decision(scene, scene.key(seen.reference), refusal, outcome, digest, seen),
        quarantined=_document(scene, seen.reference, refusal, seen.raw or b"") if refusal.quarantines else None,
        doubt=_doubt(scene, seen, known) if became_final and scene.channel.decrements_on_sale else None,
    )


def new_order(scene: Scene, seen: ChannelOrder, *, stock_revision: int, revived: bool) -> Order:
    """Return an admitted order as it is saved: NEW, its components frozen, its want of stock beside it."""
    settings = scene.channel.settings
    payment, fulfillment = canonical(seen, settings)
    gone = revived or any(line.cancelled for line in seen.lines)
    order = Order(
        key=scene.key(seen.reference),
        state=OrderState.NEW,
        status=seen.status,
        payment=payment,
        fulfillment=fulfillment,
        placed_at=seen.placed_at,
        updated_at=seen.updated_at,
        currency=seen.currency,
        lines=tuple(new_line(line, scene.links, seen.channel_location) for line in seen.lines),
        location=settings.location_of(seen.channel_location) or "",
        parked=parking_reason(payment, fulfillment),
        channel_order_id=seen.channel_order_id,
        secondary_reference=seen.secondary_reference,
        paid_at=seen.paid_at,
        total=seen.total,
        buyer=seen.buyer,
        shipping_address=seen.shipping_address,
        shipping_service=seen.shipping_service,
        dispatch_by=seen.dispatch_by,
        channel_location=seen.channel_location,
        fulfilled_by_channel=seen.fulfilled_by_channel,
        links_revision=scene.links.revision,
        stock_revision=stock_revision,
        channel_revision=stock_revision if gone else 0,
        sold=sold_by_listing(seen) if scene.channel.decrements_on_sale else {},
        taken_at=_taken_at(scene.channel, seen),
        saved_at=scene.at,
    )
    return attrs.evolve(order, wanted=wanted(order))


def _taken_at(channel: Channel, seen: ChannelOrder) -> datetime:
    """Return the earliest moment at which the channel may have lowered its own level for an order."""
    return seen.placed_at - channel.clock_skew - channel.stamp_granularity


def _doubt(scene: Scene, seen: ChannelOrder, known: Known | None) -> Sale:
    revision = (0 if known is None else known.doubt_revision) + 1
    return Sale(
        order_key=scene.key(seen.reference),
        revision=revision,
        channel_revision=revision,
        taken_at=_taken_at(scene.channel, seen),
        sold=sold_by_listing(seen),
    )


def _decision(
    scene: Scene,
    key: OrderKey,
    refusal: Refusal | None,
    outcome: Outcome,
    digest: bytes,
    seen: ChannelOrder | None = None,
) -> Decision:
    return Decision(
        key=key,
        admitted=refusal is None,
        code=ADMITTED if refusal is None else refusal.code,
        sentence="" if refusal is None else refusal.sentence,
        outcome=outcome,
        digest=digest,
        status="" if seen is None else seen.status,
        mapping_version=scene.mapping_version,
        run_id=scene.run_id,
        page=scene.page,
        final=refusal is not None and refusal.final,
        placed_at=None if seen is None else seen.placed_at,
    )


def _document(scene: Scene, reference: str | None, refusal: Refusal, payload: bytes) -> Quarantined:
    return Quarantined(
        channel=scene.channel.id,
        payload_hash=payload_hash(payload or repr((reference, refusal.code)).encode()),
        code=refusal.code,
        error=refusal.sentence,
        at=scene.at,
        reference=reference,
        payload=payload,
    )
