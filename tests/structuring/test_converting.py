"""Documents become records strictly: what is wrong is an error that names the place and quotes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import attrs
import pytest

from ordersync.structuring import MALFORMED, camel_case, explain, strict_converter

CONVERTER = strict_converter(names=camel_case)


class Colour(StrEnum):
    """An enumeration of texts."""

    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    """An enumeration of numbers."""

    SMALL = 1


class Mixed(str, Enum):  # noqa: UP042 - authors still write it
    """An enumeration in the older way."""

    ONE = "one"


@attrs.frozen
class Line:
    """A part of a document."""

    sku: str
    quantity: int
    unit_price: Decimal = Decimal(0)


@attrs.frozen
class Document:
    """A document with all that documents have."""

    placed_at: datetime
    lines: tuple[Line, ...]
    note: str | None = None
    extra: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class Node:
    """A document that holds its own kind."""

    children: list[Node]


ACCEPTED: list[tuple[Any, Any, Any]] = [
    (str, "", ""),
    (int, 2**53 + 1, 2**53 + 1),
    (int, -1, -1),
    (bool, True, True),
    (float, 2, 2.0),
    (float, Decimal("2.5"), 2.5),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, 7, Decimal(7)),
    (Decimal, Decimal("89.2143"), Decimal("89.2143")),
    (Decimal, "-0", Decimal("-0")),
    (datetime, "2026-01-05T09:00:00+14:00", datetime(2026, 1, 4, 19, tzinfo=UTC)),
    (datetime, "2026-01-05T09:00:00.123456789Z", datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)),
    (datetime, datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC)),
    (bytes, b"x", b"x"),
    (type(None), None, None),
    (str | None, None, None),
    (list[int], [1, 2], [1, 2]),
    (tuple[int, ...], [1, 2], (1, 2)),
    (Sequence[int], [1, 2], (1, 2)),
    (frozenset[str], ["a", "a"], frozenset({"a"})),
    (AbstractSet[str], ["a"], frozenset({"a"})),
    (set[str], ["a"], {"a"}),
    (list, [1, "a"], [1, "a"]),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (Mapping[str, Any], {"a": [1]}, {"a": [1]}),
    (dict, {"a": 1}, {"a": 1}),
    (Any, object, object),
    (Colour, "red", Colour.RED),
    (Size, 1, Size.SMALL),
    (Mixed, "one", Mixed.ONE),
    (Node, {"children": [{"children": []}]}, Node([Node([])])),
]

REFUSED: list[tuple[Any, Any, str]] = [
    (str, None, "$: expected text"),
    (str, 7, "$: expected text"),
    (str, b"x", "$: expected text"),
    (int, True, "$: expected a whole number"),
    (int, 2.9, "$: expected a whole number"),
    (int, 2.0, "$: expected a whole number"),
    (int, Decimal(2), "$: expected a whole number"),
    (int, "3", "$: expected a whole number"),
    (int, None, "$: expected a whole number"),
    (bool, 1, "$: expected true or false"),
    (bool, "false", "$: expected true or false"),
    (float, True, "$: expected a number"),
    (float, "2.5", "$: expected a number"),
    (float, float("nan"), "$: expected a finite number"),
    (float, 10**400, "$: expected a finite number"),
    (Decimal, 1.1, "$: expected an amount as text"),
    (Decimal, True, "$: expected an amount as text"),
    (Decimal, None, "$: expected an amount as text"),
    (Decimal, "1,10", "$: expected an amount such as 12.50"),
    (Decimal, "1_000", "$: expected an amount such as 12.50"),
    (Decimal, " 7 ", "$: expected an amount such as 12.50"),
    (Decimal, "NaN", "$: expected an amount such as 12.50"),
    (Decimal, "٣", "$: expected an amount such as 12.50"),
    (Decimal, Decimal("Infinity"), "$: expected an amount of at most 28 digits"),
    (Decimal, "1e400", "$: expected an amount of at most 28 digits"),
    (Decimal, "0.100000000000000005551115123126", "$: expected an amount of at most 28 digits"),
    (datetime, "2026-01-05T09:00:00", "$: expected a time with its zone"),
    (datetime, "2026-01-05", "$: expected a time with its zone"),
    (datetime, datetime(2026, 1, 5), "$: expected a time with its zone"),  # noqa: DTZ001 - the mistake
    (datetime, "2026-02-30T09:00:00Z", "$: expected a time as ISO 8601 text"),
    (datetime, "0001-01-01T00:00:00+14:00", "$: expected a time as ISO 8601 text"),
    (datetime, 1767603600, "$: expected a time as ISO 8601 text"),
    (bytes, "x", "$: expected bytes"),
    (type(None), 0, "$: expected null"),
    (str | None, 0, "$: expected text"),
    (list[str], "abc", "$: expected a list"),
    (list[int], {"0": 1}, "$: expected a list"),
    (list[int], None, "$: expected a list"),
    (list[int], [1, "x", None], "$[1]: expected a whole number; $[2]: expected a whole number"),
    (dict[str, int], [("a", 1)], "$: expected an object"),
    (dict[str, int], {1: 1}, "$: expected an object"),
    (dict[str, int], {"jane@example.test": "x"}, "$[...]: expected a whole number"),
    (Colour, "green", "$: expected one of red, blue"),
    (Colour, ["red"], "$: expected one of red, blue"),
    (Size, True, "$: expected one of 1"),
    (Mixed, "two", "$: expected one of one"),
    (Line, "abc", "$: expected an object"),
    (Line, [1, 2], "$: expected an object"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), ACCEPTED)
def test_right_value_is_kept(kind: Any, value: Any, expected: Any) -> None:  # noqa: ANN401 - any kind
    """What is right comes out as it is, in the type that was asked for."""
    found = CONVERTER.structure(value, kind)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("kind", "value", "told"), REFUSED)
def test_wrong_value_is_refused(kind: Any, value: Any, told: str) -> None:  # noqa: ANN401 - any kind
    """What is wrong is not coerced, and the error says what was expected where."""
    with pytest.raises(MALFORMED) as caught:
        CONVERTER.structure(value, kind)

    assert explain(caught.value) == told


def test_all_that_is_wrong_is_told_by_the_documents_own_names() -> None:
    """One reading of a document finds every mistake, and names fields as the document does."""
    document = {
        "lines": [{"sku": "MUG", "quantity": "CANARY", "unitPrice": 1.5}, {"sku": None}, "CANARY"],
        "note": 7,
        "extra": {"CANARY": "CANARY"},
        "unknown": "CANARY",
    }
    with pytest.raises(MALFORMED) as caught:
        CONVERTER.structure(document, Document)

    assert explain(caught.value).split("; ") == [
        "$.placedAt: is missing",
        "$.lines[0].quantity: expected a whole number",
        "$.lines[0].unitPrice: expected an amount as text",
        "$.lines[1].sku: expected text",
        "$.lines[1].quantity: is missing",
        "$.lines[2]: expected an object",
        "$.note: expected text",
        "$.extra[...]: expected a whole number",
    ]


def test_right_document_is_read() -> None:
    """Fields are found under the document's names, unknown ones are passed over, defaults fill the rest."""
    line = {"sku": "MUG", "quantity": 2, "unitPrice": "1.50", "colour": "red"}
    document = {"placedAt": "2026-01-05T09:00:00Z", "lines": [line], "more": {}}

    found = CONVERTER.structure(document, Document)
    placed_at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert found == Document(placed_at=placed_at, lines=(Line("MUG", 2, Decimal("1.50")),))


