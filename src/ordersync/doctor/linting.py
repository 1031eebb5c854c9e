"""The mapping lab: what is wrong with a channel's settings, judged by the orders that it has shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import attrs

from ..channel import Channel
from ..columns import plain
from ..model.fields import frozen_mapping
from ..model.ids import ChannelId
from ..model.runs import ChannelState
from ..model.settings import MappedStatus, StatusMapping
from ..ports.storage import Storage
from ..sync.run import missing_mapping
from .lint_evidence import Evidence, Shown, gather, mapped_words, means

LINT_CODES = (
    "MAPPING_MISSING",
    "NOTHING_MAPPED_TO_PAID",
    "STILL_DISABLED",
    "NOTHING_MAPPED_TO_SHIPPED",
    "SHIPPED_NEVER_SEEN",
    "UNPAID_NOT_MAPPED",
    "PAYMENT_NEVER_CONFIRMED",
    "WORD_UNMAPPED",
    "WORD_ABSENT",
    "WORD_NOT_TRANSLATED",
    "WORD_SPELT_OTHERWISE",
    "WORD_NEVER_SEEN",
    "INITIAL_FROM_IN_FUTURE",
    "LOCATION_NOT_MAPPED",
    "CARRIER_NOT_MAPPED",
)
"""Every code that ``lint`` can return, in its order."""

WARNINGS = frozenset(
    {
        "SHIPPED_NEVER_SEEN",
        "UNPAID_NOT_MAPPED",
        "PAYMENT_NEVER_CONFIRMED",
        "WORD_NEVER_SEEN",
        "INITIAL_FROM_IN_FUTURE",
    }
)
"""The codes of what may be meant; the others are errors."""

NOTHING: Mapping[str, object] = {}


class Severity(StrEnum):
    """ERROR: something does not work until it is mended. WARNING: it may be meant."""

    ERROR = "error"
    WARNING = "warning"


@attrs.frozen(kw_only=True)
class LintFinding:
    """One thing that is wrong with a channel's settings: the field, a sentence, what to do, and what it rests on."""

    code: str
    severity: Severity
    channel: ChannelId
    field: str
    sentence: str
    next_step: str
    evidence: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)

    def __str__(self) -> str:
        """Return it in one line; nothing in it can steer a terminal."""
        text = f"{self.severity} {self.code} {self.channel} {self.field}: {self.sentence} {self.next_step}"
        return plain(text)

    def to_dict(self) -> dict[str, Any]:
        """Return it as what can be written as JSON."""
        facts = attrs.asdict(self, recurse=False, filter=lambda field, _: field.name != "channel")
        return (
            {"source": self.channel.source, "subsource": self.channel.subsource}
            | facts
            | {
                "severity": self.severity.value,
                "evidence": dict(self.evidence),
            }
        )


@attrs.frozen
class _Words:
    """A status mapping beside the words that orders were shown with."""

    mapping: StatusMapping
    evidence: Evidence

    @property
    def unmapped(self) -> Mapping[str, Shown]:
        """Return the words that orders show now, and that the mapping does not know."""
        return {word: shown for word, shown in self.evidence.words.items() if self.mapping.meaning(word) is None}

    @property
    def never_seen(self) -> Mapping[str, MappedStatus]:
        """Return the words of the mapping that no order was ever shown with."""
        ever = {*self.evidence.words, *self.evidence.earlier_words}
        return {word: to for word, to in mapped_words(self.mapping) if not any(means(word, seen) for seen in ever)}

    @property
    def are_compared(self) -> bool:
        """Say whether a word that never came tells anything: some have come, and a person chose those mapped."""
        return bool(self.evidence.words) and self.mapping != self.evidence.channel.default_mapping

    @property
    def lacks_shipped(self) -> bool:
        """Say whether shipped is mapped to, by words of which none ever came."""
        return self.are_compared and bool(self.mapping.shipped) and self.mapping.shipped <= set(self.never_seen)


async def lint(storage: Storage, channel: Channel, *, now: datetime) -> Sequence[LintFinding]:
    """Judge *channel*'s settings by what is kept of it, errors and warnings in the order of ``LINT_CODES``.

    Reads every decision about the channel's orders; contacts nobody and writes nothing. *now* is aware and in UTC.
    """
    return findings(await gather(storage, channel, now=now))


def findings(evidence: Evidence) -> Sequence[LintFinding]:
    """Return all that is wrong, in the order of ``LINT_CODES``."""
    found = [finding for rule in _RULES for finding in rule(evidence)]
    return sorted(found, key=lambda one: LINT_CODES.index(one.code))


def _finding(
    evidence: Evidence, code: str, field: str, texts: tuple[str, str], facts: Mapping[str, object] = NOTHING
) -> LintFinding:
    sentence, next_step = texts
    return LintFinding(
        code=code,
        severity=Severity.WARNING if code in WARNINGS else Severity.ERROR,
        channel=evidence.channel.id,
        field=f"settings.{field}",
        sentence=sentence,
        next_step=next_step,
        evidence={name: str(value) for name, value in facts.items() if value is not None},
    )


