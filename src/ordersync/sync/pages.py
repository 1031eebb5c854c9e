"""Deciding one page of orders: what is known is read in batches, each sighting is judged, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..model.channel_orders import ChannelOrder, OrderPage
from ..model.ids import OrderKey
from ..model.orders import OrderState, Outcome
from ..model.pages import Known, PageWork
from ..model.runs import Progress
from .channel_run import ChannelRun
from .digests import order_digest
from .sightings import Scene, Sighting, judge, judge_unreadable


@attrs.frozen(kw_only=True)
class Seen:
    """One sighting on a page: which order, its document, and what it comes to."""

    reference: str | None
    raw: bytes | None = attrs.field(repr=False)
    sighting: Sighting


async def decide(run: ChannelRun, page: OrderPage, number: int) -> Sequence[Seen]:
    """Decide every order of a page.

    Of an order that comes twice in one page, the newest version is decided, and the others count as same.
    """
    digests = [order_digest(order) for order in page.orders]
    scene = await _scene(run, page, number, digests)
    newest = _newest(page.orders)
    return [
        Seen(
            reference=order.reference,
            raw=order.raw,
            sighting=judge(scene, order, digest) if newest[order.reference] == place else DOUBLE,
        )
        for place, (order, digest) in enumerate(zip(page.orders, digests, strict=True))
    ] + [Seen(reference=one.reference, raw=None, sighting=judge_unreadable(scene, one)) for one in page.unreadable]


DOUBLE = Sighting(outcome=Outcome.SAME)


async def _scene(run: ChannelRun, page: OrderPage, number: int, digests: Sequence[bytes]) -> Scene:
    references = {order.reference for order in page.orders}
    references |= {one.reference for one in page.unreadable if one.reference}
    known = await run.storage.orders.known(run.id, sorted(references), fence=run.read_fence)
    scene = Scene(channel=run.channel, known=known, run_id=run.run_id, page=number, at=run.now())
    moved = [
        scene.key(order.reference)
        for order, digest in zip(page.orders, digests, strict=True)
        if _may_have_changed(scene, known.get(order.reference), digest)
    ]
    skus = sorted({line.channel_sku for order in page.orders for line in order.lines})
    return attrs.evolve(
        scene,
        stored=await run.storage.orders.load(moved, fence=run.read_fence) if moved else {},
        links=await run.storage.listings.links(run.id, skus, fence=run.read_fence),
    )


def _may_have_changed(scene: Scene, known: Known | None, digest: bytes) -> bool:
    if known is None or known.state in (None, OrderState.DELETED):
        return False
    return (known.digest, known.mapping_version) != (digest, scene.mapping_version)


def _newest(orders: Sequence[ChannelOrder]) -> dict[str, int]:
    """Return the place of each reference's newest version, the last one of equals."""
    places: dict[str, int] = {}
    for place, order in enumerate(orders):
        before = places.get(order.reference)
        if before is None or order.updated_at >= orders[before].updated_at:
            places[order.reference] = place
    return places


def page_work(run: ChannelRun, decided: Sequence[Seen], progress: Progress) -> PageWork:
    """Return what a decided page writes."""
    sightings = [seen.sighting for seen in decided]
    written = {sighting.decision.key for sighting in sightings if sighting.decision is not None}
    again = (OrderKey(run.id, seen.reference) for seen in decided if seen.reference is not None)
    orders = [one.new for one in sightings if one.new] + [one.changed.order for one in sightings if one.changed]
    raw = {OrderKey(run.id, seen.reference): seen.raw for seen in decided if seen.reference and seen.raw}
    return PageWork(
        channel=run.id,
        new=tuple(one.new for one in sightings if one.new is not None),
        changed=tuple(one.changed for one in sightings if one.changed is not None),
        decisions=tuple(one.decision for one in sightings if one.decision is not None),
        seen=tuple(dict.fromkeys(key for key in again if key not in written)),
        quarantined=tuple(one.quarantined for one in sightings if one.quarantined is not None),
        doubts=tuple(one.doubt for one in sightings if one.doubt is not None),
        raw={order.key: raw[order.key] for order in orders if order.key in raw},
        progress=progress,
    )


def report(run: ChannelRun, decided: Sequence[Seen]) -> None:
    """Count a page's sightings, and tell of what is not downloaded."""
    for seen in decided:
        run.count(seen.sighting.outcome)
        refusal = seen.sighting.refusal
        if refusal is not None:
            run.not_downloaded(seen.reference, refusal.code, refusal.sentence, quarantined=refusal.quarantines)
