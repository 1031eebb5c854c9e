"""What is wrong with a document, told by path and expectation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb

from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from ..model.fields import FieldError
from .primitives import UnexpectedValueError

MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, BaseValidationError)
"""What reading a malformed document may raise."""


def explain(error: BaseException) -> str:
    """Say where a document is wrong and what was expected there, and quote no value: it may be personal.

    For example ``$.lines[0].quantity: expected a whole number``. An error that names no place in the
    document is told by the function that raised it.
    """
    return "; ".join(f"{path}: {_told(problem)}" for path, problem in problems(error))


def problems(error: BaseException, path: str = "$") -> Sequence[tuple[str, BaseException]]:
    """List the single errors in what cattrs gathered, each with its path."""
    if not isinstance(error, BaseValidationError):
        return [(path, error)]
    return [found for inner in error.exceptions for found in problems(inner, path + _step(inner))]


def _step(error: BaseException) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, IterableValidationNote):
            return f"[{note.index}]"
    return ""


def _told(error: BaseException) -> str:
    if isinstance(error, UnexpectedValueError):
        return str(error)
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown: {', '.join(sorted(error.extra_fields))}"
    if isinstance(error, FieldError):
        return error.expected
    return f"{type(error).__name__}{_raised_in(error)}"


def _raised_in(error: BaseException) -> str:
    """Return the place in the code, for the author of a reading function."""
    places = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    if not places:
        return ""
    code, line = places[-1]
    return f" in {code.co_name}() ({Path(code.co_filename).name}:{line})"
