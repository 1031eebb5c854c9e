"""JSON as it comes over the wire, parsed without losing a digit or hiding a defect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NoReturn

DEEPEST = 64
"""Documents nested deeper than this are an attack or a mistake."""

LONGEST_NUMBER = 100
"""The most characters of one number."""


def parse_json(data: bytes) -> object:
    """Parse UTF-8 JSON; fractions become ``Decimal`` with the digits they came with.

    A byte order mark is passed over. Everything that parsers understand differently is refused with a
    ``ValueError`` that quotes nothing: NaN and Infinity, a name given twice in one object, other encodings,
    more than 64 levels, numbers of more than 100 characters or too large for a ``Decimal``.
    """
    try:
        document = json.loads(
            data.decode("utf-8-sig"),
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        defect = "is not UTF-8"
    except json.JSONDecodeError as error:
        defect = f"is not JSON (at character {error.pos})"
    except RecursionError:
        defect = f"is nested deeper than {DEEPEST} levels"
    else:
        _refuse_depth(document)
        return document
    raise ValueError(defect)  # out here, or the error would carry the decoder's along, and with it the document


def dump_json(document: object) -> bytes:
    """Write a document that ``parse_json`` read as JSON again, with every digit it came with."""
    try:
        text = _text(document)
    except TypeError:
        text = "".join(_spelled(document))
    return text.encode("utf-8", "backslashreplace")  # half a character becomes the escape that JSON has for it


def _text(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _spelled(document: object) -> Iterator[str]:
    """Write what the standard encoder cannot: ``Decimal`` as the number that it is."""
    if isinstance(document, Decimal):
        yield str(document)
    elif isinstance(document, dict):
        for number, (name, value) in enumerate(document.items()):
            yield "," if number else "{"
            yield f"{_text(name)}:"
            yield from _spelled(value)
        yield "}" if document else "{}"
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield "," if number else "["
            yield from _spelled(value)
        yield "]" if document else "[]"
    else:
        yield _text(document)


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("holds a number that is too long")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("holds a number that is too long")
    try:
        return Decimal(digits)
    except ArithmeticError:
        defect = "holds a number that is too large"
    raise ValueError(defect)


def _no_number(_word: str) -> NoReturn:
    raise ValueError("holds NaN or Infinity, which are no JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("holds an object with the same name twice")
    return found


def _refuse_depth(document: object) -> None:
    level = [document]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    if any(isinstance(deepest, dict | list) for deepest in level):
        raise ValueError(f"is nested deeper than {DEEPEST} levels")


def _inside(document: object) -> Iterable[object]:
    if isinstance(document, dict):
        return document.values()
    return document if isinstance(document, list) else ()
