"""What is kept of a channel, as far as it tells something about its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import attrs

from ..admission import canonical
from ..channel import Channel
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus
from ..model.dispatch import NoteStatus
from ..model.ids import OrderKey
from ..model.orders import Decision
from ..model.runs import ChannelLife
from ..model.settings import MappedStatus, StatusMapping, StatusWord
from ..ports.storage import Storage

BATCH = 500
MOST_HISTORIES = 500
"""So many orders are looked through for words that they were shown with earlier."""

TOLD = (NoteStatus.SENT, NoteStatus.CONFIRMED)

Name = TypeVar("Name")


@attrs.frozen(kw_only=True)
class Shown:
    """Orders that have something in common: how many, since when, and the one seen last."""

    orders: int = 0
    since: datetime | None = None
    latest: str = ""
    latest_at: datetime | None = None

    def with_another(self, decision: Decision) -> Shown:
        """Count one more order."""
        since, at = decision.decided_at or decision.first_seen_at, decision.last_seen_at
        is_later = self.latest_at is None or (at is not None and at >= self.latest_at)
        return Shown(
            orders=self.orders + 1,
            since=min((one for one in (self.since, since) if one is not None), default=None),
            latest=decision.key.reference if is_later else self.latest,
            latest_at=at if is_later else self.latest_at,
        )

    @property
    def told(self) -> str:
        """Return how many orders there are, as the start of a clause."""
        return f"{self.orders} {'order is' if self.orders == 1 else 'orders are'} shown"

    @property
    def facts(self) -> Mapping[str, object]:
        """Return how many, since when and the latest reference, as evidence."""
        return {"orders": self.orders, "since": self.since, "latest": self.latest}


@attrs.frozen(kw_only=True)
class Evidence:
    """All that a channel's settings are judged by.

    ``words``: those that orders show now, of the two that an order has the one that the mapping looks up;
    ``earlier_words``: of orders that show another by now, so far as they were looked for. ``wordless``: orders
    without the word that is looked up. ``untranslated``: words that the settings let pass and the channel does not
    explain. ``confirmed`` and ``unconfirmed``: orders mapped to paid of whose payment the channel says something, and
    nothing. ``unmapped_places``: the channel's own locations that ``settings.location`` lacks;
    ``unmapped_carriers``: the orders whose notes wait for a carrier that ``settings.carriers`` lacks.
    ``sent``: how many notes the channel was told.
    """

    channel: Channel
    now: datetime
    life: ChannelLife
    words: Mapping[str, Shown] = attrs.field(factory=dict)
    earlier_words: frozenset[str] = frozenset()
    wordless: Shown = attrs.field(factory=Shown)
    untranslated: Mapping[str, Shown] = attrs.field(factory=dict)
    confirmed: int = 0
    unconfirmed: Shown = attrs.field(factory=Shown)
    unmapped_places: Mapping[str | None, Shown] = attrs.field(factory=dict)
    unmapped_carriers: Mapping[str, list[str]] = attrs.field(factory=dict)
    before_initial_from: int = 0
    sent: int = 0


async def gather(storage: Storage, channel: Channel, *, now: datetime) -> Evidence:
    """Read what is kept of *channel*."""
    tally = _Tally(channel)
    after: OrderKey | None = None
    while batch := await storage.orders.decisions_by_key(channel.id, limit=BATCH, after=after):
        after = batch[-1].key
        for decision in batch:
            tally.add(decision)
    counts = await storage.orders.note_counts(channel.id)
    return Evidence(
        channel=channel,
        now=now,
        life=(await storage.journal.life([channel.id]))[channel.id],
        words=tally.words,
        earlier_words=await _earlier_words(storage, channel, frozenset(tally.words)),
        wordless=tally.wordless,
        untranslated=tally.untranslated,
        confirmed=tally.confirmed,
        unconfirmed=tally.unconfirmed,
        unmapped_places=tally.places,
        unmapped_carriers=await _unmapped_carriers(storage, channel, now=now),
        before_initial_from=tally.before_initial_from,
        sent=sum(counts.get(status, 0) for status in TOLD),
    )


class _Tally:
    """Counts of a channel's decisions, made one by one."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._settings = channel, channel.settings
        self.words: dict[str, Shown] = {}
        self.untranslated: dict[str, Shown] = {}
        self.places: dict[str | None, Shown] = {}
        self.wordless, self.unconfirmed = Shown(), Shown()
        self.confirmed = self.before_initial_from = 0

    def add(self, decision: Decision) -> None:
        """Count one decision."""
        self.before_initial_from += decision.code == "BEFORE_INITIAL_FROM"
        word = word_of(decision, self._channel)
        if word is not None:
            _count(self.words, word, decision)
        if decision.seen is None:
            return
        if word is None:
            self.wordless = self.wordless.with_another(decision)
        elif self._is_untranslated(decision.seen, word):
            _count(self.untranslated, word, decision)
        self._add_payment(decision, decision.seen, word)
        place = decision.seen.channel_location
        if not decision.seen.fulfilled_by_channel and self._settings.location_of(place) is None:
            _count(self.places, place, decision)

    def _add_payment(self, decision: Decision, seen: ChannelOrder, word: str | None) -> None:
        mapping = self._settings.status_mapping
        if mapping is None or mapping.meaning(word) is not MappedStatus.PAID:
            return
        if seen.payment is None:
            self.unconfirmed = self.unconfirmed.with_another(decision)
        else:
            self.confirmed += 1

    def _is_untranslated(self, seen: ChannelOrder, word: str) -> bool:
        """Say whether an order's word is unknown though the settings map it, or have nothing to map."""
        mapping = self._settings.status_mapping
        if (mapping is None and self._channel.requires_status_mapping) or (
            mapping is not None and mapping.meaning(word) is None
        ):
            return False
        payment, fulfillment = canonical(seen, self._settings)
        return payment is PaymentStatus.UNKNOWN or fulfillment is FulfillmentStatus.UNKNOWN