def _words(evidence: Evidence) -> _Words | None:
    mapping = evidence.channel.settings.status_mapping
    return None if mapping is None else _Words(mapping, evidence)


def _lacks_mapping(evidence: Evidence) -> Iterator[LintFinding]:
    """Find the reason for which a run disables the channel."""
    cause = missing_mapping(evidence.channel)
    if cause is None:
        return
    life = evidence.life
    disabled = life.state is ChannelState.DISABLED
    state = f"The channel is disabled since {life.since:%Y-%m-%d %H:%MZ}" if disabled else "The next run disables it"
    words = ", ".join(map(repr, sorted(evidence.words)))
    known = f" Orders were seen as {words}." if words else ""
    again = ", then enable the channel" if disabled else ""
    step = f"Map at least the words of paid orders to paid{again}.{known}"
    absent = evidence.channel.settings.status_mapping is None
    code = "MAPPING_MISSING" if absent else "NOTHING_MAPPED_TO_PAID"
    field = "status_mapping" if absent else "status_mapping.paid"
    facts = {"state": life.state, "since": life.since, "by": life.by or None, "cause": life.cause or None}
    yield _finding(evidence, code, field, (f"{state}: {cause}.", step), facts)


def _still_disabled(evidence: Evidence) -> Iterator[LintFinding]:
    """Find a channel that was disabled for a mapping which has been mended since."""
    life = evidence.life
    by_itself = life.state is ChannelState.DISABLED and life.by == "ordersync" and "status_mapping" in life.cause
    if by_itself and missing_mapping(evidence.channel) is None:
        sentence = f"The mapping lets orders in by now, and the channel is disabled since {life.since:%Y-%m-%d %H:%MZ}."
        texts = (sentence, "Enable it again: storage.journal.enable(...).")
        yield _finding(evidence, "STILL_DISABLED", "status_mapping", texts, {"since": life.since, "cause": life.cause})


def _lacks_shipped(evidence: Evidence) -> Iterator[LintFinding]:
    words = _words(evidence)
    if words is None or not evidence.channel.requires_status_mapping:
        return
    if not words.mapping.shipped:
        texts = (
            (
                "Nothing is mapped to shipped: what was dispatched cannot be told from what is still to send, and a "
                "channel that marks orders by a word of the mapping has none to mark them with."
            ),
            "Map the shop's word for dispatched orders to shipped, under a new version.",
        )
        yield _finding(evidence, "NOTHING_MAPPED_TO_SHIPPED", "status_mapping.shipped", texts, {"sent": evidence.sent})
    elif words.lacks_shipped:
        mapped = ", ".join(map(repr, sorted(words.mapping.shipped)))
        texts = (
            f"No order known here was ever shown with what is mapped to shipped: {mapped}.",
            "If orders were shipped on this channel, correct the word; otherwise wait for the first.",
        )
        field = "status_mapping.shipped"
        yield _finding(evidence, "SHIPPED_NEVER_SEEN", field, texts, {"mapped": mapped, "sent": evidence.sent})


def _lacks_unpaid(evidence: Evidence) -> Iterator[LintFinding]:
    words = _words(evidence)
    if words is None or not evidence.channel.settings.download_unpaid:
        return
    if words.mapping.unpaid or words.mapping.pending:
        return
    texts = (
        "download_unpaid is on, and no word is mapped to unpaid or pending: orders that wait for money do not come.",
        "Map the shop's words for such orders to unpaid, under a new version, or switch download_unpaid off.",
    )
    unmapped = ", ".join(sorted(words.unmapped)) or None
    yield _finding(evidence, "UNPAID_NOT_MAPPED", "status_mapping.unpaid", texts, {"unmapped": unmapped})


def _unmapped_words(evidence: Evidence) -> Iterator[LintFinding]:
    words = _words(evidence)
    if words is None:
        return
    never_seen = words.never_seen
    for word, shown in sorted(words.unmapped.items()):
        meant = _nearest(word, never_seen)
        hint = "" if meant is None else f" {meant!r} is mapped to {never_seen[meant]}, and was never seen."
        texts = (
            (
                f"{word!r} is mapped to nothing, and {shown.told} with it: those not stored wait in quarantine, "
                "the others are left as they are."
            ),
            f"Map {word!r} to {_one_of(MappedStatus)}, under a new version.{hint}",
        )
        yield _finding(
            evidence, "WORD_UNMAPPED", "status_mapping", texts, {"word": word, "nearest": meant, **shown.facts}
        )


def _absent_words(evidence: Evidence) -> Iterator[LintFinding]:
    """Find orders without the second word that the mapping goes by."""
    shown = evidence.wordless
    if shown.orders:
        texts = (
            f"The mapping goes by state, and {shown.told} without one: those not stored wait in quarantine.",
            "Map the words of their status instead (by='status'), unless the channel can be taught to show a state.",
        )
        yield _finding(evidence, "WORD_ABSENT", "status_mapping.by", texts, shown.facts)


