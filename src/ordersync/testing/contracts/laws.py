"""How a law becomes a test, and what the laws of all ports share."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pytest

from ...errors import LeaseLostError
from ...model.ids import ChannelId, Fence

Port = TypeVar("Port")
Item = TypeVar("Item")
SomeContract = TypeVar("SomeContract", bound="Contract[Any]")

MOST_PAGES = 100
"""More pages than these in a law do not end."""

TURNS = (*range(9), 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
"""After how many turns of the event loop a verb is cancelled."""


class Contract(Generic[Port]):
    """The laws of one port. Its author subclasses it and provides ``open``; no plugin is needed.

    ``patience``: a law that takes longer than this many seconds hangs, and fails.
    """

    patience: ClassVar[float] = 60.0

    def open(self) -> AbstractAsyncContextManager[Port]:
        """Return an async context manager over a fresh, empty port."""
        raise NotImplementedError(f"{type(self).__name__} needs an open() that yields a fresh, empty port")


def law(
    function: Callable[[SomeContract, Port], Coroutine[Any, Any, None]],
) -> Callable[[SomeContract], None]:
    """Turn a law into a plain test that opens a fresh port and runs the law on it."""

    async def hold(contract: SomeContract) -> None:
        limit = asyncio.timeout(contract.patience)
        try:
            async with limit, contract.open() as port:
                await function(contract, port)
        except TimeoutError:
            if limit.expired():
                pytest.fail(f"a verb hangs: the law was not through after {contract.patience} s")
            raise

    @functools.wraps(function)
    def test(contract: SomeContract) -> None:
        asyncio.run(hold(contract))

    del test.__wrapped__  # else pytest takes the port for a fixture
    return test


async def paged(read: Callable[[Item | None], Awaitable[Collection[Item]]], *, limit: int) -> list[Item]:
    """Read page by page, each from behind the last item of the one before, until a page is empty."""
    items: list[Item] = []
    for _ in range(MOST_PAGES):
        page = await read(items[-1] if items else None)
        assert len(page) <= limit, f"a page of at most {limit} has {len(page)}"
        if not page:
            return items
        items += page
    pytest.fail("the pages never end")


@attrs.frozen(kw_only=True)
class Cut:
    """A verb that is to be cancelled: how to bring about its subject, and how to see whether it was done.

    All three are given a name that is another one for each trial; ``look`` must not show it.
    """

    prepare: Callable[[str], Awaitable[object]]
    verb: Callable[[str], Coroutine[Any, Any, object]]
    look: Callable[[str], Awaitable[object]]

    async def check(self, name: str) -> None:
        """Cancel the verb after ever more turns of the loop, once or twice: it is wholly done or not, and works on."""
        before, done = await self._whole(f"{name}-whole")
        assert before != done, f"{name} does nothing that its trial could see"
        for trial, turns in enumerate(TURNS):
            subject = f"{name}-{turns}"
            await self.prepare(subject)
            ended = await cancelled(self.verb(subject), turns=turns, times=1 + trial % 2)
            seen = await self.look(subject)
            assert seen in (before, done), f"{name} is half done when cancelled after {turns} turns"
            if ended:
                break
        assert await self._whole(f"{name}-last") == (before, done), f"{name} works no more after it was cancelled"

    async def _whole(self, subject: str) -> tuple[object, object]:
        await self.prepare(subject)
        before = await self.look(subject)
        await self.verb(subject)
        return before, await self.look(subject)


async def reads_survive(reads: Mapping[str, Callable[[], Coroutine[Any, Any, object]]]) -> None:
    """Cancel verbs that only read after ever more turns of the loop: the next reader is answered the same."""
    for name, read in reads.items():
        answer = await read()
        for turns in TURNS:
            if await cancelled(read(), turns=turns):
                break
        assert await read() == answer, f"{name} answers otherwise after it was cancelled"


async def cancelled(verb: Coroutine[Any, Any, object], *, turns: int, times: int = 1) -> bool:
    """Cancel a verb after some turns of the loop; say whether it had ended by itself before."""
    task = asyncio.ensure_future(verb)
    for _ in range(turns):
        if task.done():
            break
        await asyncio.sleep(0)
    ended = task.done()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return ended


def fenced_verbs(port: type) -> frozenset[str]:
    """Return the names of a port's verbs that take a fence."""
    return frozenset(
        name
        for name, verb in inspect.getmembers(port, inspect.isfunction)
        if "fence" in inspect.signature(verb).parameters
    )


FencedCalls = Mapping[str, Callable[[Fence], Coroutine[Any, Any, object]]]
"""For each verb that takes a fence a call that has an effect, or shows something, under this fence."""


async def refuses_lower_tokens(calls: FencedCalls, channel: ChannelId, look: Callable[[], Awaitable[object]]) -> None:
    """Check that each call is refused under a lower token, and changes nothing."""
    await calls["fence"](Fence(channel, 7))
    before = await look()
    for name, call in calls.items():
        with pytest.raises(LeaseLostError):
            await _named(name, call(Fence(channel, 6)))
        assert await look() == before, f"{name} was refused and had an effect"


async def accepts_equal_tokens(calls: FencedCalls, channel: ChannelId) -> None:
    """Check that each call passes under the highest token seen, and again."""
    await calls["fence"](Fence(channel, 7))
    for call in calls.values():
        await call(Fence(channel, 7))


async def raises_by_higher_tokens(calls: FencedCalls, channel: ChannelId) -> None:
    """Check that each call under a higher token shuts out the lower ones."""
    for token, (name, call) in enumerate(calls.items(), start=1):
        await call(Fence(channel, 10 * token))
        with pytest.raises(LeaseLostError):
            await _named(name, calls["fence"](Fence(channel, 10 * token - 1)))


async def _named(name: str, call: Awaitable[object]) -> None:
    """Await a call that must fail; its name stands in the traceback."""
    await call
    pytest.fail(f"{name} let a lower token pass")
