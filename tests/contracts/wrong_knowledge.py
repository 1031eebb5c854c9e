"""Order stores with one mistake each about what was known of an order, and the law that must find it."""

from __future__ import annotations

import attrs

from ordersync.model.ids import OrderKey
from ordersync.model.pages import Known
from ordersync.storage.memory import MemoryOrderStore


class KnowsNoWatch(MemoryOrderStore):
    """Does not tell that an order is watched."""

    def _known(self, key: OrderKey) -> Known:
        return attrs.evolve(super()._known(key), watch=None)


class KnowsOpenConflictsOnly(MemoryOrderStore):
    """Forgets that an order had vanished once that was decided about."""

    def _known(self, key: OrderKey) -> Known:
        order = self._orders.get(key)
        conflict = None if order is None or order.conflict is None else order.conflict.code
        return attrs.evolve(super()._known(key), conflict=conflict)


class KnowsTheLook(MemoryOrderStore):
    """Takes the next look for the beginning."""

    def _known(self, key: OrderKey) -> Known:
        known = super()._known(key)
        return attrs.evolve(known, watch=known.watch and attrs.evolve(known.watch, since=known.watch.look_at))


WRONG_KNOWLEDGE = {
    KnowsOpenConflictsOnly: "test_known_tells_that_it_had_vanished",
    KnowsNoWatch: "test_known_tells_that_it_is_watched",
    KnowsTheLook: "test_known_tells_that_it_is_watched",
}
"""Each wrong store, and the law that finds it."""
