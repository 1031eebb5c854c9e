"""JSON is read without losing a digit, and what parsers understand differently is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.structuring import dump_json, parse_json

REFUSED = {
    "empty": (b"", "not JSON"),
    "trailing comma": (b"[1,]", "not JSON"),
    "comment": (b"{} // all", "not JSON"),
    "two documents": (b"{}{}", "not JSON"),
    "NaN": (b"[NaN]", "NaN"),
    "Infinity": (b"[-Infinity]", "NaN"),
    "a name twice": (b'{"id": 1, "id": 2}', "twice"),
    "UTF-16": ('{"id": 1}'.encode("utf-16"), "not UTF-8"),
    "overlong UTF-8": (b'"\xc0\xaf"', "not UTF-8"),
    "65 levels": (b"[" * 65 + b"]" * 65, "deeper than 64"),
    "65 levels of objects": (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
    "long number": (b"1" * 5000, "too long"),
    "long fraction": (b"0." + b"1" * 5000, "too long"),
    "endless exponent": (b"[1e9999999999999999999]", "too large"),
}


@pytest.mark.parametrize(("data", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_doubtful_document_is_refused(data: bytes, told: str) -> None:
    """It is a ValueError that quotes nothing and carries no error that does."""
    with pytest.raises(ValueError, match=told) as caught:
        parse_json(data)

    assert type(caught.value) is ValueError
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("data", "document"),
    [
        (b'\xef\xbb\xbf{"id": 1}', {"id": 1}),
        (b"[" * 64 + b"7" + b"]" * 64, None),
        (b'{"__proto__": 1, "__class__": 2}', {"__proto__": 1, "__class__": 2}),
        ('{"name": "Zoë 🙂"}'.encode(), {"name": "Zoë 🙂"}),
        (b"null", None),
    ],
)
def test_unusual_document_is_read(data: bytes, document: object) -> None:
    """A byte order mark, the deepest level, odd names and any character are no mistake."""
    assert document is None or parse_json(data) == document


def test_numbers_keep_their_digits() -> None:
    """Fractions are decimals with every digit that was written, and whole numbers may be large."""
    found = parse_json(b"[336.3200, 1e-2, 9007199254740993, -0.0]")

    assert found == [Decimal("336.3200"), Decimal("0.01"), 9007199254740993, Decimal(0)]
    assert [type(one) for one in found] == [Decimal, Decimal, int, Decimal]
    assert str(found[0]) == "336.3200"


@pytest.mark.parametrize(
    "data",
    [
        b'{"total":336.3200,"lines":[{"n":1.10},{}],"none":[],"yes":true,"no":null}',
        b'{"id":1,"name":"\xc3\xa9"}',
        b'{"name":"\\ud800"}',
        b'["\\ud800",1.5]',
        b'{"\\"a\\"":"\\n\\u0000"}',
    ],
)
def test_document_is_written_as_it_came(data: bytes) -> None:
    """Reading and writing a compact document gives the same bytes, half characters included."""
    assert dump_json(parse_json(data)) == data


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_any_document_comes_back(document: object) -> None:
    """Whatever a document holds, it is the same after it was written and read."""
    assert parse_json(dump_json(document)) == document
