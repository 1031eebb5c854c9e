"""The command line: ``ordersync demo``, ``doctor``, ``explain`` and ``replay``."""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import traceback
from collections.abc import Sequence

from .cli import demo, doctor, explain, replay
from .cli.command import NOT_UNDERSTOOD, Voice
from .cli.mistakes import is_told, said_of

INTERRUPTED = 130

COMMANDS = (demo, doctor, explain, replay)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; each command's help says what its codes mean."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an order's number may hold what a terminal cannot show
    options = _parser().parse_args(arguments)
    try:
        code: int = asyncio.run(options.run(options, Voice(say=print, note=_note)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bug of the program is told without its text
        _note(f"ordersync: {said_of(error)}")
        if options.debug:
            traceback.print_exception(error)
        return int(options.on_error) if is_told(error) else NOT_UNDERSTOOD
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ordersync", description="Keep orders and stock in step.")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    for one in commands.choices.values():
        one.add_argument("--debug", action="store_true", help="show where an error comes from")
    return parser


def _note(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
