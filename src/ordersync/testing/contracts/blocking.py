"""Calls that block the event loop, caught and told with the line that makes them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ...channel import Channel

try:
    import blockbuster
except ImportError:
    blockbuster = None  # type: ignore[assignment]  # an extra


@contextmanager
def nothing_blocks(channel: Channel) -> Iterator[None]:
    """Fail when the channel, or what it calls, blocks the event loop; skip where blockbuster is not installed."""
    if blockbuster is None:
        pytest.skip("blockbuster is not installed")
    package = type(channel).__module__.partition(".")[0]
    told = None
    try:
        with blockbuster.blockbuster_ctx(package):
            yield
    except Exception as error:
        blocked = _blocked(error)
        if blocked is None:
            raise
        told = _told(channel, blocked, package)
    if told is not None:
        pytest.fail(told, pytrace=False)


def _blocked(error: BaseException | None) -> BaseException | None:
    """Find the call that blocked, in an error or in what the channel made another error of."""
    while error is not None and not isinstance(error, blockbuster.BlockingError):
        error = error.__cause__ or error.__context__
    return error


def _told(channel: Channel, blocked: BaseException, package: str) -> str:
    call = str(blocked).removeprefix("Blocking call to ")
    frames = traceback.extract_tb(blocked.__traceback__)
    places = _places(package)
    mine = [frame for frame in frames if frame.filename.startswith(places)]
    at = (mine or frames)[-1]
    return (
        f"{type(channel).__name__}.{at.name}: {call} blocks the event loop "
        f"({Path(at.filename).name}:{at.lineno}: {at.line}); await an asynchronous client instead, such as "
        "HTTPChannel.request, or asyncio.to_thread(...) for what has none"
    )


def _places(package: str) -> tuple[str, ...]:
    """Return where the channel's own package lies: a folder, or one file."""
    module = sys.modules[package]
    folders = [f"{folder}/" for folder in getattr(module, "__path__", ())]
    return tuple(folders) or (module.__file__ or "",)
