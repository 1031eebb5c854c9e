"""The laws about what was decided: every sighting is accounted for, and the settings of today have judged all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ordersync import Decision, Order
from ordersync.admission import DELETED_HERE, Candidate, admission_fingerprint, admit
from ordersync.model.ids import OrderKey
from ordersync.ports import OrderStore
from ordersync.testing import FakeMarketplace


async def sightings_are_decided(orders: OrderStore, market: FakeMarketplace, stored: Mapping[str, Order]) -> None:
    """L2: every order shown has a decision, in a history that tells nothing personal; stored are those admitted."""
    for reference, shown in market.orders.items():
        key = OrderKey(market.id, reference)
        history, now = await orders.decision_history(key), await orders.decision(key)
        assert list(history[-1:]) == ([] if now is None else [now]), f"{key}: its history ends with another decision"
        assert history or shown.removed or shown.done, f"{key} is shown, and nothing was decided about it"
        _tells_what_was_when(key, history)
        if now is not None:
            is_stored = now.admitted or now.code == DELETED_HERE
            assert is_stored == (reference in stored), f"{key} was {now.code}, stored: {reference in stored}"


def _tells_what_was_when(key: OrderKey, history: Sequence[Decision]) -> None:
    moments = [decision.decided_at for decision in history if decision.decided_at is not None]
    assert len(moments) == len(history), f"{key}: nobody knows when it was decided"
    assert moments == sorted(moments), f"{key}: its decisions are out of order"
    assert len({decision.first_seen_at for decision in history}) <= 1, f"{key} was first seen more than once"
    for seen in (decision.seen for decision in history):
        personal = seen is not None and (seen.buyer, seen.shipping_address, seen.raw) != (None, None, None)
        assert not personal, f"{key}: a decision about it tells who bought it"


async def settings_have_judged(orders: OrderStore, market: FakeMarketplace) -> None:
    """No order is left refused that the settings of today would download, and the progress says who judged."""
    progress = await orders.progress(market.id)
    is_judged = progress.admission == admission_fingerprint(market.settings)
    assert is_judged, f"{market.id}: its orders were not judged by the settings of today"
    for decision in await orders.decisions(market.id, admitted=False, limit=1000):
        if decision.seen is not None and decision.code != DELETED_HERE:
            gone = market.orders[decision.key.reference].removed
            refused = admit(Candidate(order=decision.seen, settings=market.settings))
            assert gone or refused is not None, f"{decision.key} is refused for {decision.code}, and nothing refuses it"
