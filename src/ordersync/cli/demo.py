"""``ordersync demo``: the seven steps with two marketplaces on this machine."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from ..demo import play
from ..errors import ConfigurationError
from .command import DONE, FAILED, Voice


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="two marketplaces and a database on this machine, the seven steps one by one",
        description="Play the seven steps with two marketplaces on this machine; nothing leaves it.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="an empty or new folder for the database and the report (default: a temporary one, which is kept)",
    )
    parser.set_defaults(run=run, on_error=FAILED)


async def run(options: argparse.Namespace, voice: Voice) -> int:
    """Play the demo."""
    await play(_folder(options.folder), voice.say)
    return DONE


def _folder(asked: Path | None) -> Path:
    if asked is None:
        return Path(tempfile.mkdtemp(prefix="ordersync-demo-"))
    asked.mkdir(parents=True, exist_ok=True)
    if any(asked.iterdir()):
        raise ConfigurationError(f"the folder {asked} is not empty; name a new one")
    return asked
