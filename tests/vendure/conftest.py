"""Servers for the tests that are marked ``vendure``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from vendure.busy_day import BusyDay, BusyShop, sell_for_a_day
from vendure.install import missing_tools
from vendure.postgres import PostgresCluster, find_binaries
from vendure.running import VendureServer
from vendure.seller import Seller, selling

# CI sets it beside -m vendure: then a missing tool is a failure. Else it is a reason to skip.
REQUIRED = os.environ.get("ORDERSYNC_VENDURE") == "1"
TIME_LIMIT_S = 1200


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests that need a real server, unless somebody asks for them."""
    reason = _why_not(config)
    for item in items:
        if item.get_closest_marker("vendure") is not None:
            # The first one may have to wait for npm.
            item.add_marker(pytest.mark.timeout(TIME_LIMIT_S))
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def busy_in_memory() -> Iterator[BusyShop]:
    """Run a busy shop whose database is in the server's memory."""
    with VendureServer() as server:
        yield BusyShop(server=server, day=_sell_in(server), database="memory")


@pytest.fixture(scope="session")
def changing_shop() -> Iterator[VendureServer]:
    """Run a shop whose orders tests may change, with some that nobody touches: no test is about all that there is."""
    with VendureServer() as server:
        asyncio.run(_sell_to_neighbours(server))
        yield server


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """Run a PostgreSQL cluster that the servers of this session share."""
    if find_binaries() is None and not REQUIRED:
        pytest.skip("no PostgreSQL binaries on this machine")
    with PostgresCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def busy_on_postgres(postgres_cluster: PostgresCluster) -> Iterator[BusyShop]:
    """Run a busy shop whose database is PostgreSQL."""
    with VendureServer(database=postgres_cluster.create_database()) as server:
        yield BusyShop(server=server, day=_sell_in(server), database="postgres")


@pytest.fixture(scope="session", params=["memory", "postgres"])
def busy_shop(request: pytest.FixtureRequest) -> BusyShop:
    """Give a busy shop, once for each database."""
    name = {"memory": "busy_in_memory", "postgres": "busy_on_postgres"}[request.param]
    shop: BusyShop = request.getfixturevalue(name)
    return shop


@pytest.fixture
async def seller(busy_shop: BusyShop) -> AsyncIterator[Seller]:
    """Give somebody who works in the busy shop."""
    async with selling(busy_shop.server) as person:
        yield person


def _why_not(config: pytest.Config) -> str | None:
    if REQUIRED:
        return None
    if "vendure" not in config.getoption("markexpr"):
        return "a real Vendure server takes time: ask for it with -m vendure"
    return missing_tools()


async def _sell_to_neighbours(server: VendureServer) -> None:
    async with selling(server) as person:
        for _ in range(5):
            await person.place_order({"MUG": 1, "LID": 1})


def _sell_in(server: VendureServer) -> BusyDay:
    async def sell() -> BusyDay:
        async with selling(server) as person:
            return await sell_for_a_day(person)

    return asyncio.run(sell())
