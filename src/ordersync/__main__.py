"""The command line: ``ordersync demo``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .demo import play
from .errors import OrderSyncError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 not understood."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(play(_folder(options.folder), print))
    except (OrderSyncError, OSError) as error:
        print(f"ordersync: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ordersync", description="Keep orders and stock in step.")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="two marketplaces and a database on this machine, the seven steps one by one",
        description="Play the seven steps with two marketplaces on this machine; nothing leaves it.",
    )
    demo.add_argument(
        "--folder",
        type=Path,
        help="an empty or new folder for the database and the report (default: a temporary one, which is kept)",
    )
    return parser


def _folder(asked: Path | None) -> Path:
    if asked is None:
        return Path(tempfile.mkdtemp(prefix="ordersync-demo-"))
    asked.mkdir(parents=True, exist_ok=True)
    if any(asked.iterdir()):
        raise FileExistsError(f"the folder {asked} is not empty; name a new one")
    return asked


if __name__ == "__main__":
    sys.exit(main())
