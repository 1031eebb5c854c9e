"""How stock came about: rows that are true, a table that is harmless, a picture on which everything has its place."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import cast
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import ChannelId, OrderKey
from ordersync.doctor.stock_history import StockHistory, StockRow, order_of, stock_history
from ordersync.errors import ConfigurationError
from ordersync.ports import OwnStockLedger
from runner import conftest as fixtures
from runner.world import SHOP, World
from storage.foreign_ledger import DictLedger

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)

SVG = "{http://www.w3.org/2000/svg}"
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def row(
    quantity: int, after: int, at: datetime | None = NOON, location: str = "main", name: str = "count/1"
) -> StockRow:
    """Write down one movement."""
    return StockRow(
        at=at, location=location, quantity=quantity, on_hand_after=after, movement_id=name, order=order_of(name)
    )


def history(*rows: StockRow, sku: str = "MUG") -> StockHistory:
    """Put movements together."""
    return StockHistory(sku=sku, location=None, rows=rows)


def dots(picture: ET.Element) -> Sequence[tuple[float, float]]:
    """Return where the movements lie, in the order in which they are drawn."""
    return [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in picture.iter(f"{SVG}circle")]


def texts(picture: ET.Element) -> list[str]:
    """Return what stands on a picture."""
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def parsed(svg: str) -> ET.Element:
    """Read a picture as any reader of XML would."""
    return ET.fromstring(svg)  # noqa: S314 - our own picture


def places(picture: ET.Element) -> list[tuple[float, float]]:
    """Return every point that anything on a picture is drawn at."""
    found = dots(picture)
    found = [*found, *((float(text.attrib["x"]), float(text.attrib["y"])) for text in picture.iter(f"{SVG}text"))]
    for rule in picture.iter(f"{SVG}line"):
        found += [(float(rule.attrib[f"x{end}"]), float(rule.attrib[f"y{end}"])) for end in (1, 2)]
    for path in picture.iter(f"{SVG}path"):
        x, y = 0.0, 0.0
        for step, numbers in re.findall(r"([MHV])([^MHV]+)", path.attrib["d"]):
            values = [float(number) for number in NUMBER.findall(numbers)]
            x, y = (values[0] if step != "V" else x), (values[-1] if step != "H" else y)
            found.append((x, y))
    return found


def text_at(picture: ET.Element, text: str) -> float:
    """Return how far down a text stands."""
    return next(float(one.attrib["y"]) for one in picture.iter(f"{SVG}text") if one.text == text)


async def test_rows_tell_stocktake_parcel_and_transfer(world: World) -> None:
    """Each movement has its place, its time, what was there after it, and the order whose parcel it was."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run_later()
    await world.process("1001")
    sent_at = world.clock.now()
    world.clock.advance(minutes=5)
    ledger = cast("OwnStockLedger", world.storage.stock)
    await ledger.transfer(
        "MUG", source="main", destination="van", quantity=2, movement_id="van/1", at=world.clock.now()
    )

    found = await stock_history(world.storage, "MUG")

    told = [(one.quantity, one.location, one.on_hand_after) for one in found.rows]
    assert sorted(told[2:]) == [(-2, "main", 5), (2, "van", 2)]
    assert told[:2] == [(10, "main", 10), (-3, "main", 7)]
    assert [one.at for one in found.rows] == [None, sent_at, world.clock.now(), world.clock.now()]
    key = OrderKey(SHOP, "1001")
    assert [one.order for one in found.rows] == [None, key, None, None]
    assert found.rows[1].movement_id == key.parcel_id("all")
    assert not found.cut
    assert len(dots(parsed(found.to_svg()))) == 4


async def test_one_location_and_the_latest_only(world: World) -> None:
    """One location is told alone; of more movements than asked for the latest are told, and that there are more."""
    await world.stock("MUG", 4, location="van")
    await world.stock("MUG", 9)
    await world.stock("MUG", 6)

    main = await stock_history(world.storage, "MUG", location="main", limit=2)
    van = await stock_history(world.storage, "MUG", location="van", limit=1)

    assert [(one.quantity, one.on_hand_after) for one in main.rows] == [(-1, 9), (-3, 6)]
    assert (main.cut, van.cut, [one.on_hand_after for one in van.rows]) == (True, False, [4])
    assert "the latest ones" in main.to_svg()
    assert "of MUG at van" in van.to_svg()


async def test_ledger_without_history_is_named(memory_world: World) -> None:
    """A ledger that keeps no history is named, with what it would need; no rows are made up."""
    storage = memory_world.storage.replace(stock=DictLedger())

    with pytest.raises(ConfigurationError, match="DictLedger keeps no history of stock"):
        await stock_history(storage, "MUG")


async def test_limit_below_one_is_refused(memory_world: World) -> None:
    """A history of no movements at all is not what anybody asks for."""
    with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
        await stock_history(memory_world.storage, "MUG", limit=0)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(str.strip)


