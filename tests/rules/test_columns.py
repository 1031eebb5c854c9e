"""Text in columns: what is cut, and how moments are said."""

from __future__ import annotations

import pytest

from ordersync.columns import cut, plain, said, wrapped
from ordersync.testing.builders import NOON


@pytest.mark.parametrize(("text", "expected"), [("", ""), ("mug", "mug"), ("mugs", "mugs"), ("cups.", "cup…")])
def test_text_that_is_too_wide_is_cut(text: str, expected: str) -> None:
    """A text of as many letters as there is room for stays; of a longer one the last letter tells that it goes on."""
    assert cut(text, 4) == expected


def test_moment_is_said_to_the_second() -> None:
    """A moment is said in UTC, and says so."""
    assert said(NOON.replace(microsecond=5)) == f"{NOON:%Y-%m-%d} 12:00:00Z"


def test_nothing_steers_a_terminal() -> None:
    """What cannot be printed is a blank."""
    assert plain("a\x1b[1m\nb") == "a [1m b"


def test_later_lines_stand_below_the_first() -> None:
    """Lines of at most 80 letters begin where the text of the first did, or at the margin."""
    text = "word " * 20

    assert wrapped(text, first="- ")[1].startswith("  word")
    assert wrapped(text, first="- ", margin=6)[1].startswith("      word")
    assert max(map(len, wrapped(text, first="- "))) <= 80
    assert wrapped("", first="- ") == ["-"]
