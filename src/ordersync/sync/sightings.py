"""What one sighting of an order comes to. Pure: all that is known goes in, what is to be written comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from ..admission import (
    ADMITTED,
    DELETED_HERE,
    STATUS_UNKNOWN,
    UNREADABLE,
    Candidate,
    Refusal,
    admit,
    canonical,
)
from ..channel import Channel
from ..history import entry_of
from ..lifecycle import OrderEvent
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from ..model.ids import OrderKey
from ..model.listings import Links
from ..model.orders import ConflictCode, Decision, Order, OrderState, Outcome
from ..model.pages import ChangedOrder, Known, Quarantined, Watch
from ..model.stock import Sale
from .channel_lines import sold_by_listing
from .digests import payload_hash
from .edits import Shown, follow
from .new_orders import new_order, taken_at
from .watch_list import is_worth_watching

NO_LINKS = Links(revision=0, components={})

EVENTS = {
    OrderState.NEW: OrderEvent.REVIVED,
    OrderState.OPEN: OrderEvent.REOPENED,
    OrderState.PROCESSED: OrderEvent.PROCESSED,
    OrderState.CANCELLED: OrderEvent.CANCELLED,
}
"""What has happened to an order whose channel brought it to another state."""


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

    @property
    def watched(self) -> bool | None:
        """Say whether the order belongs on the watch list now; None where this sighting changes nothing about it."""
        order = self.new if self.changed is None else self.changed.order
        if order is not None or self.decision is not None:
            return is_worth_watching(order, self.decision)
        return None


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

    def watch(self, reference: str | None) -> Watch | None:
        """Return an order's place on the watch list."""
        known = None if reference is None else self.known.get(reference)
        return None if known is None else known.watch

    def key(self, reference: str) -> OrderKey:
        """Return the key of an order of this channel."""
        return OrderKey(self.channel.id, reference)


def judge_unreadable(scene: Scene, seen: UnreadableOrder, *, readable: bool = False) -> Sighting:
    """Quarantine a document that could not be read, by the hash of its payload.

    *readable*: the page also shows this order in a form that can be read, which decides about it.
    """
    digest = payload_hash(seen.payload)
    refusal = Refusal(UNREADABLE, seen.error)
    known = None if seen.reference is None else scene.known.get(seen.reference)
    decision = None
    news = known is None or (known.state is None and known.digest != digest.encode())
    if seen.reference is not None and news and not readable:
        decision = _decision(scene, scene.key(seen.reference), refusal, Outcome.QUARANTINED, digest.encode())
    document = _document(scene, seen.reference, refusal, seen.payload)
    return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal, decision=decision, quarantined=document)


def judge(scene: Scene, seen: ChannelOrder, digest: bytes) -> Sighting:
    """Decide what one readable order comes to; *digest* is its fingerprint."""
    known = scene.known.get(seen.reference)
    if known is not None and known.state not in (None, OrderState.DELETED):
        return _judge_stored(scene, seen, known, digest)
    tombstone = known is not None and known.state is OrderState.DELETED
    refusal = admit(Candidate(order=seen, settings=scene.channel.settings, tombstone=tombstone))
    if refusal is None:
        return _admitted(scene, seen, known, digest)
    return _refused(scene, seen, known, digest, refusal)


def is_same(known: Known, digest: bytes, mapping_version: str) -> bool:
    """Say whether a stored order is shown as it was last judged; one that had vanished, or was restored, is not."""
    came_back = known.conflict is ConflictCode.VANISHED or not (known.admitted or known.state is OrderState.DELETED)
    return not came_back and (known.digest, known.mapping_version) == (digest, mapping_version)


