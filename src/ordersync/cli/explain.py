"""``ordersync explain``: why an order is not here."""

from __future__ import annotations

import argparse

from ..doctor.doctor import Doctor
from ..doctor.explanation import UNEXPLAINED, Explanation, View
from ..errors import ConfigurationError
from ..model.ids import ChannelId
from ..ports import Storage
from .command import DONE, FAILED, NOT_UNDERSTOOD, Voice, add_order, add_sources, opened


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        help="say why an order is not here",
        description="Say why an order is not here. Exit code 0: it is here; 1: it is not, and the causes are "
        "known; 2: it is not, and a check is unknown or nothing explains it, or the command could not be carried out.",
    )
    add_order(parser)
    parser.add_argument("--source", required=True, help="the marketplace or kind of shop")
    parser.add_argument("--subsource", help="the account or shop, where the source has several")
    add_sources(parser)
    parser.add_argument("--live", action="store_true", help="ask the channel for this order as well")
    parser.add_argument("--location", help="the location that you look at")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown, for a ticket")
    parser.set_defaults(run=run, on_error=NOT_UNDERSTOOD)


async def run(options: argparse.Namespace, voice: Voice) -> int:
    """Explain, in the form that is asked for."""
    async with opened(options) as found:
        if options.app is None:
            await _check_known(found.storage, options)
        explanation = await Doctor(found.channels, found.storage).explain(
            options.reference,
            source=options.source,
            subsource=options.subsource,
            live=options.live,
            view=View(location=options.location),
        )
    voice.say(_in_form(options, explanation))
    return exit_code(explanation)


async def _check_known(storage: Storage, options: argparse.Namespace) -> None:
    """Refuse a channel of which the storage has never heard: nobody else can tell a new channel from a slip."""
    if options.subsource is None:
        return
    asked, known = ChannelId(options.source, options.subsource), sorted(await storage.journal.channels())
    if asked not in known:
        there = ", ".join(map(str, known)) or "none"
        raise ConfigurationError(
            f"the storage does not know {asked}; it knows {there}; correct --source and --subsource, or name --app"
        )


def exit_code(explanation: Explanation) -> int:
    """Return 0 for an order that is here, 1 for one that is not and of which all causes are known, else 2."""
    if explanation.stored:
        return DONE
    known = explanation.complete and explanation.causes and UNEXPLAINED not in explanation.causes
    return FAILED if known else NOT_UNDERSTOOD


def _in_form(options: argparse.Namespace, explanation: Explanation) -> str:
    if options.json:
        return explanation.to_json()
    return explanation.to_markdown().rstrip("\n") if options.markdown else str(explanation)
