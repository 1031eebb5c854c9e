"""Fields of records: what each holds is checked once, when the record is made.

A wrong value raises ``FieldError``, a ``ValueError`` whose text names the record and the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

MAX_QUANTITY = 1_000_000
"""More pieces of one thing than this in one order are taken for a mistake."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)
"""Moments outside are what shops write for "never", and leave no room to reckon from them."""

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


class FieldError(ValueError):
    """A field of a record cannot hold what it was given.

    ``expected`` names the field and what it takes. It quotes no value, unlike the whole text, which is for the
    person who wrote the value down: what came from a channel may be personal wherever it stands.
    """

    def __init__(self, field: str, expected: str, got: str = "") -> None:
        super().__init__(f"{field}: {expected}{got}")
        self.expected = f"{field}: {expected}"


def complain(instance: object, attribute: attrs.Attribute[Any], expected: str, got: str = "") -> FieldError:
    """Build the error for one field of *instance*; only *got* may quote the value."""
    return FieldError(f"{type(instance).__name__}.{attribute.name}", expected, got)


def is_text(*, longest: int = 255, empty: bool = False, secret: bool = False) -> Check:
    """Accept text that any database and log can hold; *secret* text is never quoted."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, str):
            raise complain(instance, attribute, f"expected text, got {type(value).__name__}")
        if not empty and not value.strip():
            raise complain(instance, attribute, "is empty")
        if len(value) > longest:
            raise complain(instance, attribute, f"is longer than {longest} characters")
        shown = "" if secret else f" in {value[:40]!a}"
        if "\x00" in value:
            raise complain(instance, attribute, "holds a NUL character", shown)
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise complain(instance, attribute, "holds half a character (a lone surrogate)", shown)

    return check


def is_count(*, least: int = 0, most: int = MAX_QUANTITY) -> Check:
    """Accept a whole number; True and 2.0 are none."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if type(value) is not int:
            raise complain(instance, attribute, f"expected a whole number, got {type(value).__name__}")
        if not least <= value <= most:
            raise complain(instance, attribute, f"expected {least} to {most}", f", got {value}")

    return check


def is_moment(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept an aware datetime in UTC, of the years 1900 to 2999."""
    if not isinstance(value, datetime):
        raise complain(instance, attribute, f"expected a datetime, got {type(value).__name__}")
    if value.tzinfo is None:
        raise complain(instance, attribute, "has no time zone; marketplaces differ, so convert it to UTC")
    if value.utcoffset() != timedelta(0):
        raise complain(instance, attribute, f"is not in UTC ({value.tzinfo}); use .astimezone(UTC)")
    if not EARLIEST <= value < LATEST:
        raise complain(instance, attribute, "is not of the years 1900 to 2999", f", got {value}")


def is_amount(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept a finite Decimal."""
    if not isinstance(value, Decimal):
        raise complain(instance, attribute, f"is a {type(value).__name__}; give a Decimal made from text")
    if not value.is_finite():
        raise complain(instance, attribute, "is not a finite number")


def is_a(kind: type | tuple[type, ...]) -> Check:
    """Accept instances of *kind*."""
    kinds = kind if isinstance(kind, tuple) else (kind,)

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kinds):
            names = " or ".join(one.__name__ for one in kinds)
            raise complain(instance, attribute, f"expected {names}, got {type(value).__name__}")

    return check


def each(check: Check) -> Check:
    """Accept a tuple or set in which *check* accepts each item."""

    def check_all(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, tuple | frozenset):
            raise complain(instance, attribute, f"expected a list, got {type(value).__name__}")
        for item in value:
            check(instance, attribute, item)

    return check_all


def is_mapping(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept a mapping."""
    if not isinstance(value, Mapping):
        raise complain(instance, attribute, f"expected a mapping, got {type(value).__name__}")


def is_quantities(*, most: int = MAX_QUANTITY) -> Check:
    """Accept a mapping whose values are whole numbers from 1 to *most*."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Mapping[Any, Any]) -> None:
        is_mapping(instance, attribute, value)
        for name, quantity in value.items():
            if type(quantity) is not int or not 1 <= quantity <= most:
                expected = f"expected whole numbers from 1 to {most}"
                raise complain(instance, attribute, expected, f", but {name!r} has {quantity!r}")

    return check


def optional(check: Check) -> Any:  # noqa: ANN401 - attrs' own validator type is Any
    """Accept None, or what *check* accepts."""
    return attrs.validators.optional(check)


def frozen_mapping(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Copy a mapping into one that cannot be changed; anything else is left for the field's check to refuse."""
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


def maybe_frozen_mapping(value: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """Copy a mapping into one that cannot be changed, if there is one."""
    return None if value is None else frozen_mapping(value)


def as_tuple(value: Iterable[Any]) -> tuple[Any, ...]:
    """Copy an iterable into a tuple; what is no list, text included, is left for the field's check to refuse."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return value  # type: ignore[return-value]
    return tuple(value)


def text(**options: Any) -> Any:  # noqa: ANN401 - attrs.field is typed as Any
    """Declare a text; *default* makes it optional."""
    default = options.pop("default", attrs.NOTHING)
    return attrs.field(default=default, validator=is_text(**options))


def maybe_text(*, secret: bool = False, longest: int = 1024) -> Any:  # noqa: ANN401
    """Declare a text that may be None."""
    check = is_text(longest=longest, empty=True, secret=secret)
    return attrs.field(default=None, validator=optional(check), repr=not secret)


def count(**options: int) -> Any:  # noqa: ANN401
    """Declare a whole number; *default* makes it optional."""
    default = options.pop("default", attrs.NOTHING)
    return attrs.field(default=default, validator=is_count(**options))


def moment() -> Any:  # noqa: ANN401
    """Declare a required aware UTC datetime."""
    return attrs.field(validator=is_moment)


def maybe_moment() -> Any:  # noqa: ANN401
    """Declare an aware UTC datetime that may be None."""
    return attrs.field(default=None, validator=optional(is_moment))


def quantities(**options: Any) -> Any:  # noqa: ANN401
    """Declare a mapping from names to whole numbers from 1."""
    return attrs.field(converter=frozen_mapping, validator=is_quantities(), **options)
