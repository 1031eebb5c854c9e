"""Step lines over time as an SVG that a person can look at. Pure, and written by hand: no library is asked.

It stands alone: colours are attributes, so that it is readable where styles are forbidden; the one style in it
only follows a reader who prefers dark pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from unicodedata import east_asian_width

import attrs

from ..columns import plain
from .scales import said, time_room, time_ticks, value_room, value_ticks

SMALLEST, LARGEST = (320, 200), (8000, 8000)
"""Width and height in pixels."""

SIZE, TITLE_SIZE = 12, 15
ROW = 20
RIM = 12
MOST_NAMED = 12
"""More lines than this are counted in the legend, not named."""

COLOURS = ("#0b62a4", "#b5450b", "#1b7f4d", "#8a3fa0", "#7d6300", "#c2185b")
DARK_COLOURS = ("#6cb4ee", "#f4975f", "#5fc98f", "#cf9be0", "#d8bb3f", "#f48fb1")
DASHES = ("", "7 3", "2 3", "9 3 2 3")

PAPER, INK, FAINT, GRID = "#ffffff", "#1d2127", "#5a626d", "#e3e6ea"
DARK = {"paper": "#16181c", "ink": "#e8eaed", "faint": "#a8adb5", "grid": "#30343b"}


@attrs.frozen(kw_only=True)
class Point:
    """One step: when (in seconds since 1970), from what to what, and what a person reads who points at it."""

    x: float
    before: int
    after: int
    label: str


@attrs.frozen(kw_only=True)
class Line:
    """The steps of one line, in their order; ``x`` never falls."""

    name: str
    points: tuple[Point, ...]


@attrs.frozen(kw_only=True)
class Picture:
    """What is drawn: lines under a title. ``told`` is read out in its place; ``dated``: whether x are times at all."""

    title: str
    told: str
    unit: str
    lines: tuple[Line, ...]
    dated: bool = True


@attrs.frozen(kw_only=True)
class _Frame:
    """Where values and times lie on the picture, in pixels from its upper left."""

    left: float
    right: float
    top: float
    bottom: float
    since: float
    until: float
    least: int
    most: int

    def x(self, moment: float) -> float:
        return self.left + (moment - self.since) / (self.until - self.since) * (self.right - self.left)

    def y(self, value: int) -> float:
        return self.bottom - (value - self.least) / (self.most - self.least) * (self.bottom - self.top)


def draw(picture: Picture, *, width: int = 860, height: int = 360) -> str:
    """Draw *picture* as an SVG of this many pixels; ``ValueError`` when it would be too small to read, or huge."""
    for name, pixels, least, most in (
        ("width", width, SMALLEST[0], LARGEST[0]),
        ("height", height, SMALLEST[1], LARGEST[1]),
    ):
        if not least <= pixels <= most:
            raise ValueError(f"{name}: expected {least} to {most} pixels, got {pixels}")
    drawn = list(_drawn(picture, width, height)) if picture.lines else [_nothing(width, height)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ordersync-plot" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{_safe(picture.told)}" '
        f'font-family="system-ui, sans-serif" font-size="{SIZE}">'
    )
    paper = f'<rect class="paper" width="{width}" height="{height}" fill="{PAPER}"/>'
    title = _text(_fit(picture.title, width - 2 * RIM - 90, TITLE_SIZE), x=RIM, y=24, size=TITLE_SIZE)
    return "\n".join([head, _style(), paper, title, *drawn, "</svg>", ""])


def _drawn(picture: Picture, width: int, height: int) -> Iterator[str]:
    legend = list(_legend(picture.lines, width, height))
    frame = _frame(picture.lines, width, height, top=80 + legend[-1][1] * ROW)
    yield from (part for part, _ in legend)
    yield _text(picture.unit, x=RIM, y=frame.top - 12, tone="faint")
    yield from _values(frame)
    yield from _times(frame, picture.lines) if picture.dated else _without_times(frame)
    for number, line in enumerate(picture.lines):
        yield from _line(frame, line, number)


def _frame(lines: Sequence[Line], width: int, height: int, *, top: float) -> _Frame:
    moments = [point.x for line in lines for point in line.points]
    since, until = time_room(min(moments), max(moments))
    bottom = height - 46
    shown = [0, *(value for line in lines for point in line.points for value in (point.before, point.after))]
    least, most = value_room(min(shown), max(shown), ticks=_rows(top, bottom))
    left = 2 * RIM + max(_wide(str(least), SIZE), _wide(str(most), SIZE))
    return _Frame(
        left=left, right=width - RIM, top=top, bottom=bottom, since=since, until=until, least=least, most=most
    )


def _rows(top: float, bottom: float) -> int:
    return max(2, int((bottom - top) // 38))


def _values(frame: _Frame) -> Iterator[str]:
    """Draw a line for each round value; zero stands out, for what lies below it is missing."""
    for value in value_ticks(frame.least, frame.most, ticks=_rows(frame.top, frame.bottom)):
        y = frame.y(value)
        tone, colour = ("zero", FAINT) if value == 0 else ("grid", GRID)
        yield _rule((frame.left, y), (frame.right, y), tone=tone, colour=colour)
        yield _text(str(value), x=frame.left - 8, y=y + 4, tone="faint", anchor="end")


def _times(frame: _Frame, lines: Sequence[Line]) -> Iterator[str]:
    room = int((frame.right - frame.left) // 92)
    for moment, label in time_ticks(frame.since, frame.until, ticks=max(3, room)):
        x = frame.x(moment)
        yield _rule((x, frame.bottom), (x, frame.bottom + 5), tone="zero", colour=FAINT)
        half = _wide(label, SIZE) / 2
        at = min(max(x, RIM + half), frame.right - half)
        yield _text(label, x=at, y=frame.bottom + 19, tone="faint", anchor="middle")
    moments = [point.x for line in lines for point in line.points]
    span = " to ".join(dict.fromkeys((said(min(moments)), said(max(moments))))) + " UTC"
    yield _text(span, x=frame.right, y=frame.bottom + 37, tone="faint", anchor="end")


def _without_times(frame: _Frame) -> Iterator[str]:
    yield _text(
        "in the order of writing; no times are kept", x=frame.right, y=frame.bottom + 19, tone="faint", anchor="end"
    )


def _line(frame: _Frame, line: Line, number: int) -> Iterator[str]:
    first = line.points[0]
    start = frame.left if first.before else frame.x(first.x)
    steps = "".join(f"H{_n(frame.x(point.x))}V{_n(frame.y(point.after))}" for point in line.points)
    colour, dash = _look(number)
    yield (
        f'<path class="line{number % len(COLOURS)}" d="M{_n(start)} {_n(frame.y(first.before))}{steps}'
        f'H{_n(frame.right)}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"{dash}/>'
    )
    size = 3.5 if len(line.points) * 12 < frame.right - frame.left else 2
    for point in line.points:
        yield (
            f'<circle class="dot{number % len(COLOURS)}" cx="{_n(frame.x(point.x))}" cy="{_n(frame.y(point.after))}" '
            f'r="{size}" fill="{colour}"><title>{_safe(point.label)}</title></circle>'
        )


def _legend(lines: Sequence[Line], width: int, height: int) -> Iterator[tuple[str, int]]:
    """Name the lines in columns, from left to right; each part comes with its row."""
    names = [_fit(f"{line.name}: {line.points[-1].after}", width / 2 - 70, SIZE) for line in lines[:MOST_NAMED]]
    column = 30 + max(_wide(name, SIZE) for name in names) + 18
    columns = max(1, int((width - 2 * RIM) // column))
    named = min(len(names), columns * max(1, (height - 150) // (2 * ROW)))
    for number, name in enumerate(names[:named]):
        row = number // columns
        x, y = RIM + number % columns * column, 46 + row * ROW
        colour, dash = _look(number)
        tone = f"line{number % len(COLOURS)}"
        yield _rule((x, y - 4), (x + 24, y - 4), tone=tone, colour=colour, more=f' stroke-width="2"{dash}'), row
        yield _text(name, x=x + 30, y=y), row
    if len(lines) > named:
        more = f"and {len(lines) - named} more"
        yield _text(more, x=width - RIM, y=24, tone="faint", anchor="end"), (named - 1) // columns


def _nothing(width: int, height: int) -> str:
    return _text("no movement is known", x=width / 2, y=height / 2, tone="faint", anchor="middle")


def _look(number: int) -> tuple[str, str]:
    """Return colour and dashes of a line: colours first, so that few lines are solid ones."""
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return COLOURS[number % len(COLOURS)], f' stroke-dasharray="{dash}"' if dash else ""


def _style() -> str:
    rules = [f".ordersync-plot .paper{{fill:{DARK['paper']}}}"]
    rules += [f".ordersync-plot .{tone}{{fill:{DARK[tone]}}}" for tone in ("ink", "faint")]
    rules += [f".ordersync-plot .grid{{stroke:{DARK['grid']}}}", f".ordersync-plot .zero{{stroke:{DARK['faint']}}}"]
    for number, colour in enumerate(DARK_COLOURS):
        rules.append(f".ordersync-plot .line{number}{{stroke:{colour}}}.ordersync-plot .dot{number}{{fill:{colour}}}")
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def _text(text: str, *, x: float, y: float, size: int = SIZE, tone: str = "ink", anchor: str = "start") -> str:
    colour = INK if tone == "ink" else FAINT
    return (
        f'<text class="{tone}" x="{_n(x)}" y="{_n(y)}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{_safe(text)}</text>'
    )


def _rule(start: tuple[float, float], end: tuple[float, float], *, tone: str, colour: str, more: str = "") -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{tone}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{colour}"{more}/>'


def _fit(text: str, width: float, size: int) -> str:
    """Cut a text that would be wider than *width* pixels."""
    if _wide(text, size) <= width:
        return text
    while text and _wide(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _wide(text: str, size: int) -> float:
    """Guess how many pixels a text takes; no font is at hand to measure it with."""
    return sum(1.05 if east_asian_width(letter) in "WF" else 0.6 for letter in text) * size


def _safe(text: str) -> str:
    """Return a text that XML can hold and that stays a text there."""
    return escape(plain(text))


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
