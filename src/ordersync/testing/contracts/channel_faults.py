"""The laws of bad days: which error each misbehaviour becomes, and that the channel survives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp
import pytest

from ...channel import SupportsListings, SupportsOrderLookup
from ...errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ..network import BadNetwork
from .blocking import nothing_blocks
from .channel_harness import ChannelHarness, find, note_for, scan, update
from .laws import Contract, law

EVERYWHERE = "/"
ALWAYS = 1_000_000
TURNS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)
"""After how many turns of the event loop a verb is cancelled."""

OK = 200
VERBS = ("fetch_orders", "push_stock", "send_dispatch")
READS = ("fetch_orders",)
JSON = {"Content-Type": "application/json"}
NONSENSE = ("", "[", '{"orders": [', "{}{}", "null", '"text"', "[[[[]]]]", '{"data": {}}', '{"n": NaN}')
"""Answers with status 200 that are no answers."""

Verb = Callable[[], Coroutine[Any, Any, object]]


class FaultLaws(Contract[ChannelHarness]):
    """How a channel fails."""

    @law
    async def test_too_many_requests(self, harness: ChannelHarness) -> None:
        """429 is an outage without an effect, and says how long the channel asked to wait."""
        for name, error in (await _failures(harness, 429, headers={"Retry-After": "7"})).items():
            assert isinstance(error, ChannelUnavailableError), name
            assert error.applied is False, name
            assert error.retry_after == 7, name

    @law
    async def test_broken_server(self, harness: ChannelHarness) -> None:
        """5xx is an outage, and of an effect nobody knows."""
        for status in (500, 502, 503, 504):
            failures = await _failures(harness, status, body="<html>sorry</html>")
            for name, error in failures.items():
                assert isinstance(error, ChannelUnavailableError), (name, status)

    @law
    async def test_refused_credentials(self, harness: ChannelHarness) -> None:
        """401 and 403 ask for a person."""
        for status in (401, 403):
            for name, error in (await _failures(harness, status)).items():
                assert isinstance(error, ChannelAuthError), (name, status)

    @law
    async def test_refused_request(self, harness: ChannelHarness) -> None:
        """Other statuses of the client's fault are a refusal without an effect."""
        for status in (400, 409, 418, 422):
            for name, error in (await _failures(harness, status, headers=JSON, body="{}")).items():
                assert isinstance(error, ChannelRejectedError), (name, status)
                assert error.applied is False, (name, status)

    @law
    async def test_page_for_people(self, harness: ChannelHarness) -> None:
        """A web page where data were due is a nonsense answer, and never an empty list."""
        failures = await _failures(harness, 200, headers={"Content-Type": "text/html"}, body="<html></html>")
        for name, error in failures.items():
            assert isinstance(error, ChannelResponseError), name

    @law
    async def test_nonsense(self, harness: ChannelHarness) -> None:
        """JSON that is cut, doubled or of another shape is a nonsense answer to a read, and never an empty list."""
        for body in NONSENSE:
            failures = await _failures(harness, 200, headers=JSON, body=body, names=READS)
            for name, error in failures.items():
                assert isinstance(error, ChannelResponseError), (name, body)

    @law
    async def test_redirect(self, harness: ChannelHarness) -> None:
        """A redirect is not followed."""
        for status in (301, 302, 307, 308):
            target = {"Location": "http://127.0.0.1:9/elsewhere"}
            for name, error in (await _failures(harness, status, headers=target)).items():
                assert isinstance(error, ChannelResponseError), (name, status)

    @law
    async def test_cut_connection(self, harness: ChannelHarness) -> None:
        """A connection that is cut is an outage."""
        network = _network(harness)
        for name, verb in (await _verbs(harness)).items():
            network.drop(EVERYWHERE, when="before", times=ALWAYS)
            error = await _failure(verb)
            network.recover()
            assert isinstance(error, ChannelUnavailableError), name

    @law
    async def test_lost_answer_hides_an_effect(self, harness: ChannelHarness) -> None:
        """When every answer is lost, an effect is unknown: an error never claims that it has not happened."""
        network = _network(harness)
        mug = harness.skus[0]
        before = (await harness.known_levels())[mug]
        network.drop(EVERYWHERE, when="after", times=ALWAYS)
        error = await _failure(lambda: harness.channel.push_stock([update(mug, 3)]))
        network.recover()

        if (await harness.known_levels())[mug] != before:
            assert error.applied is not False

    @law
    async def test_error_tells_nothing_of_the_answer(self, harness: ChannelHarness) -> None:
        """What an answer says is in no error: it may be a buyer's name, or a key."""
        headers = {**JSON, "X-Secret": "CANARY"}
        body = '{"errors": [{"message": "CANARY"}], "name": "CANARY", "CANARY": 1}'
        for status in (200, 400, 401, 429, 500):
            names = READS if status == OK else VERBS
            failures = await _failures(harness, status, headers=headers, body=body, names=names)
            for name, error in failures.items():
                told = f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
                assert "CANARY" not in told, (name, status)
                assert str(harness.channel.id) in str(error), (name, status)

    @law
    async def test_channel_works_after_a_bad_day(self, harness: ChannelHarness) -> None:
        """After failures of every kind the channel works as before."""
        reference = await harness.place_order({harness.skus[0]: 1})
        for status in (400, 401, 429, 500):
            await _failures(harness, status)
        network = _network(harness)
        network.drop(EVERYWHERE, times=2)
        with contextlib.suppress(ChannelError):
            await harness.channel.fetch_orders(updated_since=None)
        network.recover()

        assert reference in [order.reference for order in await scan(harness.channel)]

    @law
    async def test_cancelled_call_leaves_a_usable_channel(self, harness: ChannelHarness) -> None:
        """A call may be cancelled at any of its awaits; the next one works, and an effect is whole or not there."""
        mug = harness.skus[0]
        reference = await harness.place_order({mug: 1})
        await harness.channel.push_stock([update(mug, 7)])
        verbs: tuple[Verb, ...] = (
            lambda: harness.channel.fetch_orders(updated_since=None),
            lambda: harness.channel.push_stock([update(mug, 3, attempt=2)]),
        )
        for verb in verbs:
            for turns in TURNS:
                await _cancelled(verb, turns)
        assert (await harness.known_levels())[mug] in (3, 7)
        assert reference in [order.reference for order in await scan(harness.channel)]
        await harness.channel.push_stock([update(mug, 5, attempt=3)])
        assert (await harness.known_levels())[mug] == 5

    @law
    async def test_cancelled_wait_leaves_a_usable_channel(self, harness: ChannelHarness) -> None:
        """A call that is cancelled while the server is silent leaves no lock and no broken session behind."""
        network = _network(harness)
        for verb in (await _verbs(harness)).values():
            network.hang(EVERYWHERE, 30, when="before", times=ALWAYS)
            task = asyncio.ensure_future(verb())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            network.recover()

        await harness.channel.push_stock([update(harness.skus[0], 4)])
        assert (await harness.known_levels())[harness.skus[0]] == 4

    @law
    async def test_closed_channel_can_be_opened_again(self, harness: ChannelHarness) -> None:
        """A channel may be closed twice, and works once it is opened again."""
        reference = await harness.place_order({harness.skus[0]: 1})
        await harness.channel.aclose()
        await harness.channel.aclose()
        await harness.channel.open()

        assert reference in [order.reference for order in await scan(harness.channel)]

    @law
    async def test_borrowed_session_stays_open(self, harness: ChannelHarness) -> None:
        """A session that was given is used, and left open for its owner."""
        async with aiohttp.ClientSession() as session:
            try:
                borrower = harness.borrowing(session)
            except NotImplementedError:
                pytest.skip("the harness lends no session")
            async with borrower:
                await borrower.fetch_orders(updated_since=None)
            assert not session.closed, "the channel closed a session that it does not own"

    @law
    async def test_connection_can_be_tested(self, harness: ChannelHarness) -> None:
        """A channel that works passes its own test, and one whose credentials are refused does not."""
        await harness.channel.test_connection()

        network = _network(harness)
        network.answer(EVERYWHERE, 401, times=ALWAYS)
        with pytest.raises(ChannelAuthError):
            await harness.channel.test_connection()

    @law
    async def test_nothing_blocks_the_event_loop(self, harness: ChannelHarness) -> None:
        """No call blocks the event loop: not with another HTTP client, not with a file, not with sleep."""
        channel = harness.channel
        reference = await harness.place_order({harness.skus[0]: 1})
        with nothing_blocks(channel):
            await channel.test_connection()
            order = await find(channel, reference)
            await channel.push_stock([update(harness.skus[0], 4)])
            await channel.send_dispatch(note_for(channel, order))
            if isinstance(channel, SupportsOrderLookup):
                await channel.fetch_order(reference)
            if isinstance(channel, SupportsListings):
                await channel.fetch_listings()


