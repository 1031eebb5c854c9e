"""``python -m ordersync.testing.simulator``."""

from __future__ import annotations

import sys

from ...clock import SystemClock
from .campaigns.command import Subject, main
from .campaigns.play import drawn, play


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command line speaks to a person


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Subject(play=play, drawn=drawn, clock=SystemClock(), say=print, note=_note)))