def test_unknown_field_is_refused_where_that_is_asked_for() -> None:
    """A converter for one's own documents names a field that does not exist."""
    strict = strict_converter(forbid_extra_keys=True)
    with pytest.raises(MALFORMED) as caught:
        strict.structure({"sku": "MUG", "quantity": 1, "colour": "red"}, Line)

    assert explain(caught.value) == "$: unknown: colour"


def test_row_of_different_things_is_the_authors_mistake() -> None:
    """A tuple of different kinds is no list of a document, and the text says so at once."""
    with pytest.raises(TypeError, match="write a class"):
        CONVERTER.structure([1, "a"], tuple[int, str])


def test_hook_of_the_author_wins() -> None:
    """A channel that writes times in its own way says how, for itself alone."""
    own = strict_converter()
    own.register_structure_hook(datetime, lambda value, _: datetime.fromtimestamp(value, UTC))

    assert own.structure(1767603600, datetime) == datetime(2026, 1, 5, 9, tzinfo=UTC)
    with pytest.raises(MALFORMED):
        CONVERTER.structure(1767603600, datetime)


@pytest.mark.parametrize(
    ("name", "written"), [("sku", "sku"), ("placed_at", "placedAt"), ("street_line1", "streetLine1")]
)
def test_names_in_camel_case(name: str, written: str) -> None:
    """The names that most APIs use are made from ours."""
    assert camel_case(name) == written
