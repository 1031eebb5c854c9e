"""Health of channels as the journal tells it: their life, and how their readings went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from ..model.health import HealthArea, HealthFinding, HealthLevel
from ..model.ids import ChannelId
from ..model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from ..model.settings import ChannelSettings
from ..ports import Journal, Storage

LOOK_BACK = 100
"""So many readings make a rate."""

FAULT = 20
"""So many failures in a row are a fault; a single one among the last hundred is weather."""

SWEEPS_MISSED = 3
LONGEST_UNREAD = timedelta(days=1)
"""Without its settings, a channel that was not read for so long is suspicious."""

AUTH = "channel-auth"
OURSELVES = "ordersync"


async def channel_life(journal: Journal, channel: ChannelId, *, at: datetime) -> Sequence[HealthFinding]:
    """Say where a channel stands, by whom and since when, and what troubles it."""
    life = (await journal.life([channel]))[channel]
    return [judged_life(life), *(trouble(life, at=at) if _works(life) else ())]


def _works(life: ChannelLife) -> bool:
    """Say whether what went wrong still matters: a channel that is switched off does nothing wrong."""
    return life.state is not ChannelState.DISABLED


def judged_life(life: ChannelLife) -> HealthFinding:
    """Say whether a channel is worked on; one that ordersync itself switched off fails."""
    since = "" if life.since is None else f" since {life.since:%Y-%m-%d %H:%MZ}"
    by = f" by {life.by}" if life.by else ""
    why = f": {life.cause}" if life.cause else ""
    match life.state:
        case ChannelState.ENABLED:
            return _of_channel(life, HealthLevel.OK, "ENABLED", f"enabled{since}{by}{why}")
        case ChannelState.DISABLED:
            level = HealthLevel.FAILING if life.by == OURSELVES else HealthLevel.WARNING
            step = "mend the cause, then storage.journal.enable(channel, by=..., at=...)"
            return _of_channel(life, level, "DISABLED", f"disabled{since}{by}{why}", step)
    told = "a draft: no connection test of a run has passed yet, so nothing is downloaded"
    return _of_channel(life, HealthLevel.WARNING, "DRAFT", told, "run it once, and read the run's report")


def trouble(life: ChannelLife, *, at: datetime) -> Sequence[HealthFinding]:
    """Say what the last runs ended with: refused credentials and a fault fail, one failed run is weather."""
    if not life.failures and not life.trouble:
        return []
    rests = life.paused_until is not None and at < life.paused_until
    what = life.trouble or "errors"
    since = "" if life.trouble_since is None else f" since {life.trouble_since:%Y-%m-%d %H:%MZ}"
    rest = f"; it rests until {life.paused_until:%Y-%m-%d %H:%MZ}" if rests else ""
    sentence = f"{what}{since}, {life.failures} failed runs in a row{rest}"
    if life.trouble == AUTH:
        step = "authorize again, or correct the credentials; the next run tries them"
        return [_of_channel(life, HealthLevel.FAILING, "TROUBLE_AUTH", sentence, step)]
    if life.failures >= FAULT:
        return [_of_channel(life, HealthLevel.FAILING, "TROUBLE", sentence, _first_aid(life.trouble))]
    level = HealthLevel.WARNING if life.failures > 1 or rests else HealthLevel.OK
    return [_of_channel(life, level, "TROUBLE", sentence, _first_aid(life.trouble) if level != HealthLevel.OK else "")]


def _first_aid(code: str) -> str:
    if code == "channel-response":
        return "the channel answers what we do not understand: look at the journal's errors, and for a newer ordersync"
    if code == "channel-rejected":
        return "the channel refuses what is asked: look at the journal's errors, and at the channel's settings"
    return "nothing while it is short; if it stays, look at the channel's status page and at the journal's errors"


async def reading(
    storage: Storage, channel: ChannelId, *, settings: ChannelSettings | None, at: datetime
) -> Sequence[HealthFinding]:
    """Say when a channel was read to its end last, and how often readings were cut."""
    windows = await storage.journal.entries(channel=channel, kinds=[EntryKind.WINDOW_READ], limit=LOOK_BACK)
    errors: Sequence[JournalEntry] = ()
    if windows:
        errors = await storage.journal.entries(
            channel=channel, kinds=[EntryKind.ERROR], since=windows[-1].at, limit=LOOK_BACK
        )
    progress = await storage.orders.progress(channel)
    life = (await storage.journal.life([channel]))[channel]
    complete = [window.at for window in windows if window.code == "complete"]
    read_at = max([*complete, *filter(None, [progress.swept_at])], default=None)
    rate = Rate.of(windows, errors)
    last = last_read(life, read_at, settings=settings, at=at)
    return [last, judged_rate(channel, rate)] if windows and _works(life) else [last]


def last_read(
    life: ChannelLife, read_at: datetime | None, *, settings: ChannelSettings | None, at: datetime
) -> HealthFinding:
    """Say when a channel was read completely; an enabled one that was not for long is a warning."""
    longest = LONGEST_UNREAD if settings is None else SWEEPS_MISSED * settings.sweep_every
    told = "never read to its end" if read_at is None else f"read to its end at {read_at:%Y-%m-%d %H:%MZ}"
    begun = read_at or life.since
    late = life.state is ChannelState.ENABLED and (begun is None or at - begun > longest)
    if not late:
        return _of_reading(life.channel, HealthLevel.OK, "LAST_READ", told)
    step = "see that runs are started, and what their reports say of this channel"
    return _of_reading(life.channel, HealthLevel.WARNING, "NOT_READ", f"{told}, {longest} are allowed", step)


@attrs.frozen(kw_only=True)
class Rate:
    """How the last readings of a channel went: how many, how many cut, how many of those last, and the errors."""

    readings: int
    cut: int
    in_a_row: int
    errors: Counter[str]

    @classmethod
    def of(cls, windows: Sequence[JournalEntry], errors: Sequence[JournalEntry]) -> Rate:
        """Count entries, newest first."""
        cut = [window.code != "complete" for window in windows]
        in_a_row = cut.index(False) if False in cut else len(cut)
        codes = Counter(error.code for error in errors)
        return cls(readings=len(cut), cut=sum(cut), in_a_row=in_a_row, errors=codes)

    @property
    def level(self) -> HealthLevel:
        """Judge: one cut among the last hundred is weather, twenty in a row are a fault."""
        if self.in_a_row >= FAULT:
            return HealthLevel.FAILING
        return HealthLevel.WARNING if self.cut > 1 else HealthLevel.OK

    def __str__(self) -> str:
        """Say it in numbers."""
        row = f", {self.in_a_row} of them in a row until now" if self.in_a_row > 1 else ""
        named = ", ".join(f"{code} {number}" for code, number in sorted(self.errors.items()))
        errors = f"; errors: {named}" if named else ""
        return f"{self.cut} of the last {self.readings} readings were cut{row}{errors}"


def judged_rate(channel: ChannelId, rate: Rate) -> HealthFinding:
    """Say how often readings were cut, with the errors of the same time by class."""
    code = {HealthLevel.OK: "READINGS", HealthLevel.WARNING: "READINGS_CUT", HealthLevel.FAILING: "READINGS_FAIL"}
    step = "" if rate.level is HealthLevel.OK else "look at the journal's errors of this channel"
    return _of_reading(channel, rate.level, code[rate.level], str(rate), step)


def _of_channel(life: ChannelLife, level: HealthLevel, code: str, sentence: str, next_step: str = "") -> HealthFinding:
    return HealthFinding(
        area=HealthArea.CHANNEL,
        subject=str(life.channel),
        level=level,
        code=code,
        sentence=sentence,
        next_step=next_step,
    )


def _of_reading(channel: ChannelId, level: HealthLevel, code: str, sentence: str, next_step: str = "") -> HealthFinding:
    return HealthFinding(
        area=HealthArea.READING,
        subject=str(channel),
        level=level,
        code=code,
        sentence=sentence,
        next_step=next_step,
    )
