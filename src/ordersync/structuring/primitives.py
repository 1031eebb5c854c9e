"""The strict hooks for primitives: each takes what is right and coerces nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

MOST_DIGITS = 28
"""An amount with more digits than this is no money but the noise of a binary fraction."""

_AMOUNT = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


class UnexpectedValueError(ValueError):
    """A value is not what its place asks for; the text says what that is and never quotes the value."""


def text(value: object, kind: type[str]) -> str:
    """Accept text; *kind* may be an enumeration of texts."""
    if kind is not str:
        member: str = one_of(value, kind)
        return member
    if not isinstance(value, str):
        raise UnexpectedValueError("expected text")
    return value


def whole_number(value: object, kind: type[int]) -> int:
    """Accept a whole number; True, 2.0 and '2' are none."""
    if kind is not int:
        member: int = one_of(value, kind)
        return member
    if type(value) is not int:
        raise UnexpectedValueError("expected a whole number")
    return value


def truth(value: object, _kind: type[bool]) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise UnexpectedValueError("expected true or false")
    return value


def number(value: object, _kind: type[float]) -> float:
    """Accept a finite number, for what is no money."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise UnexpectedValueError("expected a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise UnexpectedValueError("expected a finite number")
    return found


def amount(value: object, _kind: type[Decimal]) -> Decimal:
    """Accept an amount from text or a whole number, never from a binary fraction."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise UnexpectedValueError("expected an amount as text")
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise UnexpectedValueError("expected an amount such as 12.50")
    found = Decimal(value)
    if not found.is_finite() or max(len(found.as_tuple().digits), abs(found.adjusted())) > MOST_DIGITS:
        raise UnexpectedValueError(f"expected an amount of at most {MOST_DIGITS} digits")
    return found


def moment(value: object, _kind: type[datetime]) -> datetime:
    """Accept ISO 8601 text with a zone, or an aware datetime; return it in UTC."""
    if not isinstance(value, str | datetime):
        raise UnexpectedValueError("expected a time as ISO 8601 text")
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnexpectedValueError("expected a time as ISO 8601 text") from None
    raise UnexpectedValueError("expected a time with its zone")


def octets(value: object, _kind: type[bytes]) -> bytes:
    """Accept bytes."""
    if not isinstance(value, bytes):
        raise UnexpectedValueError("expected bytes")
    return value


def nothing(value: object, _kind: type[None]) -> None:
    """Accept null."""
    if value is not None:
        raise UnexpectedValueError("expected null")


def one_of(value: object, kind: type[Any]) -> Any:  # noqa: ANN401 - a member of whichever enumeration it is
    """Accept a word of an enumeration."""
    for member in kind:
        if member.value == value and type(member.value) is type(value):
            return member
    raise UnexpectedValueError(f"expected one of {', '.join(str(member.value) for member in kind)}")


HOOKS: Mapping[type, Callable[[Any, Any], object]] = {
    str: text,
    int: whole_number,
    bool: truth,
    float: number,
    Decimal: amount,
    datetime: moment,
    bytes: octets,
    type(None): nothing,
    Enum: one_of,
    StrEnum: one_of,
    IntEnum: one_of,
}
