"""Listings and opening stock from CSV: what is read, what is refused in words, and what is written."""

from __future__ import annotations

import pytest

from ordersync.imports import read_listings, read_opening_stock

LISTINGS = """\
source,subsource,channel_sku,channel_location,sku,quantity
Shop,north,MUG-BLUE,,MUG,
Market,uk,SET,,MUG,2
Market,uk,SET,,LID,1
Shop,north,MUG-BLUE,Nord,MUG,1
"""

STOCK = "sku,location,quantity\nMUG,main,10\nLID,main,0\nMUG,store,3\n"


def meanings(text: str) -> dict[str, dict[str, int]]:
    """Return what the good listings of a text are linked to."""
    return {f"{row.channel} {row.id}": dict(row.components) for row in read_listings(text).rows}


def listing_problems(text: str) -> list[tuple[int, str, str]]:
    """Return what is wrong with a text of listings."""
    return [(one.line, one.column, one.problem) for one in read_listings(text).bad]


def stock_problems(text: str) -> list[tuple[int, str, str]]:
    """Return what is wrong with a text of stock."""
    return [(one.line, one.column, one.problem) for one in read_opening_stock(text).bad]


def levels(text: str) -> list[tuple[str, str, int]]:
    """Return what the good rows of a text of stock say."""
    return [(row.sku, row.location, row.quantity) for row in read_opening_stock(text).rows]


def listing(rest: str) -> str:
    """Return a text of one listing's row, after its channel."""
    return f"source,subsource,channel_sku,channel_location,sku,quantity\nShop,north,{rest}\n"


def test_listings_are_read() -> None:
    """Each listing is told once with all it is linked to; a blank quantity is one, a blank location is none."""
    preview = read_listings(LISTINGS)

    assert meanings(LISTINGS) == {
        "Shop/north MUG-BLUE": {"MUG": 1},
        "Market/uk SET": {"MUG": 2, "LID": 1},
        "Shop/north MUG-BLUE@Nord": {"MUG": 1},
    }
    assert preview.bad == ()
    assert [row.lines for row in preview.rows] == [(2,), (3, 4), (5,)]


def test_optional_columns_may_be_missing() -> None:
    """Without columns for location and quantity every listing has no location, and takes one piece."""
    text = "sku,source,subsource,channel_sku\nMUG,Shop,north,MUG-BLUE\n"

    assert meanings(text) == {"Shop/north MUG-BLUE": {"MUG": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + STOCK,
        STOCK.replace(",", ";"),
        STOCK.replace(",", "\t"),
        STOCK.replace("\n", "\r\n"),
        STOCK.replace("\n", "\r"),
        STOCK.removesuffix("\n"),
        STOCK.replace("sku,location,quantity", " SKU , Location,QUANTITY"),
        STOCK.replace("sku,location,quantity", '"sku","location","quantity"').replace("MUG", '"MUG"'),
        "\n\n" + STOCK.replace("\n", "\n,,\n"),
        STOCK.replace("MUG,", " MUG\t,"),
        STOCK.replace("10", "0010"),
        "\ufeff"
        + STOCK.replace(",", ";").replace("\n", "\r\n").upper().replace("MAIN", "main").replace("STORE", "store"),
    ],
)
def test_spreadsheets_write_it_in_many_ways(text: str) -> None:
    """Byte order mark, separators, line ends, quotes, blanks and the header's case make no difference."""
    assert levels(text) == [("MUG", "main", 10), ("LID", "main", 0), ("MUG", "store", 3)]
    assert stock_problems(text) == []


def test_columns_may_come_in_any_order() -> None:
    """Cells are found by the header, not by their place."""
    assert levels("quantity;sku;location\n3;MUG;main\n") == [("MUG", "main", 3)]


def test_strange_skus_are_read_as_they_are() -> None:
    """SKUs of emoji, with separators, quotes and line ends in them, come as the file has them."""
    text = 'sku,location,quantity\n🎁☕,Süd,1\n"A,B;""C""",main,2\n"two\nlines",main,3\nØ,main,4\n5"" tube,main,5\n'

    assert levels(text) == [
        ("🎁☕", "Süd", 1),
        ('A,B;"C"', "main", 2),
        ("two\nlines", "main", 3),
        ("Ø", "main", 4),
        ('5"" tube', "main", 5),
    ]
    assert [row.line for row in read_opening_stock(text).rows] == [2, 3, 4, 6, 7]


def test_other_separators_in_cells_are_no_separators() -> None:
    """The header's separator counts, however many others there are in the rows."""
    assert levels("sku;location;quantity\nA,B,C,D,E,F,G,H;main;1\nI\tJ;main;2\n") == [
        ("A,B,C,D,E,F,G,H", "main", 1),
        ("I\tJ", "main", 2),
    ]


