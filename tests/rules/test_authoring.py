"""A class that is written for one of our bases is told at once what its author got wrong, and what to write."""

from __future__ import annotations

import functools
import textwrap
from abc import ABC
from collections.abc import Callable
from typing import Any

import pytest

from ordersync import Channel, Journal, ListingBook, OrderStore, StockLedger, Storage, SupportsListings
from ordersync.authoring import answered, check_port
from ordersync.http import HTTPChannel
from ordersync.storage.memory import MemoryJournal, MemoryStockLedger, MemoryStorage

NEEDS = "Channel needs: fetch_orders, push_stock, send_dispatch;"
FETCH = "async def fetch_orders(self, *, updated_since, cursor=None) -> OrderPage"
REST = """
async def push_stock(self, updates): ...
async def send_dispatch(self, note): ...
"""
WHOLE = f"async def fetch_orders(self, *, updated_since, cursor=None): ...\n{REST}"


def define(base: type, body: str, *others: type, name: str = "MyShop") -> type:
    """Make a class whose body this is."""
    members: dict[str, Any] = {"functools": functools}
    exec(compile(textwrap.dedent(body), "my_shop.py", "exec"), members)  # noqa: S102 - the test's own text
    kept = {key: value for key, value in members.items() if key not in ("__builtins__", "functools")}
    return type(base)(name, (base, *others), kept)


def told(base: type, body: str, *others: type) -> str:
    """Return what the author is told: one line."""
    with pytest.raises(TypeError) as caught:
        define(base, body, *others)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("written", ["fetch_ordres", "fetchOrders", "fetch_order", "featch_orders", "fetch_orderss"])
def test_misspelt_verb(written: str) -> None:
    """A verb under almost its name is told with the right one and with all that a channel needs."""
    text = told(Channel, f"async def {written}(self, *, updated_since, cursor=None): ...")

    assert text.startswith(f"MyShop.{written}")
    assert f"did you mean fetch_orders? {NEEDS}" in text


def test_look_up_is_no_download() -> None:
    """A sound look-up in a channel that lacks nothing but its download is taken for that, unless a base is meant."""
    body = f"async def fetch_order(self, reference): ...\n{REST}"
    text = told(Channel, body)

    assert text.startswith(
        "MyShop.fetch_order: fetch_orders is missing, and this is not it; did you mean fetch_orders?"
    )
    assert define(Channel, body, ABC)
    assert define(Channel, "async def fetch_order(self, reference): ...")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("def parse_webhooks(self, *, headers, body): ...", "parse_webhook"),
        ("async def fetch_listing(self, *, cursor=None): ...", "fetch_listings"),
        ("async def test_conection(self): ...", "test_connection"),
        ("async def close(self): ...", "aclose"),
        ("stock_batchsize = 50", "stock_batch_size"),
        ("requires_traking = True", "requires_tracking"),
        ("pages_in_updated_order = True", "pages_in_update_order"),
    ],
)
def test_misspelt_option(written: str, meant: str) -> None:
    """What a channel may have is told too when it is misspelt: else it would be passed over in silence."""
    text = told(Channel, f"{WHOLE}\n{written}")

    assert f"is unknown to Channel; did you mean {meant}? put an underscore before" in text


@pytest.mark.parametrize(
    "own",
    [
        "async def fetch_order_page(self): ...",
        "async def fetch_orders_raw(self): ...",
        "async def _fetch_order(self): ...",
        "def status(self): ...",
        "async def fetch_order(self, reference): ...",
        "async def fetch_listings(self, *, cursor=None): ...",
        "def parse_webhook(self, *, headers, body): ...",
        "fetch_order = None",
        "page_size = 50",
        "async def refresh_token(self): ...",
        "def push(self): ...",
    ],
)
def test_own_names_are_free(own: str) -> None:
    """Optional verbs, private helpers and public names of another kind are nobody's business."""
    assert define(Channel, f"{WHOLE}\n{own}")


def test_base_for_others_is_free() -> None:
    """A class that leaves verbs to its subclasses is as good as one that has them all, and they are looked at alike."""
    body = "async def fetch_listings(self, *, cursor=None): ..."
    base = define(HTTPChannel, f"{body}\nasync def fetch_orders_raw(self): ...", ABC, name="Kaufhaus")

    assert issubclass(define(base, WHOLE), SupportsListings)
    assert "MyShop.fetch_orders is a def" in told(base, "def fetch_orders(self, *, updated_since, cursor=None): ...")


