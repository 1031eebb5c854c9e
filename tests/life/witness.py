"""The witness: tells the model what a run has come to know, and when; what follows from it is the model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from ordersync import ChannelId, ChannelOrder, OrderKey
from ordersync.model.dispatch import DispatchNote, ParcelRecord
from ordersync.model.orders import Order, OrderChange
from ordersync.model.pages import PageWork
from ordersync.ports import ParcelAnswer

from .model import Model, Sweep
from .shown import shown_of

SETTINGS = "the settings"


class Witness:
    """Hears every answer of a port or a channel."""

    def __init__(self, model: Model, now: Callable[[], datetime]) -> None:
        self.model, self._now = model, now
        self.at_desk: Callable[[str], None] | None = None
        self.arrived: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.cut: set[str] = set()
        self._answers: dict[ChannelId, Collection[ChannelOrder]] = {}
        self._sweep_ends: dict[ChannelId, bool] = {}
        self._not_found: set[OrderKey] = set()
        self._hears: Mapping[str, Callable[..., None]] = {
            "save_page": self._save_page,
            "replace": self._replace,
            "record_parcel": self._record_parcel,
            "deduct": self._deduct,
            "links": self._links,
            "missing_counts": self._missing_counts,
            "set_progress": self._set_progress,
        }

    def begin(self) -> None:
        """Forget what an earlier run had heard and not written down."""
        self._answers.clear()

    def told(self, channel: ChannelId, orders: Collection[ChannelOrder], *, first: bool, last: bool) -> None:
        """Hear a channel's answer; it is known once it is written down."""
        self._answers[channel], self._sweep_ends[channel] = orders, last
        if first:
            self.model.channels[channel].sweeps.began = Sweep(self.model.tick(), self._now())

    def looked_up(self, channel: ChannelId, reference: str, *, found: bool) -> None:
        """Hear whether a channel knows an order."""
        key = OrderKey(channel, reference)
        (self._not_found.discard if found else self._not_found.add)(key)

    def took(self, note: DispatchNote, *, accepted: bool) -> None:
        """Hear what became of a note that arrived."""
        (self.arrived if accepted else self.refused)[note.id] += 1

    def heard(self, verb: str, answer: object, args: tuple[Any, ...], facts: dict[str, Any]) -> None:
        """Hear what a port has done."""
        hear = self._hears.get(verb)
        if hear is not None:
            hear(answer, *args, **facts)

    def _save_page(self, answer: object, work: PageWork, **_: object) -> None:
        if not answer:
            return
        orders = self._answers.pop(work.channel, None)
        if orders is None:
            for changed in work.changed:
                self._moved_on(changed.order.key, changed.change)
            return
        for order in orders:
            self.model.see(OrderKey(work.channel, order.reference), shown_of(order))
        if self._sweep_ends[work.channel]:
            sweeps = self.model.channels[work.channel].sweeps
            sweeps.complete = sweeps.began

    def _replace(self, answer: object, order: Order, *, change: OrderChange | None = None, **facts: object) -> None:
        if not answer:
            return
        if facts.get("fence") is not None:
            self._moved_on(order.key, change)
        elif self.at_desk is not None:
            self.at_desk("")

    def _moved_on(self, key: OrderKey, change: OrderChange | None) -> None:
        """Hear what a run does to an order of its own accord."""
        assert change is not None, f"{key} was changed, and its history does not say why"
        if change.who == SETTINGS:
            self.model.resolve_by_settings(key)
        elif change.event == "vanished":
            self.model.vanish(key, looked_up=key in self._not_found)
        else:
            assert change.event == "linked", f"{key}: {change.event}"
            self.model.links_found(key)

    def _record_parcel(self, answer: object, parcel: ParcelRecord, *_: object, **facts: Any) -> None:  # noqa: ANN401
        if answer is not ParcelAnswer.RECORDED:
            return
        if facts["fence"] is not None:
            self.model.resolve_by_settings(parcel.order_key, parcel.id)
        elif self.at_desk is not None:
            self.at_desk(parcel.id)

    def _deduct(self, _: object, deduction: Any, **__: object) -> None:  # noqa: ANN401
        self.model.shelves.left.add(deduction.id)

    def _links(self, _: object, channel: ChannelId, *__: object, **facts: object) -> None:
        if facts.get("fence") is not None:
            self.model.read_links(channel)

    def _missing_counts(self, answer: object, channel: ChannelId, **_: object) -> None:
        counted = self.model.judge(channel)
        assert answer == counted, (
            f"{channel}: a sweep should have shown {counted[0]}, {counted[1]} are missing: {answer}"
        )
        self.model.judge(channel)

    def _set_progress(self, _: object, channel: ChannelId, progress: Any, **__: object) -> None:  # noqa: ANN401
        if progress.judged_at is not None and progress.judged_at == progress.swept_at:
            self.model.judged(channel)
