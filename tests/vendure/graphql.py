"""Ask one GraphQL API in one session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

TIME_LIMIT = aiohttp.ClientTimeout(total=30)


class GraphQLError(Exception):
    """The answer was an error where the tests wanted a result."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to one request."""

    status: int
    token: str | None
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """Give the answer's data; raise when there are errors, also those inside of a result."""
        if self.status != 200 or self.body.get("errors"):
            raise GraphQLError(f"{self.status}: {self.body}")
        data: dict[str, Any] = self.body["data"]
        for name, result in data.items():
            if isinstance(result, dict) and "errorCode" in result:
                raise GraphQLError(f"{name}: {result}")
        return data

    @property
    def code(self) -> str | None:
        """Give the code of the first error; a database error has none."""
        errors = self.body.get("errors") or [{}]
        code: str | None = errors[0].get("extensions", {}).get("code")
        return code


class Api:
    """One GraphQL address and the session token that it gave."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self._http = http
        self.url = url
        self.token = token

    async def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Give the data that answers *query*; raise GraphQLError for any error."""
        return (await self.answer(query, **variables)).data

    async def answer(self, query: str, **variables: object) -> Answer:
        """Give the whole answer, good or bad, and keep the session token that came with it."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        question = {"query": query, "variables": variables}
        async with self._http.post(self.url, json=question, headers=headers, timeout=TIME_LIMIT) as response:
            token = response.headers.get("vendure-auth-token")
            # Beside a refusal the header is there and empty.
            self.token = token or self.token
            return Answer(response.status, token, await response.json())