@pytest.mark.parametrize(
    ("header", "problems"),
    [
        ("sku,location", [("quantity", "missing column")]),
        ("sku,location,quantity,price", [("price", "unknown column")]),
        ("sku,place,quantity", [("place", "unknown column"), ("location", "missing column")]),
        ("sku,location,quantity,SKU", [("sku", "stands there twice")]),
        ("sku,location,quantity,", [("", "unknown column")]),
    ],
)
def test_file_with_other_columns_is_not_read(header: str, problems: list[tuple[str, str]]) -> None:
    """A column that is unknown, missing or there twice is named, and nothing under such a header is taken over."""
    told = stock_problems(f"\n{header}\nMUG,main,1,2\n")

    assert [(line, column) for line, column, _ in told] == [(2, column) for column, _ in problems]
    for (_, _, problem), (_, words) in zip(told, problems, strict=True):
        assert problem.startswith(words)
    assert levels(f"{header}\nMUG,main,1,2\n") == []


def test_misspelt_optional_column_is_not_passed_over() -> None:
    """A quantity under a misspelt name does not become one piece; the columns that there are get named."""
    text = LISTINGS.replace("quantity", "quantty")
    ((line, column, problem),) = listing_problems(text)

    assert meanings(text) == {}
    assert (line, column) == (1, "quantty")
    assert "channel_location, quantity" in problem


@pytest.mark.parametrize("text", ["", "\ufeff", "\r\n \n", ",,\n"])
def test_empty_file_says_which_columns_it_should_have(text: str) -> None:
    """A file with nothing in it is no success, and the error names the columns."""
    assert stock_problems(text) == [(1, "", "the file is empty; its columns are sku, location, quantity")]


@pytest.mark.parametrize("row", ['"MUG,main,1', '"MUG"x,main,1'])
def test_quotes_that_do_not_match(row: str) -> None:
    """Where a quote was never closed nobody knows where rows end: the line is named and nothing is read."""
    text = f"sku,location,quantity\nLID,main,1\n{row}\nTEA,main,1\n"

    assert levels(text) == []
    assert stock_problems(text) == [(3, "", "its quotes do not match; nothing of the file is read")]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("1.5", "expected a whole number, got '1.5'"),
        ("1,5", "expected a whole number, got '1,5'"),
        ("two", "expected a whole number, got 'two'"),
        ("²", r"expected a whole number, got '\xb2'"),
        ("٣", r"expected a whole number, got '\u0663'"),
        ("1_000", "expected a whole number, got '1_000'"),
        ("9" * 5000, "expected a whole number, got '" + "9" * 40 + "'"),
        ("-1", "expected 0 to 1000000000, got -1"),
        ("1000000001", "expected 0 to 1000000000, got 1000000001"),
        ("", "is empty"),
    ],
)
def test_quantity_of_stock_is_a_whole_number(cell: str, problem: str) -> None:
    """Stock is counted in whole pieces from none to a billion; anything else is named, and the other rows are good."""
    text = f"sku;location;quantity\nMUG;main;{cell}\nLID;main;1\n"

    assert stock_problems(text) == [(2, "quantity", problem)]
    assert levels(text) == [("LID", "main", 1)]


@pytest.mark.parametrize(
    ("rest", "column", "problem"),
    [
        ("MUG,,MUG,0", "quantity", "expected 1 to 1000000, got 0"),
        ("MUG,,MUG,1000001", "quantity", "expected 1 to 1000000, got 1000001"),
        ("MUG,,MUG,one", "quantity", "expected a whole number, got 'one'"),
        ("MUG,, ,1", "sku", "is empty"),
        (",,MUG,1", "channel_sku", "is empty"),
        (f"MUG,,{'x' * 256},1", "sku", "is longer than 255 characters"),
        (f"{'x' * 256},,MUG,1", "channel_sku", "is longer than 255 characters"),
        (f"MUG,{'x' * 1025},MUG,1", "channel_location", "is longer than 1024 characters"),
        ("MUG,,M\0UG,1", "sku", r"holds a NUL character in 'M\x00UG'"),
        ("MUG,,M\ud800UG,1", "sku", r"holds half a character (a lone surrogate) in 'M\ud800UG'"),
        ("MUG,,MUG,1,9", "", "has 7 cells for 6 columns; put a cell in quotes that holds a separator"),
        ("MUG", "sku", "is empty"),
    ],
)
def test_bad_listing_is_named(rest: str, column: str, problem: str) -> None:
    """What a field cannot hold is named with its line, its column and the trouble, and the row is left out."""
    text = listing(rest) + "Shop,north,GOOD,,MUG,1\n"

    assert listing_problems(text) == [(2, column, problem)]
    assert meanings(text) == {"Shop/north GOOD": {"MUG": 1}}