def _judge_stored(scene: Scene, seen: ChannelOrder, known: Known, digest: bytes) -> Sighting:
    unchanged = is_same(known, digest, scene.mapping_version)
    if _has_unknown_words(scene, seen):
        return _not_understood(scene, seen, digest, unchanged=unchanged)
    changed = None if unchanged else _followed(scene, seen)
    if changed is None:
        return Sighting(outcome=Outcome.SAME)
    decision = _decision(scene, changed.order.key, None, Outcome.CHANGED, digest, seen)
    return Sighting(outcome=Outcome.CHANGED, changed=changed, decision=decision)


def _followed(scene: Scene, seen: ChannelOrder) -> ChangedOrder | None:
    """Return the stored order as its channel shows it now; None for an older version of it than we have."""
    order = scene.stored.get(scene.key(seen.reference))
    if order is None or seen.updated_at < order.updated_at:
        return None
    shown = _shown(scene, seen)
    after = follow(order, shown)
    event = EVENTS[after.state] if after.state is not order.state else OrderEvent.EDITED
    return ChangedOrder(order=after, expect=order.revision, change=entry_of(order, after, event, shown.by))


def _has_unknown_words(scene: Scene, seen: ChannelOrder) -> bool:
    payment, fulfillment = canonical(seen, scene.channel.settings)
    return payment is PaymentStatus.UNKNOWN or fulfillment is FulfillmentStatus.UNKNOWN


def _not_understood(scene: Scene, seen: ChannelOrder, digest: bytes, *, unchanged: bool) -> Sighting:
    """Leave a stored order as it is when a word of its channel is not known."""
    sentence = f"Nobody knows what the status {seen.status!r} means; the stored order was left as it is."
    refusal = Refusal(STATUS_UNKNOWN, sentence)
    if unchanged:
        return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal)
    key = scene.key(seen.reference)
    decision = attrs.evolve(_decision(scene, key, refusal, Outcome.QUARANTINED, digest, seen), admitted=True)
    document = _document(scene, seen.reference, refusal, seen.raw or b"")
    return Sighting(outcome=Outcome.QUARANTINED, refusal=refusal, decision=decision, quarantined=document)


def _shown(scene: Scene, seen: ChannelOrder) -> Shown:
    channel = scene.channel
    return Shown(
        seen=seen,
        settings=channel.settings,
        links=scene.links,
        at=scene.at,
        clock_skew=channel.clock_skew,
        whole_order=channel.whole_order_dispatch,
    )


def _admitted(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes) -> Sighting:
    doubts = 0 if known is None else known.doubt_revision
    order = new_order(scene.channel, _shown(scene, seen), stock_revision=doubts + 1, revived=doubts > 0)
    decision = _decision(scene, order.key, None, Outcome.NEW, digest, seen)
    return Sighting(outcome=Outcome.NEW, new=order, decision=decision)


def _refused(scene: Scene, seen: ChannelOrder, known: Known | None, digest: bytes, refusal: Refusal) -> Sighting:
    outcome = Outcome.QUARANTINED if refusal.quarantines else Outcome.SKIPPED
    before = known and (known.digest, known.code, known.mapping_version)
    if before == (digest, refusal.code, scene.mapping_version):
        return Sighting(outcome=outcome, refusal=refusal)
    became_final = refusal.final and not (known is not None and known.final)
    tombstone = refusal.code == DELETED_HERE and not _has_unknown_words(scene, seen)
    return Sighting(
        outcome=outcome,
        refusal=refusal,
        changed=_followed(scene, seen) if tombstone else None,
        decision=_decision(scene, scene.key(seen.reference), refusal, outcome, digest, seen),
        quarantined=_document(scene, seen.reference, refusal, seen.raw or b"") if refusal.quarantines else None,
        doubt=_doubt(scene, seen, known) if became_final and scene.channel.decrements_on_sale else None,
    )


def _doubt(scene: Scene, seen: ChannelOrder, known: Known | None) -> Sale:
    revision = (0 if known is None else known.doubt_revision) + 1
    return Sale(
        order_key=scene.key(seen.reference),
        revision=revision,
        channel_revision=revision,
        taken_at=taken_at(scene.channel, seen),
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
        seen=seen,
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
