"""Deciding one page of orders: what is known is read in batches, each sighting is judged, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..channel import SupportsOrderLookup
from ..model.channel_orders import ChannelOrder, OrderPage
from ..model.ids import OrderKey
from ..model.orders import Order, OrderState, Outcome
from ..model.pages import PageWork, Watch, WatchChange
from ..model.runs import Progress
from .channel_run import ChannelRun
from .digests import order_digest
from .link_by_sku import links_of
from .sightings import Scene, Sighting, is_same, judge, judge_unreadable
from .watch_list import next_watch


@attrs.frozen(kw_only=True)
class Seen:
    """One sighting on a page: which order, its document, and what it comes to."""

    reference: str | None
    raw: bytes | None = attrs.field(repr=False)
    sighting: Sighting
    watch: Watch | None = None

    @property
    def is_understood(self) -> bool:
        """Say whether the order can be read and judged, so that no document of it is kept any more."""
        return self.sighting.outcome is not Outcome.QUARANTINED and self.sighting is not DOUBLE


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
            watch=scene.watch(order.reference),
        )
        for place, (order, digest) in enumerate(zip(page.orders, digests, strict=True))
    ] + [
        Seen(
            reference=one.reference,
            raw=None,
            sighting=judge_unreadable(scene, one, readable=one.reference in newest),
            watch=scene.watch(one.reference),
        )
        for one in page.unreadable
    ]


DOUBLE = Sighting(outcome=Outcome.SAME)


async def _scene(run: ChannelRun, page: OrderPage, number: int, digests: Sequence[bytes]) -> Scene:
    references = {order.reference for order in page.orders}
    references |= {one.reference for one in page.unreadable if one.reference}
    known = await run.storage.orders.known(run.id, sorted(references), fence=run.read_fence)
    scene = Scene(channel=run.channel, known=known, run_id=run.run_id, page=number, at=run.now())
    stored = {reference for reference, one in known.items() if one.state is not None}
    moved = [
        scene.key(order.reference)
        for order, digest in zip(page.orders, digests, strict=True)
        if order.reference in stored and not is_same(known[order.reference], digest, scene.mapping_version)
    ]
    skus = sorted({line.channel_sku for order in page.orders for line in order.lines})
    return attrs.evolve(
        scene,
        stored=await run.storage.orders.load(moved, fence=run.read_fence) if moved else {},
        links=await links_of(run, skus),
    )


def _newest(orders: Sequence[ChannelOrder]) -> dict[str, int]:
    """Return the place of each reference's newest version, the last one of equals."""
    places: dict[str, int] = {}
    for place, order in enumerate(orders):
        before = places.get(order.reference)
        if before is None or order.updated_at >= orders[before].updated_at:
            places[order.reference] = place
    return places


def page_work(run: ChannelRun, decided: Sequence[Seen], progress: Progress | None) -> PageWork:
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
        understood=tuple(OrderKey(run.id, one.reference) for one in decided if one.is_understood and one.reference),
        quarantined=tuple(one.quarantined for one in sightings if one.quarantined is not None),
        doubts=tuple(one.doubt for one in sightings if one.doubt is not None),
        raw={order.key: raw[order.key] for order in orders if order.key in raw},
        watches=_watches(run, decided),
        progress=progress,
    )


def _watches(run: ChannelRun, decided: Sequence[Seen]) -> tuple[WatchChange, ...]:
    """Put orders that wait for something on the watch list, if the channel can be asked for one; others off it."""
    if not isinstance(run.channel, SupportsOrderLookup):
        return ()
    now, watch_for = run.now(), run.channel.settings.watch_for
    changes: dict[OrderKey, WatchChange] = {}
    for seen in decided:
        watched = seen.sighting.watched
        if seen.reference is not None and watched is not None and watched == (seen.watch is None):
            key = OrderKey(run.id, seen.reference)
            after = next_watch(key, since=now, now=now, watch_for=watch_for) if watched else None
            changes[key] = WatchChange(key=key, before=seen.watch, after=after)
    return tuple(changes.values())


def report(run: ChannelRun, decided: Sequence[Seen]) -> None:
    """Count a page's sightings, and tell of what is not downloaded."""
    for seen in decided:
        run.count(seen.sighting.outcome)
        refusal = seen.sighting.refusal
        if refusal is not None:
            run.not_downloaded(seen.reference, refusal.code, refusal.sentence, quarantined=refusal.quarantines)
        if seen.sighting.changed is not None:
            run.order_changed(seen.sighting.changed)
        if seen.sighting.new is not None:
            _report_shadow_demand(run, seen.sighting.new)


def _report_shadow_demand(run: ChannelRun, order: Order) -> None:
    """Name what a new order sells and reserves nothing for."""
    for line in order.unlinked if order.state is OrderState.NEW else ():
        text = f"{line.quantity} of {line.channel_sku!r} reserve nothing until its listing is linked"
        run.remark("unlinked", "SHADOW_DEMAND", str(order.key), text)
