"""Text in columns, for terminals and plain mail. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime

WIDTH = 80


def wrapped(text: str, *, first: str = "", margin: int | None = None) -> Sequence[str]:
    """Break *text* into lines of at most 80 columns, behind *first* and then behind *margin* blanks.

    Nothing in it can steer a terminal. Without *margin* the later lines begin where the first one does.
    """
    later = " " * (len(first) if margin is None else margin)
    lines = textwrap.wrap(
        plain(text), WIDTH, initial_indent=plain(first), subsequent_indent=later, break_on_hyphens=False
    )
    return lines or [plain(first).rstrip()]


def plain(text: str) -> str:
    """Return a text in one line of which every letter can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cut(text: str, width: int) -> str:
    """Return a text of at most *width* letters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def said(moment: datetime) -> str:
    """Return a moment as a person reads it, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
