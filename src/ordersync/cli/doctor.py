"""``ordersync doctor``: the health of an installation, and the bundle for a support desk."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from ..clock import SystemClock
from ..doctor.health import check
from ..doctor.health_bundle import collect, pack
from ..errors import ConfigurationError
from .command import NOT_UNDERSTOOD, Voice, add_sources, opened


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="look at storage, books and channels, and say what to do",
        description="Look at storage, books and channels, and say what to do. Exit code 0: all is well as far as it "
        "is known; 1: a warning; 2: something fails, or the command could not be carried out.",
    )
    add_sources(parser)
    parser.add_argument("--live", action="store_true", help="test the connection to every channel as well")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="write a zip for a support desk, without buyers")
    parser.set_defaults(run=run, on_error=NOT_UNDERSTOOD)


async def run(options: argparse.Namespace, voice: Voice) -> int:
    """Check, and write the bundle if one is asked for."""
    clock = SystemClock()
    async with opened(options) as found:
        health = await check(found.storage, found.channels, clock=clock, live=options.live)
        if options.bundle is not None:
            files = await collect(health, found.storage, found.channels)
            voice.note(f"{options.bundle} gets these files:\n{files['contents.txt'].rstrip()}")
            await asyncio.to_thread(_write, options.bundle, pack(files, at=health.checked_at))
    voice.say(health.to_json() if options.json else str(health))
    return health.exit_code


def _write(path: Path, content: bytes) -> None:
    """Write a new file that nobody else may read; one that is there stays as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError as exc:
        raise ConfigurationError(f"{path} is there already; name a new file for the bundle") from exc
    with os.fdopen(handle, "wb") as file:
        file.write(content)