async def _verbs(harness: ChannelHarness, names: tuple[str, ...] = VERBS) -> Mapping[str, Verb]:
    """Return a call of each verb, prepared so that it would succeed."""
    channel, sku = harness.channel, harness.skus[0]
    verbs: dict[str, Verb] = {
        "fetch_orders": lambda: channel.fetch_orders(updated_since=None),
        "push_stock": lambda: channel.push_stock([update(sku, 3)]),
    }
    if "send_dispatch" in names:
        note = note_for(channel, await find(channel, await harness.place_order({sku: 1})))
        verbs["send_dispatch"] = lambda: channel.send_dispatch(note)
    return {name: verbs[name] for name in names}


async def _failures(
    harness: ChannelHarness,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    body: str = "",
    names: tuple[str, ...] = VERBS,
) -> Mapping[str, ChannelError]:
    """Return what each verb ends in while every request is answered like this."""
    network = _network(harness)
    verbs = await _verbs(harness, names)
    network.answer(EVERYWHERE, status, headers=headers, body=body, times=ALWAYS)
    try:
        return {name: await _failure(verb) for name, verb in verbs.items()}
    finally:
        network.recover()


async def _failure(verb: Verb) -> Any:  # noqa: ANN401 - whichever ChannelError
    with pytest.raises(ChannelError) as caught:
        await verb()
    return caught.value


def _network(harness: ChannelHarness) -> BadNetwork:
    if harness.network is None:
        pytest.skip("the harness has no network that could misbehave")
    return harness.network


async def _cancelled(verb: Verb, turns: int) -> None:
    task = asyncio.ensure_future(verb())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
