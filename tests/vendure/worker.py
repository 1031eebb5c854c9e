"""A runner in a process of its own, for the tests in which several are at work on one file."""

from __future__ import annotations

import asyncio
import sys

from ordersync import ChannelId, ChannelSettings, SyncRunner
from ordersync.channels.vendure import VendureChannel
from ordersync.storage.sqlite import SQLiteStorage


def say(line: str) -> None:
    """Tell the test that started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(file: str, admin_api: str, user: str, password: str) -> None:
    """Wait for the word to go, then run once and print what the report says."""
    shop = VendureChannel(
        ChannelId("Vendure", "real"),
        base_url=admin_api,
        user=user,
        password=password,
        settings=ChannelSettings(location="main"),
    )
    async with SQLiteStorage(file) as storage, shop:
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        report = await SyncRunner([shop], storage).run_once()
        say(f"{report.channels[shop.id].status} {report.channels[shop.id].dispatched}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
