"""``ordersync replay``: read quarantined orders again, after the settings or the code were mended."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from ..columns import plain
from ..doctor.doctor import Doctor
from ..errors import ConfigurationError
from ..model.ids import ChannelId
from ..model.orders import search_name
from ..ports import Storage
from ..sync.report import ChannelReport
from .command import DONE, FAILED, NOT_UNDERSTOOD, Voice, add_order, add_sources, opened

MOST_WAITING = 1_000_000
"""So many documents in quarantine are looked through for a reference."""

STATUSES = {
    "disabled": "nothing was read again; enable it first",
    "busy": "another runner works on it, and nothing was read again; replay later",
    "paused": "it rests, and what must be asked for waits; replay later, or let the next runs do it",
    "failed": "the report says what went wrong",
    "lost": "another runner has taken it over; replay again",
}
"""What each status of a run's report means for a replay that is not done."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="read quarantined orders of a channel again",
        description="Read quarantined orders of a channel again, all of them or one. Exit code 0: it went well; "
        "1: the report names errors, the channel was not worked on, or nothing of that order waits; 2: the command "
        "could not be carried out.",
    )
    add_order(parser, optional=True)
    parser.add_argument("--source", required=True, help="the marketplace or kind of shop")
    parser.add_argument("--subsource", required=True, help="the account or shop")
    add_sources(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, on_error=NOT_UNDERSTOOD)


async def run(options: argparse.Namespace, voice: Voice) -> int:
    """Replay, print the report, and say beside it why nothing was read again."""
    if options.app is None:
        raise ConfigurationError("a replay needs the channels, which read the orders anew; name --app module:factory")
    channel = ChannelId(options.source, options.subsource)
    async with opened(options) as found:
        waiting = await _waiting(found.storage, channel, options.reference)
        reference = None if options.reference is None else _meant(options.reference, waiting)
        report = await Doctor(found.channels, found.storage).replay(channel, reference=reference)
    voice.say(report.to_json() if options.json else str(report))
    hitch = _hitch(report.channels[channel], reference, waiting)
    if hitch:
        voice.note(f"ordersync: {plain(hitch)}")
    return FAILED if report.errors or hitch else DONE


async def _waiting(storage: Storage, channel: ChannelId, reference: str | None) -> Collection[str]:
    """Return the orders in quarantine that go by a reference, as ``explain`` forgives what people get wrong in it."""
    if reference is None:
        return ()
    kept = await storage.orders.quarantined(channel, limit=MOST_WAITING)
    names = {one.reference for one in kept if one.reference is not None}
    return sorted(name for name in names if search_name(name) == search_name(reference))


def _meant(reference: str, waiting: Collection[str]) -> str:
    """Return which order is meant; one that goes by no name yet may turn out to have this one."""
    asked = reference.strip()
    if asked in waiting or not waiting:
        return asked
    if len(waiting) > 1:
        raise ConfigurationError(f"several orders go by {asked}: {', '.join(waiting)}; write it as it is there")
    return next(iter(waiting))


def _hitch(report: ChannelReport, reference: str | None, waiting: Collection[str]) -> str:
    """Return why not everything was read again that was asked for; empty if all was."""
    if report.status != "done":
        return f"{report.channel} is {report.status}: {STATUSES.get(report.status, 'see the report')}"
    if reference is not None and not waiting and not report.seen:
        return f"nothing of {reference} waits in the quarantine of {report.channel}"
    return ""