def test_every_wrong_cell_is_named() -> None:
    """A row with several wrong cells is told of each."""
    text = "source,subsource,channel_sku,sku,quantity\n,north,,MUG,x\n"

    assert [(line, column) for line, column, _ in listing_problems(text)] == [
        (2, "source"),
        (2, "channel_sku"),
        (2, "quantity"),
    ]


@pytest.mark.parametrize("wrong", ["Market,uk,SET,,LID,x", "Market,uk,SET,,,1", "Market,uk,SET,,LID,1,9"])
@pytest.mark.parametrize("first", [True, False])
def test_kit_with_one_bad_row_is_left_out_as_a_whole(wrong: str, *, first: bool) -> None:
    """A kit of which one row is wrong is not linked to the rest of it, and its other rows say why they are left out."""
    header, single, mug, _, placed = LISTINGS.splitlines()
    rows = [wrong, mug] if first else [mug, wrong]
    text = "\n".join([header, single, *rows, placed])
    bad, good = (3, 4) if first else (4, 3)

    assert set(meanings(text)) == {"Shop/north MUG-BLUE", "Shop/north MUG-BLUE@Nord"}
    told = {line: (column, problem) for line, column, problem in listing_problems(text)}
    assert set(told) == {bad, good}
    assert told[good] == ("channel_sku", f"left out, because line {bad} of the same listing is wrong")


def test_kit_that_names_a_sku_twice_is_left_out() -> None:
    """Whether the same component twice means two of it or was pasted twice nobody knows, so it is not guessed."""
    text = LISTINGS + "Market,uk,SET,,MUG,2\n"

    assert "Market/uk SET" not in meanings(text)
    assert listing_problems(text) == [
        (3, "channel_sku", "left out, because line 6 of the same listing is wrong"),
        (4, "channel_sku", "left out, because line 6 of the same listing is wrong"),
        (6, "sku", "stands on line 3 for the same listing already"),
    ]


def test_rows_of_other_channels_and_locations_are_other_listings() -> None:
    """The same channel SKU on another channel, or at another location, is a listing of its own."""
    text = LISTINGS + "Shop,south,MUG-BLUE,,MUG,3\nShop,north,MUG-BLUE,Süd,MUG,3\n"

    assert listing_problems(text) == []
    assert len(meanings(text)) == 5


def test_stock_that_says_the_same_twice() -> None:
    """The same row twice is taken once, and the second one is named."""
    text = STOCK + "MUG,main,10\n"

    assert levels(text) == levels(STOCK)
    assert stock_problems(text) == [(5, "sku", "says the same as line 2")]


def test_stock_that_contradicts_itself_is_left_out() -> None:
    """Where two rows say different quantities of one SKU and location, neither is taken for the right one."""
    text = STOCK + "MUG,main,11\n"
    problem = "lines 2, 5 contradict each other about this SKU and location"

    assert levels(text) == [("LID", "main", 0), ("MUG", "store", 3)]
    assert stock_problems(text) == [(2, "quantity", problem), (5, "quantity", problem)]


def test_sku_too_long_for_a_movement_is_named() -> None:
    """A SKU from which no movement id can be made is a bad row, not a failure when it is written."""
    assert stock_problems(f"sku,location,quantity\n{'🎁' * 200},main,1\n") == [
        (2, "movement_id", "is longer than 1024 characters")
    ]


def test_preview_shows_what_would_happen() -> None:
    """A preview as text lists the good rows in columns and the bad ones with line, column and trouble."""
    assert str(read_listings(LISTINGS + "Shop,north,CUP,,CUP,x\n")) == (
        "listings to link: 3\n"
        "  Shop/north  MUG-BLUE       1 x MUG\n"
        "  Market/uk   SET            2 x MUG, 1 x LID\n"
        "  Shop/north  MUG-BLUE@Nord  1 x MUG\n"
        "left out: 1\n"
        "  line 6, quantity: expected a whole number, got 'x'"
    )
    assert str(read_opening_stock(STOCK)) == ("levels to set: 3\n  MUG  main   10\n  LID  main   0\n  MUG  store  3")
    assert str(read_opening_stock("")).startswith("levels to set: 0\nleft out: 1\n  line 1: the file is empty")


def test_long_preview_stays_short() -> None:
    """Of many rows a preview shows the first, and counts the rest."""
    good = "".join(f"S{number},main,1\n" for number in range(100))
    bad = "".join(f"B{number},main,x\n" for number in range(50))
    shown = str(read_opening_stock("sku,location,quantity\n" + good + bad)).splitlines()

    assert len(shown) == 2 * (1 + 20 + 1)
    assert [shown[0], shown[21], shown[22], shown[-1]] == [
        "levels to set: 100",
        "  and 80 more",
        "left out: 50",
        "  and 30 more",
    ]
