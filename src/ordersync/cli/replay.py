"""``ordersync replay``: read quarantined orders again, after the settings or the code were mended."""

from __future__ import annotations

import argparse

from ..doctor.doctor import Doctor
from ..errors import ConfigurationError
from ..model.ids import ChannelId
from .command import DONE, FAILED, NOT_UNDERSTOOD, Voice, add_order, add_sources, opened


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="read quarantined orders of a channel again",
        description="Read quarantined orders of a channel again, all of them or one. Exit code 0: it went well; "
        "1: the report names errors; 2: the command was not understood.",
    )
    add_order(parser, optional=True)
    parser.add_argument("--source", required=True, help="the marketplace or kind of shop")
    parser.add_argument("--subsource", required=True, help="the account or shop")
    add_sources(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, on_error=NOT_UNDERSTOOD)


async def run(options: argparse.Namespace, voice: Voice) -> int:
    """Replay, and print the report."""
    if options.app is None:
        raise ConfigurationError("a replay needs the channels, which read the orders anew; name --app module:factory")
    channel = ChannelId(options.source, options.subsource)
    async with opened(options) as found:
        report = await Doctor(found.channels, found.storage).replay(channel, reference=options.reference)
    voice.say(report.to_json() if options.json else str(report))
    return FAILED if report.errors else DONE
