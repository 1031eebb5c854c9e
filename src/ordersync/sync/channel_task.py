"""One channel's way through a run: its phases in order, and what an outage leaves of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from ..channel import SupportsOrderLookup
from ..errors import ChannelAuthError, ChannelError, ChannelUnavailableError, LeaseLostError
from ..model.events import CallFailed
from ..model.ids import OrderKey
from ..model.runs import ChannelLife, ChannelState, EntryKind
from .channel_run import ChannelRun
from .confirm import confirm
from .dispatch import dispatch
from .download import download
from .drift import check_drift
from .first_runs import tell_of_silence
from .publish import announce, publish
from .reserve import reserve
from .resolve import resolve_conflicts
from .resume import resume
from .watch import watch

FAILURES_BEFORE_PAUSE = 3
LONGEST_PAUSE = timedelta(minutes=30)
KEEP_EVERY_S = 20.0

Phase = Callable[[ChannelRun], Awaitable[object]]
Task = Callable[[ChannelRun, ChannelLife, "Rendezvous"], Awaitable[None]]
"""What is done with a channel that this run holds."""


class Rendezvous:
    """Where channels wait until the last of them has reserved, so that one more pass tells everybody."""

    def __init__(self, channels: int) -> None:
        self._missing = channels
        self._all = asyncio.Event()
        if channels == 0:
            self._all.set()

    def arrive(self) -> None:
        """Say that one more channel has reserved, or never will."""
        self._missing -= 1
        if self._missing <= 0:
            self._all.set()

    async def wait(self, run: ChannelRun) -> None:
        """Wait for the others, and keep the lease meanwhile."""
        while not self._all.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_EVERY_S):
                    await self._all.wait()
            await run.lease.keep()


async def work(run: ChannelRun, life: ChannelLife, rendezvous: Rendezvous) -> None:
    """Take a channel through its phases; whatever happens, the others need not wait for it."""
    arrived = False
    try:
        await _phase(run, "resume", resume)
        online = await may_call(run, life)
        online = online and await network(run, "download", download)
        online = online and await network(run, "watch", watch)
        await tell_of_silence(run)
        await keep_books(run)
        rendezvous.arrive()
        arrived = True
        online = online and await _publish(run)
        online = online and await network(run, "dispatch", dispatch)
        online = online and await network(run, "confirm", confirm)
        await rendezvous.wait(run)
        online = online and await network(run, "publish", publish)
        if online:
            run.published()
        if online and run.status == "done":
            await _healthy(run, life)
    except LeaseLostError as error:
        lost(run, error)
    finally:
        if not arrived:
            rendezvous.arrive()


def looking_at(key: OrderKey) -> Task:
    """Return the task that looks at an order, then at others of its channel that are due for it, and reserves.

    The next runs do the rest.
    """

    async def look(run: ChannelRun, life: ChannelLife, rendezvous: Rendezvous) -> None:
        rendezvous.arrive()
        try:
            if await may_call(run, life):
                if not isinstance(run.channel, SupportsOrderLookup):
                    await network(run, "download", download)
                await network(run, "watch", lambda run: watch(run, first=key))
            await keep_books(run)
        except LeaseLostError as error:
            lost(run, error)

    return look


async def _publish(run: ChannelRun) -> bool:
    """Read back if it is time, then publish; where the channel shows sales not seen yet, download and publish again."""
    if not await network(run, "drift check", check_drift):
        return False
    conflicts: list[bool] = []

    async def once(run: ChannelRun) -> None:
        conflicts.append(await publish(run))

    online = await network(run, "publish", once)
    if online and any(conflicts):
        online = await network(run, "download", download)
        await _phase(run, "reserve", reserve)
        online = online and await network(run, "publish", publish)
    return online


def lost(run: ChannelRun, error: LeaseLostError) -> None:
    """Leave the channel to the runner that has taken it over."""
    run.status = "lost"
    run.remark("failed", error.code, run.phase, str(error))


async def keep_books(run: ChannelRun) -> None:
    """Decide what the settings decide, reserve, and mark what the listings must show; calls no channel."""
    await _phase(run, "resolve", resolve_conflicts)
    await _phase(run, "reserve", reserve)
    await _phase(run, "announce", announce)


async def _phase(run: ChannelRun, name: str, phase: Phase) -> None:
    run.begin_phase(name)
    await phase(run)


async def network(run: ChannelRun, name: str, phase: Phase) -> bool:
    """Run a phase that calls the channel; False when the channel cannot be called any more in this run."""
    run.begin_phase(name)
    try:
        await phase(run)
    except ChannelError as error:
        await _failed(run, error)
        return not isinstance(error, ChannelUnavailableError | ChannelAuthError)
    return True


async def _failed(run: ChannelRun, error: ChannelError) -> None:
    await run.failed(error)
    await _unhealthy(run, error)


async def may_call(run: ChannelRun, life: ChannelLife) -> bool:
    """Say whether the channel may be called: it is not resting, and passes its connection test if it needs one.

    A new channel needs one, and so does, in every run, one that refused our credentials: no rest delays that.
    """
    refused = life.trouble == ChannelAuthError.code
    if life.paused_until is not None and run.now() < life.paused_until and not refused:
        run.status = "paused"
        text = f"resting until {life.paused_until:%H:%M:%SZ} after {life.failures} failed runs"
        run.remark("failed", "PAUSED", "channel", text)
        return False
    if life.state is not ChannelState.DRAFT and not refused:
        return True
    try:
        await _phase(run, "connection test", _connect)
    except ChannelError as error:
        if refused and isinstance(error, ChannelAuthError):
            _pause_refused(run, life, error)
        else:
            await _failed(run, error)
        return False
    return await _state(run) is ChannelState.ENABLED


def _pause_refused(run: ChannelRun, life: ChannelLife, error: ChannelError) -> None:
    """Pause a channel that refuses our credentials once more; the first refusal was a failed run."""
    run.status = "paused"
    since = life.trouble_since or run.now()
    text = f"our credentials are refused since {since:%Y-%m-%d %H:%M:%SZ}; a person must authorize ordersync again"
    run.remark("failed", error.code, "channel", f"{text}, and the next run goes on")
    run.tell(CallFailed, phase=run.phase, code=error.code, message=str(error))


async def _connect(run: ChannelRun) -> None:
    """Try the connection test, once; a draft that passes is enabled, unless a person has switched it meanwhile.

    Any other that passes is well again.
    """
    await _test(run)
    await _hold(run)
    if await _state(run) is ChannelState.DRAFT:
        await run.storage.journal.enable(run.id, by="ordersync", why="the connection test passed", at=run.now())
    else:
        await run.storage.journal.set_health(run.id, at=run.now(), failures=0)


async def _test(run: ChannelRun) -> None:
    """Try the connection test, and note how it ended; what was said is noted with the errors."""
    await run.lease.keep()
    try:
        await run.caller.probe(run.channel.test_connection)
    except ChannelError as error:
        await run.write(EntryKind.CONNECTION_TEST, code=error.code)
        raise
    await run.write(EntryKind.CONNECTION_TEST, code="ok")


async def _hold(run: ChannelRun) -> None:
    """Raise ``LeaseLostError`` if another holder has begun; the journal itself compares no fence."""
    await run.storage.orders.fence(run.fence)


async def _state(run: ChannelRun) -> ChannelState:
    return (await run.storage.journal.life([run.id]))[run.id].state


async def _unhealthy(run: ChannelRun, error: ChannelError) -> None:
    """Count a failed run, once; a channel that does not answer rests after several in a row, or when it asks to.

    One that answers nonsense to some calls does not rest: the other calls may be well. Nor does one that refuses our
    credentials: each run tries its connection test.
    """
    await _hold(run)
    life = (await run.storage.journal.life([run.id]))[run.id]
    failures = life.failures + (run.status != "failed")
    run.status = "failed"
    rest = timedelta(0)
    if failures >= FAILURES_BEFORE_PAUSE and isinstance(error, ChannelUnavailableError):
        rest = min(timedelta(minutes=2 ** min(failures - FAILURES_BEFORE_PAUSE, 10)), LONGEST_PAUSE)
    asked = error.retry_after if isinstance(error, ChannelUnavailableError) else None
    if asked is not None:
        rest = max(rest, min(timedelta(seconds=asked), LONGEST_PAUSE))
    until = run.now() + rest if rest else None
    await run.storage.journal.set_health(
        run.id, at=run.now(), failures=failures, paused_until=until, trouble=error.code
    )


async def _healthy(run: ChannelRun, life: ChannelLife) -> None:
    if life.failures or life.trouble:
        await _hold(run)
        await run.storage.journal.set_health(run.id, at=run.now(), failures=0)
