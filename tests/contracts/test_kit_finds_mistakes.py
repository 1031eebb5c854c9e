"""The contract classes are tested by ports with one mistake each, which must fail them."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import Phase, settings

from contracts.wrong_answers import WRONG_ANSWERS
from contracts.wrong_books import WRONG_BOOKS
from contracts.wrong_decisions import WRONG_DECISIONS
from contracts.wrong_journals import WRONG_JOURNALS
from contracts.wrong_knowledge import WRONG_KNOWLEDGE
from contracts.wrong_ledger_books import BEYOND_ORDINARY_WORK, WRONG_LEDGER_BOOKS
from contracts.wrong_ledgers import (
    WRONG_LEDGERS,
    HalfDone,
    InventsLevels,
    LosesUpdates,
    ReservesOneByOne,
    TellsOrdersApartByText,
)
from contracts.wrong_lists import WRONG_LISTS
from contracts.wrong_memories import WRONG_MEMORIES
from contracts.wrong_orders import WRONG_ORDER_STORES
from contracts.wrong_parcels import WRONG_PARCELS
from contracts.wrong_pushes import WRONG_PUSHES
from contracts.wrong_watches import WRONG_WATCHES
from ordersync.errors import OrderSyncError
from ordersync.ports import StockLedger
from ordersync.testing import contracts
from ordersync.testing.contracts.laws import Contract
from ordersync.testing.stateful import StockLedgerMachine
from storage.spoiling import spoil_level

MISTAKES = [
    pytest.param(contract, port, law, id=f"{port.__name__}-{law}")
    for contract, wrong in (
        (contracts.OrderStoreContract, WRONG_ORDER_STORES.items()),
        (contracts.OrderStoreContract, WRONG_PARCELS.items()),
        (contracts.OrderStoreContract, WRONG_KNOWLEDGE.items()),
        (contracts.OrderStoreContract, WRONG_WATCHES.items()),
        (contracts.OrderStoreContract, WRONG_LISTS.items()),
        (contracts.OrderStoreContract, WRONG_MEMORIES.items()),
        (contracts.OrderStoreContract, WRONG_DECISIONS.items()),
        (contracts.StockLedgerContract, WRONG_LEDGERS.items()),
        (contracts.StockLedgerContract, WRONG_LEDGER_BOOKS.items()),
        (contracts.ListingBookContract, WRONG_BOOKS.items()),
        (contracts.ListingBookContract, WRONG_PUSHES.items()),
        (contracts.JournalContract, WRONG_JOURNALS.items()),
        *WRONG_ANSWERS,
    )
    for port, law in wrong
]
CONTRACTS = [
    contracts.OrderStoreContract,
    contracts.StockLedgerContract,
    contracts.ListingBookContract,
    contracts.JournalContract,
]
BEYOND_THE_MACHINE = (
    HalfDone,
    InventsLevels,
    LosesUpdates,
    ReservesOneByOne,
    TellsOrdersApartByText,
    *BEYOND_ORDINARY_WORK,
)
"""What a machine cannot see that drives one channel's orders, one verb after another, with SKUs it knows."""


def contract_over(contract: type[Contract[Any]], port: Callable[[], Any]) -> Contract[Any]:
    """Return a contract over a port, one that has little patience."""

    class OfThisPort(contract):  # type: ignore[valid-type, misc]
        patience = 1.0

        @asynccontextmanager
        async def open(self) -> AsyncIterator[Any]:
            yield port()

        async def misstate(self, ledger: StockLedger, sku: str, **level: Any) -> None:  # noqa: ANN401
            await spoil_level(ledger, sku, **level)

    return OfThisPort()


@pytest.mark.parametrize(("contract", "port", "law"), MISTAKES)
def test_mistake_is_found(contract: type[Contract[Any]], port: Callable[[], Any], law: str) -> None:
    """A port with one mistake fails the law that speaks of it, and with no accident of another kind."""
    with pytest.raises((AssertionError, OrderSyncError, pytest.fail.Exception)):
        getattr(contract_over(contract, port), law)()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_law_hides_another(contract: type[Contract[Any]]) -> None:
    """The laws of a contract come from several classes, and no two have the same name."""
    names = Counter(name for kind in contract.__mro__ for name in vars(kind) if name.startswith("test_"))

    assert [name for name, number in names.items() if number > 1] == []


@pytest.mark.parametrize("contract", CONTRACTS)
def test_laws_are_plain_tests(contract: type[Contract[Any]]) -> None:
    """A law is a plain function without fixtures, which says in its docstring what it demands."""
    for name in dir(contract):
        if name.startswith("test_"):
            test = getattr(contract, name)
            assert test.__code__.co_argcount == 1, name
            assert not hasattr(test, "__wrapped__"), name
            assert test.__doc__, name


def test_contract_without_a_port_says_what_to_provide() -> None:
    """Who forgets to provide the port is told its name."""
    with pytest.raises(NotImplementedError, match=r"open\(\)"):
        contracts.JournalContract().test_lease_is_exclusive()


@pytest.mark.slow
@pytest.mark.parametrize(
    "ledger", [port for port in (*WRONG_LEDGERS, *WRONG_LEDGER_BOOKS) if port not in BEYOND_THE_MACHINE]
)
def test_machine_finds_mistakes_too(ledger: type[StockLedger]) -> None:
    """The state machine finds, by itself, what is wrong with a ledger."""

    class OfThisLedger(StockLedgerMachine):
        @asynccontextmanager
        async def open(self) -> AsyncIterator[StockLedger]:
            yield ledger()

    case = OfThisLedger.TestCase
    case.settings = settings(phases=[Phase.generate], max_examples=300, derandomize=True, database=None)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)

    assert result.failures or result.errors