def word_of(decision: Decision, channel: Channel) -> str | None:
    """Return the word of a decided order that the channel's mapping looks up; None where it is not known."""
    mapping = channel.settings.status_mapping
    if decision.seen is not None and mapping is not None:
        return mapping.word_of(decision.seen)
    by_state = mapping is not None and mapping.by is StatusWord.STATE
    return None if by_state else decision.status or None


def _count(counts: dict[Name, Shown], name: Name, decision: Decision) -> None:
    counts[name] = counts.get(name, Shown()).with_another(decision)


def means(mapped: str, seen: str) -> bool:
    """Say whether a mapping that knows *mapped* alone knows *seen*: words are compared there and nowhere else."""
    return StatusMapping(version="one word", paid=frozenset({mapped})).meaning(seen) is not None


def mapped_words(mapping: StatusMapping) -> Iterator[tuple[str, MappedStatus]]:
    """Yield every word of a mapping as it was written, with what it is mapped to."""
    for status in MappedStatus:
        for word in sorted(getattr(mapping, status.value)):
            yield word, status


async def _earlier_words(storage: Storage, channel: Channel, shown: frozenset[str]) -> frozenset[str]:
    """Return words of earlier decisions, looked for only while the mapping has words that no order shows."""
    mapping = channel.settings.status_mapping
    if mapping is None:
        return frozenset()
    found = set(shown)
    missing = [word for word, _ in mapped_words(mapping) if not any(means(word, seen) for seen in found)]
    for decision in await storage.orders.decisions(channel.id, limit=MOST_HISTORIES) if missing else ():
        history = await storage.orders.decision_history(decision.key)
        found.update(word for word in (word_of(one, channel) for one in history) if word is not None)
        missing = [word for word in missing if not any(means(word, seen) for seen in found)]
        if not missing:
            break
    return frozenset(found - shown)


async def _unmapped_carriers(storage: Storage, channel: Channel, *, now: datetime) -> Mapping[str, list[str]]:
    carriers = channel.settings.carriers
    found: dict[str, list[str]] = {}
    after: str | None = None
    while carriers and (notes := await storage.orders.notes_due(channel.id, at=now, limit=BATCH, after=after)):
        after = notes[-1].note.id
        for note in notes:
            carrier = note.note.carrier
            if note.status is NoteStatus.QUEUED and carrier and carrier not in carriers:
                found.setdefault(carrier, []).append(note.note.order_key.reference)
    return found
