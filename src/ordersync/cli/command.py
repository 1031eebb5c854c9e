"""What the commands share: how they speak, where orders are kept, and how everything is opened and closed."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from ..channel import Channel
from ..ports import Storage
from ..storage.urls import storage_from
from .apps import load_app

DONE, FAILED, NOT_UNDERSTOOD = 0, 1, 2

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Voice:
    """Where a command speaks to: *say* for what was asked for, *note* for what is said beside it."""

    say: Say
    note: Say


@attrs.frozen(kw_only=True)
class Opened:
    """A storage that is open, and the channels, which are none where only the storage was named."""

    channels: Sequence[Channel]
    storage: Storage


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where the orders are."""
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument(
        "--storage",
        metavar="URL",
        help="a storage alone, such as sqlite:///shop.db; what needs the channels stays unknown",
    )
    sources.add_argument(
        "--app",
        metavar="MODULE:FACTORY",
        help="a function of your program that returns (channels, storage), such as shop:make",
    )


def add_order(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Let a command be told which order of which channel is meant."""
    parser.add_argument("reference", metavar="REFERENCE", nargs="?" if optional else None, help="the order's number")


@asynccontextmanager
async def opened(options: argparse.Namespace) -> AsyncIterator[Opened]:
    """Open what *options* name, and close it again."""
    if options.storage is not None:
        found = Opened(channels=(), storage=storage_from(options.storage, must_exist=True))
    else:
        channels, storage = await load_app(options.app)
        found = Opened(channels=channels, storage=storage)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(found.storage)
        for channel in found.channels:
            await stack.enter_async_context(channel)
        yield found
