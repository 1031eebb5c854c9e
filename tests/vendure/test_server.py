"""The harness itself: a real shop that sells, freezes, dies and comes back."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import aiohttp
import pytest

from vendure.busy_day import BusyShop
from vendure.ports import NotStartedError, free_port, wait_for_port
from vendure.postgres import PostgresCluster
from vendure.running import VendureServer
from vendure.seller import FULFIL, Seller, selling


@pytest.mark.vendure
async def test_a_busy_shop_holds_orders_of_every_kind(busy_shop: BusyShop, seller: Seller) -> None:
    """At least thirty orders are paid, and every kind that must be left out lies between them."""
    day, by_state = busy_shop.day, await seller.codes_by_state()

    assert len(day.paid) >= 30
    assert by_state["PaymentSettled"] >= {*day.paid, *day.shortened, *day.half_made}
    assert by_state["PaymentAuthorized"] >= set(day.authorized)
    assert by_state["ArrangingPayment"] >= set(day.unpaid)
    assert by_state["PartiallyShipped"] >= set(day.partly_shipped)
    assert by_state["Shipped"] >= set(day.shipped)
    assert by_state["Cancelled"] >= set(day.cancelled)


@pytest.mark.vendure
async def test_stock_lies_at_two_locations(seller: Seller) -> None:
    """The seller counts a SKU at one location, and the other location does not move."""
    before = (await seller.stock_facts())["RUG"]

    await seller.set_stock("RUG", "back", 7)

    after = (await seller.stock_facts())["RUG"]
    await seller.set_stock("RUG", "back", 3)
    assert set(after) == {"main", "back"}
    assert after["back"][0] == 7
    assert after["main"] == before["main"]


@pytest.mark.vendure
async def test_a_frozen_server_does_the_work_after_the_client_gave_up(
    busy_in_memory: BusyShop,
) -> None:
    """The client sees a time-out, and the fulfillment is made all the same."""
    server = busy_in_memory.server
    async with selling(server) as seller:
        code = await seller.place_order({"MUG": 1})
        request = await seller.fulfillment_request(code, {"MUG": 1}, "LATE")

        server.pause()
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await seller.admin.ask(FULFIL, input=request)
        finally:
            server.resume()

        async with asyncio.timeout(10):
            while not (order := await seller.order_facts(code)).fulfillments:
                continue
        assert [one.tracking_code for one in order.fulfillments] == ["LATE"]


@pytest.mark.vendure
async def test_on_postgres_a_killed_server_comes_back_with_its_orders(
    postgres_cluster: PostgresCluster,
) -> None:
    """After a power cut the orders are there, and the old session token still opens the door."""
    async with VendureServer(database=postgres_cluster.create_database()) as server:
        async with selling(server) as seller:
            code = await seller.place_order({"MUG": 1})
            token = seller.admin.token

        server.kill()
        await asyncio.to_thread(server.start)

        async with aiohttp.ClientSession() as http:
            seller = Seller(http, server)
            seller.admin.token = token
            assert (await seller.order_facts(code)).state == "PaymentSettled"


@pytest.mark.vendure
async def test_a_stopped_server_is_gone() -> None:
    """After the block nobody listens on the port, also when the server was frozen."""
    async with VendureServer() as server:
        server.pause()

    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(server.url)


def test_a_child_that_ends_early_says_why(tmp_path: Path) -> None:
    """The error holds the end of the log, and does not wait for the time limit."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(["sh", "-c", "echo no room; exit 3"], stdout=out)

    with pytest.raises(NotStartedError, match=r"ended with 3(?s:.)*no room"):
        wait_for_port(free_port(), child, 30, log)


def test_a_child_that_never_listens_is_given_up(tmp_path: Path) -> None:
    """The error names the time that was waited."""
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            with pytest.raises(NotStartedError, match=r"not listening after 0\.2 s"):
                wait_for_port(free_port(), child, 0.2, tmp_path / "log")
        finally:
            child.kill()
