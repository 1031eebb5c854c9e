"""GraphQL over HTTP: what is wrong comes with status 200."""

from __future__ import annotations

import json
from typing import Any

import pytest

from http_channel.serving import Acme, asking, saying
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.http import Answer, Call

MUTATION = "mutation ($id: ID!) { ship(id: $id) { id } }"


def refusing(*codes: str | None) -> dict[str, Any]:
    """Return an answer with these errors."""
    errors = [{"message": "CANARY", "extensions": {"code": code}} for code in codes]
    return {"errors": errors, "data": None}


async def test_data_is_the_answer() -> None:
    """The answer to a query is its data; text and variables go as they are."""
    async with asking(saying({"data": {"orders": []}})) as (channel, server):
        answer = await channel.graphql("query ($n: Int) { orders(take: $n) { id } }", {"n": 3})

    assert answer.json == {"orders": []}
    assert answer.server_time is not None
    sent = json.loads(server.asked[0].body)
    assert sent == {"query": "query ($n: Int) { orders(take: $n) { id } }", "variables": {"n": 3}}
    assert server.asked[0].target == "/api"


@pytest.mark.parametrize(
    ("codes", "kind", "applied"),
    [
        (["FORBIDDEN"], ChannelAuthError, False),
        (["UNAUTHENTICATED"], ChannelAuthError, False),
        (["BAD_USER_INPUT", "ACCESS_DENIED"], ChannelAuthError, False),
        (["THROTTLED"], ChannelUnavailableError, False),
        (["INTERNAL_SERVER_ERROR"], ChannelUnavailableError, None),
        (["USER_INPUT_ERROR"], ChannelRejectedError, False),
        (["GRAPHQL_VALIDATION_FAILED"], ChannelRejectedError, False),
        ([None], ChannelRejectedError, None),
        (["ODD"], ChannelRejectedError, None),
    ],
)
async def test_code_decides_the_error(
    codes: list[str | None],
    kind: type[ChannelError],
    applied: bool | None,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The code of an error says what to do next, and whether the effect can have taken place."""
    async with asking(saying(refusing(*codes))) as (channel, _):
        with pytest.raises(ChannelError) as caught:
            await channel.graphql(MUTATION, {"id": "CANARY"})

    assert type(caught.value) is kind
    assert caught.value.applied is applied
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("document", [[], {}, {"data": None}, {"data": []}, {"errors": []}, {"data": "x"}, 7, None])
async def test_nonsense_is_a_response_error(document: object) -> None:
    """A document that is no GraphQL answer is an error."""
    async with asking(saying(document)) as (channel, _):
        with pytest.raises(ChannelResponseError):
            await channel.graphql("{ me { id } }")


@pytest.mark.parametrize("errors", ["x", [1], [{}], [{"extensions": 3}], [{"extensions": {"code": "a b\nc"}}]])
async def test_nonsense_in_errors_is_a_refusal(errors: object) -> None:
    """Errors of another shape are still errors, and nothing of them is quoted."""
    async with asking(saying({"errors": errors})) as (channel, _):
        with pytest.raises(ChannelRejectedError, match="answered UNKNOWN by "):
            await channel.graphql("{ me { id } }")


async def test_query_that_fails_has_changed_nothing() -> None:
    """What only reads has no effect, and everything else has unless it says otherwise."""
    async with asking(saying({}, status=500)) as (channel, _):
        for text, effect, applied in (
            ("query { me { id } }", None, False),
            ("  { me { id } }", None, False),
            (MUTATION, None, None),
            ("fragment F on X { id } mutation { a { ...F } }", None, None),
            (MUTATION, False, False),
        ):
            with pytest.raises(ChannelError) as caught:
                await channel.graphql(text, effect=effect)
            assert caught.value.applied is applied


async def test_channel_knows_its_own_codes() -> None:
    """A channel with codes of its own says what they mean."""

    class Picky(Acme):
        def graphql_failure(self, call: Call, answer: Answer) -> ChannelError:
            """Take every error for a request to come back."""
            return ChannelUnavailableError(f"{call}: {len(answer.json['errors'])} to do later", applied=False)

    async with asking(saying(refusing("COME_BACK")), kind=Picky) as (channel, _):
        with pytest.raises(ChannelUnavailableError, match="Acme/one: POST /: 1 to do later"):
            await channel.graphql(MUTATION)