def test_verbs_of_a_mixin_are_looked_at() -> None:
    """A verb that comes from another base counts as the author's."""
    mixin = define(object, "def push_stock(self, updates): ...", name="Shelf")

    assert "MyShop.push_stock is a def, and must be an async def" in told(mixin, "", Channel)


def test_names_of_a_mixin_are_free() -> None:
    """A public name that another base gives a meaning may be written anew, whatever it is like."""
    mixin = define(object, "def close(self): ...", name="Door")

    assert define(mixin, "def close(self): ...", Channel)


@pytest.mark.parametrize(
    ("base", "body", "right"),
    [
        (Channel, "def fetch_orders(self, *, updated_since, cursor=None): ...", FETCH),
        (Channel, "def push_stock(self, updates): ...", "async def push_stock(self, updates) -> Sequence[StockResult]"),
        (Channel, "def send_dispatch(self, note): ...", "async def send_dispatch(self, note) -> None"),
        (Channel, "def test_connection(self): ...", "async def test_connection(self) -> None"),
        (Channel, "def open(self): ...", "async def open(self) -> None"),
        (Channel, "def fetch_order(self, reference): ...", "async def fetch_order(self, reference) -> ChannelOrder | "),
        (StockLedger, "def levels(self, skus): ...", "async def levels(self, skus) -> Sequence[StockLevel]"),
        (Journal, "def write(self, entries): ...", "async def write(self, entries) -> None"),
        (OrderStore, "def fence(self, fence): ...", "async def fence(self, fence) -> None"),
        (ListingBook, "def mark(self, skus): ...", "async def mark(self, skus) -> None"),
        (Storage, "def aclose(self): ...", "async def aclose(self) -> None"),
    ],
)
def test_def_for_async_def(base: type, body: str, right: str) -> None:
    """A def where the runner awaits is told with the line to write."""
    name = body.split("(", maxsplit=1)[0].removeprefix("def ")
    assert told(base, body).startswith(f"MyShop.{name} is a def, and must be an async def; write: {right}")


def test_async_def_for_def() -> None:
    """The one verb that nobody awaits is no coroutine."""
    text = told(Channel, "async def parse_webhook(self, *, headers, body): ...")

    assert "MyShop.parse_webhook is an async def, and nobody awaits it; write: def parse_webhook(self, *, " in text


@pytest.mark.parametrize("keyword", ["async def", "def"])
def test_generator(keyword: str) -> None:
    """A verb that yields is told that one page is returned a call, whichever kind of generator it is."""
    text = told(Channel, f"{keyword} fetch_orders(self, *, updated_since, cursor=None):\n    yield []")

    assert text == (
        "MyShop.fetch_orders has a yield, which makes it a generator; it must return OrderPage, once a call; "
        f"write: {FETCH}"
    )


def test_decorated_verbs() -> None:
    """A decorator that says what it wraps is looked through, and one that does not gets the benefit of the doubt."""
    known = """
    def timed(function):
        @functools.wraps(function)
        def call(*args, **options):
            return function(*args, **options)
        return call
    """
    unknown = known.replace("@functools.wraps(function)", "")
    verb = "\n@timed\nasync def push_stock(self, updates): ...\ndel timed\n"

    assert define(Channel, textwrap.dedent(known) + verb)
    assert define(Channel, textwrap.dedent(unknown) + verb)
    assert "has a yield" in told(Channel, textwrap.dedent(known) + verb.replace("...", "yield"))