@given(source=NAMES, subsource=NAMES, reference=NAMES, parcel=NAMES)
def test_every_parcel_finds_its_order(source: str, subsource: str, reference: str, parcel: str) -> None:
    """Whatever an order and its parcel are called, the movement's id leads back to the order."""
    key = OrderKey(ChannelId(source, subsource), reference)

    assert order_of(key.parcel_id(parcel)) == key


@pytest.mark.parametrize(
    "name",
    [
        "count/1",
        "a/b/c/dispatch/all",
        "a/b/c/parcel/all/2",
        "a//c/parcel/all",
        "a b/ü/c/parcel/all",
        f"{'x' * 90}/b/c/parcel/1",
    ],
)
def test_other_movements_belong_to_no_order(name: str) -> None:
    """An id that no parcel can have is not taken for one."""
    assert order_of(name) is None


def test_csv_has_every_row() -> None:
    """The table has a head and a line for each movement, with times in UTC, and empty cells for what is not known."""
    key = OrderKey(SHOP, "1001")
    found = history(row(10, 10, None), row(-3, 7, name=key.parcel_id("all")))

    assert found.to_csv().splitlines() == [
        "at,sku,location,quantity,on_hand_after,movement_id,order",
        ",MUG,main,10,10,count/1,",
        "2024-05-06T12:00:00+00:00,MUG,main,-3,7,Shop/north/1001/parcel/all,Shop/north/1001",
    ]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|x", "'+cmd|x"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("-12", "-12"),
        ("+1.5", "+1.5"),
        ("-.5", "'-.5"),
        ("-1.", "-1."),
        ('a",=1', 'a",=1'),
        ("a=1", "a=1"),
    ],
)
def test_no_cell_is_a_formula(name: str, cell: str) -> None:
    """What a spreadsheet may take for a formula is made a text, wherever a name can stand; numbers stay numbers."""
    found = history(row(1, 1, location=name, name=name), sku=name)

    [_, [_, sku, location, quantity, after, movement, order]] = csv.reader(StringIO(found.to_csv(), newline=""))

    assert [sku, location, movement] == [cell] * 3
    assert (quantity, after, order) == ("1", "1", "")


MOMENTS = st.one_of(
    st.none(),
    st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds it
    st.integers(0, 10**7).map(lambda seconds: NOON + timedelta(seconds=seconds)),
)
LOCATIONS = st.one_of(st.sampled_from(["main", "van", "]]><&\"'"]), st.text(max_size=40))
QUANTITIES = st.one_of(st.integers(-20, 20), st.integers(-(10**9), 10**9))


@st.composite
def histories(draw: st.DrawFn) -> StockHistory:
    """Let any goods go anywhere at any time, also backwards."""
    levels: dict[str, int] = {}
    rows = []
    for location, quantity, at in draw(st.lists(st.tuples(LOCATIONS, QUANTITIES, MOMENTS), max_size=30)):
        levels[location] = levels.get(location, draw(st.sampled_from([0, 0, 7]))) + quantity
        rows.append(row(quantity, levels[location], at, location, draw(LOCATIONS)))
    return StockHistory(sku=draw(LOCATIONS), location=None, rows=tuple(rows))


@given(found=histories(), width=st.integers(320, 1200), height=st.integers(200, 700))
def test_everything_lies_on_the_picture(found: StockHistory, width: int, height: int) -> None:
    """Whatever moved, the picture is XML, says in words what it shows, and everything on it lies inside it."""
    picture = parsed(found.to_svg(width=width, height=height))

    assert (picture.attrib["role"], picture.attrib["viewBox"]) == ("img", f"0 0 {width} {height}")
    assert picture.attrib["aria-label"].startswith("On hand of ")
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places(picture))
    titles = [dot.findtext(f"{SVG}title") or "" for dot in picture.iter(f"{SVG}circle")]
    assert len(titles) == len(found.rows)
    assert all(" there after it (" in title for title in titles)


@given(found=histories())
def test_line_ends_at_what_is_there(found: StockHistory) -> None:
    """Each location's line ends at its last movement's height, at the right end of the picture, and never goes back."""
    picture = parsed(found.to_svg())
    lines = [path.attrib["d"] for path in picture.iter(f"{SVG}path")]

    assert len(lines) == len({one.location for one in found.rows})
    for line in lines:
        across = [float(x) for x in re.findall(r"[MH](-?[\d.]+)", line)]
        assert across == sorted(across)
        assert across[-1] == 848


def test_names_stay_texts() -> None:
    """Markup and letters that XML cannot hold are shown as text, in the title, the legend and what is pointed at."""
    bad = "<script>\"&'\x01\u202e"
    picture = parsed(history(row(1, 1, location=bad, name=bad), sku=bad).to_svg())

    shown = "<script>\"&'  "
    assert texts(picture)[0] == f"On hand of {shown}"
    assert f"{shown}: 1" in texts(picture)
    [dot] = picture.iter(f"{SVG}circle")
    assert dot.findtext(f"{SVG}title") == f"2024-05-06 12:00 UTC: +1 at {shown}, 1 there after it ({shown})"
    assert picture.find(f".//{SVG}script") is None