def _unconfirmed(evidence: Evidence) -> Iterator[LintFinding]:
    """Find a second check that no paid order could have passed."""
    words, shown = _words(evidence), evidence.unconfirmed
    if words is None or not words.mapping.confirm_payment or evidence.confirmed or not shown.orders:
        return
    texts = (
        (
            f"confirm_payment is on, and {shown.told} as paid without a word of their payment, none with one: they "
            "count as unpaid."
        ),
        "Look one up on the channel: if it is paid there, switch confirm_payment off, or have the channel show it.",
    )
    yield _finding(evidence, "PAYMENT_NEVER_CONFIRMED", "status_mapping.confirm_payment", texts, shown.facts)


def _untranslated_words(evidence: Evidence) -> Iterator[LintFinding]:
    """Find words whose meaning the channel itself should know."""
    kind = type(evidence.channel).__name__
    for word, shown in sorted(evidence.untranslated.items()):
        texts = (
            (
                f"{kind} does not say what the status {word!r} means, and {shown.told} with it: those not stored wait "
                "in quarantine."
            ),
            f"Teach {kind} the word, or tell its author of it; no setting can.",
        )
        yield _finding(evidence, "WORD_NOT_TRANSLATED", "status_mapping", texts, {"word": word, **shown.facts})


def _unseen_words(evidence: Evidence) -> Iterator[LintFinding]:
    """Find words that are mapped and never came; when none for shipped did, that was told once."""
    words = _words(evidence)
    if words is None or not words.are_compared:
        return
    unmapped = words.unmapped
    for word, status in words.never_seen.items():
        field = f"status_mapping.{status}"
        alike = next((seen for seen in sorted(unmapped) if _plain(seen) == _plain(word)), None)
        if alike is not None:
            texts = (
                f"{word!r} is mapped to {status}, and the channel writes {alike!r}: they differ by case or blanks.",
                "Write it as the channel does, under a new version.",
            )
            yield _finding(evidence, "WORD_SPELT_OTHERWISE", field, texts, {"word": word, "seen": alike})
            continue
        meant = _nearest(word, unmapped)
        if meant is None and status is MappedStatus.SHIPPED and words.lacks_shipped:
            continue
        advice = (
            "Compare it with the shop's own list of statuses; leave it if it is merely rare."
            if meant is None
            else f"If {meant!r} is meant, which is seen and mapped to nothing, correct the word under a new version."
        )
        texts = (f"{word!r} is mapped to {status}, and no order known here was ever shown with it.", advice)
        yield _finding(evidence, "WORD_NEVER_SEEN", field, texts, {"word": word, "nearest": meant})


def _initial_from(evidence: Evidence) -> Iterator[LintFinding]:
    first = evidence.channel.settings.initial_from
    if first is None or first <= evidence.now:
        return
    texts = (
        f"initial_from {first:%Y-%m-%d %H:%MZ} is still to come: every order placed before is skipped.",
        "Set it to the first moment whose orders you want, or to None for all that are unshipped.",
    )
    skipped = evidence.before_initial_from
    yield _finding(
        evidence, "INITIAL_FROM_IN_FUTURE", "initial_from", texts, {"initial_from": first, "skipped": skipped}
    )


def _locations(evidence: Evidence) -> Iterator[LintFinding]:
    for place, shown in sorted(evidence.unmapped_places.items(), key=lambda one: one[0] or ""):
        named = "without a location of the channel" if place is None else f"of the channel's location {place!r}"
        texts = (
            f"settings.location does not say where orders {named} are saved to, and {shown.told} so.",
            "Map it, or set location to one name for all orders.",
        )
        yield _finding(evidence, "LOCATION_NOT_MAPPED", "location", texts, {"location": place, **shown.facts})


def _carriers(evidence: Evidence) -> Iterator[LintFinding]:
    for carrier, orders in sorted(evidence.unmapped_carriers.items()):
        waiting = "1 dispatch note waits" if len(orders) == 1 else f"{len(orders)} dispatch notes wait"
        texts = (
            f"{waiting} because the carrier {carrier!r} is not in settings.carriers.",
            "Map it to the channel's code for it.",
        )
        facts = {"carrier": carrier, "notes": len(orders), "latest": orders[-1]}
        yield _finding(evidence, "CARRIER_NOT_MAPPED", "carriers", texts, facts)


_RULES: tuple[Callable[[Evidence], Iterator[LintFinding]], ...] = (
    _lacks_mapping,
    _still_disabled,
    _lacks_shipped,
    _lacks_unpaid,
    _unmapped_words,
    _absent_words,
    _unconfirmed,
    _untranslated_words,
    _unseen_words,
    _initial_from,
    _locations,
    _carriers,
)


def _one_of(groups: Iterable[str]) -> str:
    *first, last = groups
    return f"{', '.join(first)} or {last}"


def _plain(word: str) -> str:
    """Return a word without case and blanks, to find what was probably meant."""
    return "".join(word.split()).casefold()


def _nearest(word: str, candidates: Mapping[str, object]) -> str | None:
    """Return the candidate that *word* is probably a misspelling of, None when none resembles it."""
    known = {_plain(one): one for one in sorted(candidates)}
    return next((known[one] for one in get_close_matches(_plain(word), known, n=1)), None)
