"""Observers of a run: one writes log lines, one draws a progress bar.

Hand them to ``SyncRunner(..., observers=[LogObserver()])``.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from types import TracebackType
from typing import Any, Self

import attrs

from .model.events import (
    CallFailed,
    ChannelEvent,
    Event,
    LevelPushed,
    NoteMoved,
    OrderInConflict,
    OrderSkipped,
    OrdersReserved,
    PageSaved,
    PhaseStarted,
    RunFinished,
    RunStarted,
    StockShort,
    SweepSuspicious,
)
from .model.ids import ChannelId
from .model.listings import StockOutcome

log = logging.getLogger("ordersync")

Tally = Counter[str]

REFUSED_NOTES = frozenset({"rejected", "unknown", "gave-up"})


class LogObserver:
    """Logs what a run does to ``logging.getLogger("ordersync")``.

    Each message is an event name and its facts; the same facts are in ``extra`` under dotted keys such as
    ``ordersync.channel``. INFO: one line when a run begins, one a channel when it ends, one for the whole run.
    WARNING: failed calls, quarantined orders, stock that is short, refused levels and notes. DEBUG: the rest.
    No line holds a buyer, an address or a document.
    """

    def __init__(self) -> None:
        self._tallies: dict[str, dict[ChannelId, Tally]] = {}

    def __call__(self, event: Event) -> None:
        """Log one event."""
        if isinstance(event, RunStarted):
            self._tallies[event.run_id] = {channel: Counter() for channel in event.channels}
        elif isinstance(event, ChannelEvent):
            tallies = self._tallies.setdefault(event.run_id, {})
            _add(tallies.setdefault(event.channel, Counter()), event)
        elif isinstance(event, RunFinished):
            for channel, tally in self._tallies.pop(event.run_id, {}).items():
                _log(logging.INFO, "channel_finished", {"run_id": event.run_id, "channel": channel, **tally})
        _log(_level(event), _name(event), attrs.asdict(event, recurse=False))


def _add(tally: Tally, event: ChannelEvent) -> None:
    """Add an event to its channel's sums."""
    match event:
        case PageSaved():
            tally["pages"] += 1
            tally["seen"] += event.orders
        case OrderSkipped():
            tally["quarantined" if event.quarantined else "skipped"] += 1
        case OrdersReserved():
            tally["reserved"] += event.orders
        case LevelPushed():
            tally[f"levels_{event.outcome.name.lower()}"] += 1
        case NoteMoved():
            tally[f"notes_{event.status.replace('-', '_')}"] += 1
        case CallFailed():
            tally["failed"] += 1


def _level(event: Event) -> int:
    if _needs_a_look(event):
        return logging.WARNING
    return logging.INFO if isinstance(event, RunStarted | RunFinished) else logging.DEBUG


def _needs_a_look(event: Event) -> bool:
    match event:
        case CallFailed() | StockShort() | OrderInConflict() | SweepSuspicious():
            return True
        case RunFinished():
            return event.errors > 0
        case OrderSkipped():
            return event.quarantined
        case LevelPushed():
            return event.outcome is not StockOutcome.ACCEPTED
        case NoteMoved():
            return event.status in REFUSED_NOTES
        case _:
            return False


def _name(event: Event) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def _log(level: int, name: str, facts: dict[str, Any]) -> None:
    if not log.isEnabledFor(level):
        return
    plain = {key: _plain(value) for key, value in facts.items()}
    shown = " ".join(f"{key}={_one_word(value)}" for key, value in plain.items())
    extra = {"ordersync.event": name} | {f"ordersync.{key}": value for key, value in facts.items()}
    log.log(level, "ordersync.%s %s", name, shown, extra=extra)


def _one_word(value: str) -> str:
    """Return a value as one word on one line: quoted where it holds blanks or control characters."""
    return value if value.isprintable() and " " not in value else repr(value)


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


class ProgressBar:
    """Draws one line a channel while a run works: its phase, and how many orders it has seen.

    Needs rich: ``pip install 'ordersync[cli]'``. The drawing ends with the run; a run that may be cancelled is
    put into ``with ProgressBar() as bar:``, which gives the terminal back in any case.
    """

    def __init__(self, *, console: Any = None) -> None:  # noqa: ANN401 - rich may not be there to name its type
        try:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        except ImportError as exc:
            text = "ProgressBar draws with rich, which is not installed; run: pip install 'ordersync[cli]'"
            raise ImportError(text) from exc
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed:.0f} orders seen"),
            TextColumn("{task.fields[phase]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._lines: dict[str, dict[ChannelId, Any]] = {}

    def __call__(self, event: Event) -> None:
        """Draw what an event changes."""
        if isinstance(event, RunStarted):
            self._lines[event.run_id] = {channel: self._line(channel) for channel in event.channels}
            self._progress.start()
        elif isinstance(event, RunFinished):
            for line in self._lines.pop(event.run_id, {}).values():
                self._progress.update(line, total=self._progress.tasks[line].completed, phase="")
            if not self._lines:
                self.close()
        elif isinstance(event, ChannelEvent) and event.channel in self._lines.get(event.run_id, {}):
            self._draw(self._lines[event.run_id][event.channel], event)

    def close(self) -> None:
        """Stop drawing and leave what was drawn; may be called twice."""
        self._progress.stop()

    def __enter__(self) -> Self:
        """Return the bar itself; it begins to draw with the run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back."""
        self.close()

    def _line(self, channel: ChannelId) -> object:
        return self._progress.add_task(str(channel), total=None, phase="")

    def _draw(self, line: Any, event: ChannelEvent) -> None:  # noqa: ANN401 - rich's own id of a line
        match event:
            case PhaseStarted():
                self._progress.update(line, phase=event.phase)
            case PageSaved():
                self._progress.update(line, completed=event.seen)
            case CallFailed():
                self._progress.update(line, phase=f"{event.phase} failed: {event.code}")