def test_long_names_are_cut() -> None:
    """A name that has no room ends in an ellipsis, on the picture alone."""
    sku = "MUG-" * 60
    picture = parsed(history(row(1, 1), sku=sku).to_svg())

    assert texts(picture)[0].endswith("…")
    assert sku in picture.attrib["aria-label"]


def test_picture_is_told_in_words() -> None:
    """Who cannot see the picture hears how many movements there were, when, and what is there in the end."""
    found = history(row(10, 10), row(-2, 8, NOON + timedelta(hours=2)), row(4, 4, NOON, "van"))

    told = parsed(found.to_svg()).attrib["aria-label"]

    span = "from 2024-05-06 12:00 to 2024-05-06 14:00 UTC"
    assert told == f"On hand of MUG: 3 movements {span}; in the end 8 at main, 4 at van"


def test_less_than_nothing_lies_below_zero() -> None:
    """What is missing is drawn below a line at zero that stands out from the others."""
    picture = parsed(history(row(3, 3), row(-5, -2, NOON + timedelta(hours=1))).to_svg())

    zeros = [rule for rule in picture.iter(f"{SVG}line") if rule.attrib["class"] == "zero"]
    across = [float(rule.attrib["y1"]) for rule in zeros if rule.attrib["y1"] == rule.attrib["y2"]]
    [(_, above), (_, below)] = dots(picture)
    assert len(across) == 1
    assert above < across[0] < below
    assert text_at(picture, "0") == pytest.approx(across[0] + 4, abs=0.1)


def test_movement_without_time_lies_at_its_neighbour() -> None:
    """A movement whose time was not kept stands at the one before it, or the first that is known; its row has none."""
    later = NOON + timedelta(hours=2)
    found = history(row(10, 10, None), row(-1, 9), row(-1, 8, None), row(-1, 7, later), row(-1, 6, None))

    picture = parsed(found.to_svg())

    first, noon, second, two, last = (x for x, _ in dots(picture))
    assert first == noon == second < two == last
    assert found.rows[2].at is None
    assert "at a time that was not kept: -1 at main, 8 there after it (count/1)" in found.to_svg()


def test_movement_dated_back_stands_where_it_was_written() -> None:
    """What is dated before an earlier movement is drawn beside it, as the level after it follows from that one."""
    found = history(row(10, 10), row(-1, 9, NOON + timedelta(hours=2)), row(-4, 5, NOON - timedelta(days=9)))

    noon, two, back = (x for x, _ in dots(parsed(found.to_svg())))

    assert noon < two == back


def test_without_any_time_the_order_is_shown() -> None:
    """Movements of which no time is kept stand evenly, and the picture says that it shows no times."""
    found = history(row(10, 10, None), row(-1, 9, None), row(-1, 8, None))

    picture = parsed(found.to_svg())

    first, second, third = (x for x, _ in dots(picture))
    assert third - second == pytest.approx(second - first, abs=0.1)
    assert texts(picture)[-1] == "in the order of writing; no times are kept"


def test_first_line_of_a_cut_history_comes_from_the_left() -> None:
    """Where older movements are left out, the line comes in at what was there before."""
    picture = parsed(history(row(-1, 9), row(-1, 8, NOON + timedelta(hours=1))).to_svg())

    [line] = picture.iter(f"{SVG}path")
    started = NUMBER.findall(line.attrib["d"])
    assert float(started[0]) < dots(picture)[0][0]
    assert float(started[1]) < dots(picture)[0][1]


def test_single_movement_stands_in_the_middle() -> None:
    """A single movement has time on both sides of it, and a line to the end."""
    picture = parsed(history(row(10, 10)).to_svg(width=860))

    [(x, _)] = dots(picture)
    assert 400 < x < 500
    assert {"05-06 11:30", "05-06 12:00", "05-06 12:30"} <= set(texts(picture))
    assert "2024-05-06 12:00 UTC" in texts(picture)


def test_nothing_is_said_to_be_nothing() -> None:
    """A SKU that never moved has a picture that says so, and a table with a head alone."""
    found = history()

    picture = parsed(found.to_svg())
    assert texts(picture) == ["On hand of MUG", "no movement is known"]
    assert picture.attrib["aria-label"] == "On hand of MUG: no movement is known"
    assert found.to_csv().splitlines() == ["at,sku,location,quantity,on_hand_after,movement_id,order"]


def test_many_locations_are_counted() -> None:
    """More locations than the legend has room for are counted in it, and drawn all the same."""
    rows = [row(number, number, location=f"shelf {number:02}") for number in range(1, 21)]
    picture = parsed(history(*rows).to_svg())

    assert "and 8 more" in texts(picture)
    assert (
        len({(path.attrib["stroke"], path.attrib.get("stroke-dasharray")) for path in picture.iter(f"{SVG}path")}) == 20
    )


@pytest.mark.parametrize(
    ("width", "height", "named"), [(319, 400, "width"), (900, 199, "height"), (9000, 400, "width")]
)
def test_unreadable_sizes_are_refused(width: int, height: int, named: str) -> None:
    """A picture that nobody could read is not drawn."""
    with pytest.raises(ValueError, match=f"{named}: expected"):
        history(row(1, 1)).to_svg(width=width, height=height)
