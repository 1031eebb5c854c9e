"""What hosts and channel authors import: the names, what importing them loads, and the errors."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ordersync
from ordersync import errors

ROOT = Path(__file__).parents[1]

PUBLIC = """
    Channel ChannelId ChannelSettings ChannelOrder OrderPage UnreadableOrder
    StatusMapping SupportsOrderLookup SupportsListings SupportsWebhooks ChannelListing ListingPage ChannelOrderLine
    SupportsMovements SupportsHistory SupportsAudit
    StockUpdate StockResult StockOutcome DispatchNote
    SyncRunner RunReport RetryPolicy OrderDesk Parcel Doctor Explanation View
    Storage OrderStore StockLedger ListingBook Journal
    Order OrderKey OrderLine OrderState Decision Address Buyer Money Shipment
    Claim Deduction Event Observer Clock ChannelReport
    StockLevel Listing StockRule PaymentStatus FulfillmentStatus
    errors
"""
"""The public names as they were decided on, in the order of the decision."""

MODULES = {
    "ordersync.storage.memory": ["MemoryStorage"],
    "ordersync.storage.sqlite": ["SQLiteStorage"],
    "ordersync.http": ["HTTPChannel"],
    "ordersync.channels.vendure": ["VendureChannel"],
    "ordersync.observers": ["LogObserver", "ProgressBar"],
    "ordersync.testing": ["FakeMarketplace", "ManualClock", "make_order"],
    "ordersync.testing.contracts": [
        "ChannelContract",
        "ChannelHarness",
        "JournalContract",
        "ListingBookContract",
        "OrderStoreContract",
        "StockLedgerContract",
    ],
}
"""The public names beside the package's own; ``ordersync.storage.postgres`` is to come."""

HEAVY = ["aiohttp", "aiosqlite", "asyncpg", "sqlite3", "pytest", "hypothesis", "rich", "unittest"]
"""What importing the package must not load."""


def test_names_are_complete_and_sorted() -> None:
    """The package exports exactly the names that were decided on, in the order of the alphabet."""
    decided = set(PUBLIC.split())

    assert list(ordersync.__all__) == sorted(ordersync.__all__)
    assert set(ordersync.__all__) == decided
    assert all(hasattr(ordersync, name) for name in ordersync.__all__)


def test_other_modules_export_their_names() -> None:
    """What is public beside the package itself can be imported where the documentation says."""
    for module, names in MODULES.items():
        found = importlib.import_module(module)
        assert [name for name in names if not hasattr(found, name)] == []


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["ordersync", "ordersync.storage.memory", "ordersync.observers"])
def test_import_is_light(module: str) -> None:
    """Importing the core in a fresh interpreter loads no network, no database driver and no test tool."""
    loaded = json.loads(run(f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"))

    assert "ordersync" in loaded
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]


def test_every_public_thing_is_described() -> None:
    """Each public name has a docstring whose first line is a sentence."""
    for name in ordersync.__all__:
        thing = getattr(ordersync, name)
        if inspect.isclass(thing):
            first = (thing.__doc__ or "").strip().split("\n")[0]
            assert first.endswith("."), name


def tree(kind: type[errors.OrderSyncError], depth: int = 0) -> list[tuple[int, str]]:
    """Return the real tree of the module's errors, in the order of their definition."""
    mine = [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    below = [line for one in mine for line in tree(one, depth + 1)]
    return [(depth, kind.__name__), *below]


def drawn() -> list[tuple[int, str]]:
    """Return the tree that the docstring draws."""
    lines = re.findall(r"^([│├└─ ]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    return [(len(branch) // 4, name) for branch, name in lines]


def test_error_tree_is_as_drawn() -> None:
    """The tree in the docstring is the real one, and every error of the module is in it."""
    named = [name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, Exception)]

    assert drawn() == tree(errors.OrderSyncError)
    assert sorted(named) == sorted(name for _, name in drawn())


def test_error_codes_are_unique_and_stable() -> None:
    """Each error has a code of its own, which hosts may match on."""
    kinds = [getattr(errors, name) for _, name in drawn()]

    assert all("code" in vars(kind) for kind in kinds)
    assert [kind.code for kind in kinds] == [
        "ordersync-error",
        "channel-error",
        "channel-unavailable",
        "channel-auth",
        "channel-rejected",
        "channel-response",
        "storage-error",
        "storage-unavailable",
        "schema-version",
        "order-not-found",
        "no-such-arrow",
        "parcel-conflict",
        "lease-lost",
        "configuration",
    ]


@pytest.mark.parametrize(
    ("kind", "applied"),
    [
        (errors.ChannelError, None),
        (errors.ChannelUnavailableError, None),
        (errors.ChannelResponseError, None),
        (errors.ChannelAuthError, False),
        (errors.ChannelRejectedError, False),
    ],
)
def test_channel_errors_say_whether_anything_was_applied(
    *, kind: type[errors.ChannelError], applied: bool | None
) -> None:
    """A channel's error knows whether an effect took place, and takes refusals alone for certain."""
    assert kind("because").applied is applied
    assert kind("because", applied=True).applied is True


def test_missing_order_is_a_lookup_error() -> None:
    """Code that knows nothing of ordersync may catch a missing order as what it is."""
    assert issubclass(errors.OrderNotFoundError, LookupError)
    assert errors.ChannelUnavailableError("slow", retry_after=3).retry_after == 3
