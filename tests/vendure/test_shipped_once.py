"""A parcel is fulfilled once, on a server that would gladly fulfill it several times."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ordersync import OrderKey, Parcel
from ordersync.http import Limits, Transport
from ordersync.model.dispatch import NoteStatus
from vendure.engine import SHOP, Engine, count_shelf, engine
from vendure.postgres import PostgresCluster
from vendure.proxy import slow_answers
from vendure.running import VendureServer
from vendure.seller import Seller, selling

pytestmark = pytest.mark.vendure

WORKER = Path(__file__).with_name("worker.py")
SHORT = Transport(limits=Limits(total=timedelta(seconds=2), read=timedelta(seconds=2)))


@pytest.fixture
def server(postgres_cluster: PostgresCluster) -> Iterator[VendureServer]:
    """Run a shop on PostgreSQL: there, requests at once are all carried out."""
    with VendureServer(database=postgres_cluster.create_database()) as running:
        yield running


@pytest.fixture
async def seller(server: VendureServer) -> AsyncIterator[Seller]:
    """Give somebody who works in it."""
    async with selling(server) as person:
        yield person


async def processed(sync: Engine, seller: Seller, orders: int) -> list[str]:
    """Sell some orders, download them, and process each in one parcel."""
    codes = [await seller.place_order({"MUG": 1, "LID": 1}) for _ in range(orders)]
    await count_shelf(sync, seller)
    (await sync.runner.run_once(only=[SHOP])).raise_for_errors()
    for number, code in enumerate(codes):
        await sync.desk.process(OrderKey(SHOP, code), Parcel(carrier="DHL", tracking_number=f"JD-{number}"))
    return codes


async def test_two_processes_at_once_ship_each_parcel_once(
    server: VendureServer, seller: Seller, tmp_path: Path
) -> None:
    """Two runners on one file share the work or leave it to one; no parcel is fulfilled twice."""
    file = tmp_path / "shop.db"
    async with engine(server, file) as sync:
        codes = await processed(sync, seller, 8)
        workers = [await start_worker(file, server) for _ in range(2)]
        said = [await run_worker(worker) for worker in await ready(workers)]
        (await sync.runner.run_once(only=[SHOP])).raise_for_errors()

        assert any(line.startswith("done") for line in said)
        for code in codes:
            facts = await seller.order_facts(code)
            assert (facts.state, await seller.count_fulfillments(code)) == ("Shipped", 1)


async def start_worker(file: Path, server: VendureServer) -> asyncio.subprocess.Process:
    """Start a runner in a process of its own; it waits for the word."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        str(file),
        server.admin_api,
        server.user,
        server.password,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )


async def ready(workers: list[asyncio.subprocess.Process]) -> list[asyncio.subprocess.Process]:
    """Give all the word at once, when each has opened the file."""
    for worker in workers:
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
    return workers


async def run_worker(worker: asyncio.subprocess.Process) -> str:
    """Let a worker finish and return what it said."""
    out, _ = await worker.communicate()
    assert worker.returncode == 0
    return out.decode().strip()


@pytest.mark.parametrize("unanswered", ["addFulfillmentToOrder", "transitionFulfillmentToState"])
async def test_an_answer_lost_after_the_work_ships_once(
    server: VendureServer, seller: Seller, tmp_path: Path, unanswered: str
) -> None:
    """The client times out, the server did it: the next run waits, looks, and finishes what is half made."""
    async with (
        slow_answers(server.admin_api) as (proxy, address),
        engine(server, tmp_path / "shop.db", admin_api=address, transport=SHORT) as sync,
    ):
        (code,) = await processed(sync, seller, 1)
        proxy.text = unanswered.encode()
        lost = await sync.runner.run_once(only=[SHOP])
        assert (lost.channels[SHOP].failed, proxy.kept_back) == (1, 1)
        proxy.text = None

        early = await sync.runner.run_once(only=[SHOP])
        assert early.channels[SHOP].dispatched == 0
        sync.clock.shift += timedelta(hours=1)
        (await sync.runner.run_once(only=[SHOP])).raise_for_errors()

        (note,) = await sync.storage.orders.notes(OrderKey(SHOP, code))
        facts = await seller.order_facts(code)
        assert note.status is NoteStatus.CONFIRMED
        assert (facts.state, await seller.count_fulfillments(code)) == ("Shipped", 1)
        assert facts.fulfillments[0].tracking_code == "JD-0"
