"""CSV text as rows of named cells, and what is wrong with it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import attrs

from ..model.fields import FieldError, frozen_mapping

DELIMITERS = ",;\t"

MOST_SHOWN = 20
"""So many rows of one kind does a table show; the rest are counted."""

T = TypeVar("T")

Records = Sequence[tuple[int, Sequence[str]]]
"""The line on which each record begins, and its cells."""


@attrs.frozen(kw_only=True)
class BadRow:
    """What is wrong on one line, in words. ``column`` is empty where it is the line as a whole."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        """Return line, column and problem."""
        where = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.problem}"


@attrs.frozen(kw_only=True)
class Row:
    """The cells of one line, by column; those that the file does not have are blank.

    ``problems``: what is wrong with the line before anything is made of it.
    """

    line: int
    cells: Mapping[str, str] = attrs.field(converter=frozen_mapping)
    problems: tuple[BadRow, ...] = ()

    def __getitem__(self, column: str) -> str:
        """Return one cell."""
        return self.cells.get(column, "")

    def bad(self, column: str, problem: str) -> BadRow:
        """Return that something is wrong with one cell of this line."""
        return BadRow(line=self.line, column=column, problem=problem)

    def make(self, problems: list[BadRow], maker: Callable[[], T]) -> T | None:
        """Return what *maker* makes of the cells; None, and one problem more, when they cannot hold it.

        The fields that it fills have the names of the columns.
        """
        try:
            return maker()
        except FieldError as error:
            field, _, problem = str(error).partition(": ")
            problems.append(self.bad(field.rpartition(".")[2], problem))
            return None

    def whole(self, column: str, *, default: str = "") -> int:
        """Return a cell as a whole number; ``FieldError`` when it is none."""
        cell = self[column] or default
        if not cell:
            raise FieldError(column, "is empty")
        if not re.fullmatch("-?[0-9]{1,18}", cell):
            raise FieldError(column, "expected a whole number", f", got {cell[:40]!a}")
        return int(cell)


def read_rows(
    text: str, *, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[Sequence[Row], list[BadRow]]:
    """Return the rows of CSV text, and what is wrong with the text as a whole: then there are no rows."""
    known = (*required, *optional)
    content = text.removeprefix("\ufeff")
    records, broken = _records(content, _delimiter(content, known))
    if broken is not None:
        return [], [BadRow(line=broken, column="", problem="its quotes do not match; nothing of the file is read")]
    if not records:
        return [], [BadRow(line=1, column="", problem=f"the file is empty; its columns are {', '.join(known)}")]
    (line, header), *others = records
    names = [cell.strip().casefold() for cell in header]
    wrong = _wrong_columns(line, names, required, known)
    return ([] if wrong else [_row(at, names, cells) for at, cells in others]), wrong


def by_line(bad: Iterable[BadRow]) -> tuple[BadRow, ...]:
    """Return problems in the order of the file."""
    return tuple(sorted(bad, key=lambda one: one.line))


def table(title: str, rows: Sequence[Sequence[str]], bad: Sequence[BadRow]) -> str:
    """Return good rows in columns, and the bad ones behind them; of many, the first."""
    widths = [max(map(len, column)) for column in zip(*rows[:MOST_SHOWN], strict=True)]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows[:MOST_SHOWN]
    ]
    lines = [f"{title}: {len(rows)}", *_indented(shown, len(rows))]
    if bad:
        lines += [f"left out: {len(bad)}", *_indented([str(one) for one in bad[:MOST_SHOWN]], len(bad))]
    return "\n".join(lines)


def _indented(lines: Sequence[str], of: int) -> list[str]:
    rest = [f"  and {of - len(lines)} more"] if of > len(lines) else []
    return [f"  {line}" for line in lines] + rest


def _delimiter(text: str, known: Sequence[str]) -> str:
    """Return what separates most column names in the first line that is not blank."""
    head = next((line for line in text.splitlines() if line.strip()), "")

    def names_found(delimiter: str) -> int:
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return sum(cell.strip().casefold() in known for cell in cells)

    return max(DELIMITERS, key=names_found)


def _records(text: str, delimiter: str) -> tuple[Records, int | None]:
    """Return all records that are not blank; the line of one that cannot be read ends them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, Sequence[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:
        return records, line
    return records, None


def _wrong_columns(line: int, names: Sequence[str], required: Sequence[str], known: Sequence[str]) -> list[BadRow]:
    """Return what is wrong with the header. An unknown column may be a known one misspelt, so it is not passed over."""
    columns = f"the columns are {', '.join(known)}"
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    missing = [name for name in required if name not in names]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1 and name in known]
    problems = [
        *((name, f"unknown column; rename it or take it out, {columns}") for name in unknown),
        *((name, f"missing column; {columns}") for name in missing),
        *((name, "stands there twice") for name in twice),
    ]
    return [BadRow(line=line, column=name, problem=problem) for name, problem in problems]


def _row(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    stripped = [cell.strip() for cell in cells]
    row = Row(line=line, cells=dict(zip(names, stripped, strict=False)))
    if not any(stripped[len(names) :]):
        return row
    problem = f"has {len(cells)} cells for {len(names)} columns; put a cell in quotes that holds a separator"
    return attrs.evolve(row, problems=(row.bad("", problem),))