@pytest.mark.parametrize(
    ("base", "body", "wrong"),
    [
        (Channel, "async def fetch_orders(self): ...", f"fetch_orders takes no updated_since, cursor; write: {FETCH}"),
        (Channel, "async def fetch_orders(self, *, updated_since): ...", "fetch_orders takes no cursor;"),
        (Channel, "async def fetch_orders(self, *, since, cursor=None): ...", "fetch_orders takes no updated_since;"),
        (
            Channel,
            "async def fetch_orders(self, *, updated_since, cursor): ...",
            "fetch_orders has no default for cursor;",
        ),
        (
            Channel,
            "async def fetch_orders(self, updated_since, /, cursor=None): ...",
            "fetch_orders takes no updated_since;",
        ),
        (Channel, "async def push_stock(self): ...", "push_stock takes no updates;"),
        (Channel, "async def push_stock(self, *, updates): ...", "push_stock takes no updates;"),
        (Channel, "async def push_stock(self, updates, shop): ...", "push_stock asks for shop, which nobody gives it;"),
        (
            Channel,
            "async def send_dispatch(self, note, *, key): ...",
            "send_dispatch asks for key, which nobody gives it;",
        ),
        (Channel, "async def fetch_listings(self): ...", "fetch_listings takes no cursor;"),
        (OrderStore, "async def save_page(self, work, *, at): ...", "save_page takes no fence;"),
        (OrderStore, "async def load(self, keys): ...", "load takes no fence;"),
        (StockLedger, "async def reserve(self, claims): ...", "reserve takes no at;"),
        (StockLedger, "async def history(self, sku, *, location=None): ...", "history takes no limit;"),
        (ListingBook, "async def sold(self, sales): ...", "sold takes no fence;"),
        (Journal, "async def lease(self, channel, *, holder): ...", "lease takes no duration;"),
    ],
)
def test_wrong_parameters(base: type, body: str, wrong: str) -> None:
    """A verb that could not be called as its base says is told what it lacks, or asks too much."""
    assert told(base, body).startswith(f"MyShop.{wrong}")


@pytest.mark.parametrize(
    "body",
    [
        "async def fetch_orders(self, **options): ...",
        "async def fetch_orders(self, updated_since, cursor=None): ...",
        "async def fetch_orders(self, *, updated_since, cursor=None, page_size=50): ...",
        "async def push_stock(self, levels): ...",
        "async def push_stock(self, *args): ...",
        "async def push_stock(self, updates, /, *, retries=3): ...",
    ],
)
def test_wider_parameters_are_fine(body: str) -> None:
    """Whatever can be called as the base says will do, under other names and with more options."""
    assert define(Channel, body)


@pytest.mark.parametrize(
    ("base", "written", "meant"),
    [
        (StockLedger, "async def reserves(self, claims, *, at): ...", "reserve"),
        (StockLedger, "async def acknowlege(self, versions): ...", "acknowledge"),
        (OrderStore, "async def save_pages(self, work, *, fence, at): ...", "save_page"),
        (ListingBook, "async def ofChannel(self, channel): ...", "of_channel"),
        (Journal, "async def set_helth(self, channel): ...", "set_health"),
    ],
)
def test_misspelt_verb_of_a_port(base: type, written: str, meant: str) -> None:
    """A storage's verb under almost its name is told with the right one and with all that the port needs."""
    assert f"is unknown to {base.__name__}; did you mean {meant}? {base.__name__} needs: " in told(base, written)


def test_storage_of_wrong_ports() -> None:
    """A storage that is put together wrongly is told which argument is wrong, and what it lacks."""
    storage = MemoryStorage()

    with pytest.raises(
        TypeError, match=r"^stock: MemoryStockLedger is a class; give an instance of it: Mem.*\(\.\.\.\)$"
    ):
        storage.replace(stock=MemoryStockLedger)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"^journal: MemoryStorage is no Journal, it lacks lease, renew, .*ordersync\.Jour"
    ):
        storage.replace(journal=storage)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^orders: MemoryJournal is no OrderStore, it lacks fence, progress, "):
        Storage(
            orders=storage.journal,  # type: ignore[arg-type]
            stock=storage.stock,
            listings=storage.listings,
            journal=storage.journal,
        )


def test_port_need_not_be_derived() -> None:
    """What has every verb of a port is one, such as a wrapper that counts calls."""

    class Wrapped:
        def __getattr__(self, verb: str) -> Callable[..., object]:
            return lambda: verb

    check_port("stock", Wrapped(), StockLedger)
    check_port("journal", MemoryStorage().journal, MemoryJournal)
    check_port("orders", MemoryStorage().orders, OrderStore)


def test_reserve_that_answers_nothing() -> None:
    """A ledger that does not say which revisions it holds is told what to return."""
    ledger = MemoryStockLedger()

    assert answered(ledger, {}) == {}
    with pytest.raises(
        TypeError, match=r"MemoryStockLedger\.reserve returned nothing; return the revision .*order_key: "
    ):
        answered(ledger, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reserve returned a list; return the revision"):
        answered(ledger, [])  # type: ignore[arg-type]
