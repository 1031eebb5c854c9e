"""Authorization, as client middlewares: objects that add what a request needs, and show it to nobody."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

TokenSource = Callable[[], Awaitable[str]]
"""Gets a new token, and raises ``ChannelAuthError`` when a person must authorize again."""

TokenHook = Callable[[str], Awaitable[None]]

UNAUTHORIZED = 401


class BasicAuth:
    """User name and password, sent with each request."""

    def __init__(self, user: str, password: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request with its credentials."""
        request.headers["Authorization"] = self._header
        return await handler(request)

    def __repr__(self) -> str:
        """Say what it is and nothing else."""
        return "<BasicAuth>"


class BearerAuth:
    """A token, sent with each request and renewed when the server refuses it.

    *token_source* is asked for the first token unless *token* is one, and again when a request is answered
    with 401; that request is then sent once more. However many requests find a token refused, it is renewed
    once. *on_token_refreshed* gets each new token and returns before the token is used, so that one which
    replaces another for good is stored before anything depends on it.
    """

    def __init__(
        self,
        token_source: TokenSource,
        *,
        token: str | None = None,
        on_token_refreshed: TokenHook | None = None,
    ) -> None:
        self._source = token_source
        self._token = token
        self._on_token_refreshed = on_token_refreshed
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request with a token, and once more with a new one if that is refused."""
        token = await self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = await handler(request)
        if response.status != UNAUTHORIZED:
            return response
        response.close()
        request.headers["Authorization"] = f"Bearer {await self.renewed(token)}"
        return await handler(request)

    async def token(self) -> str:
        """Return the token in use, the first time a new one."""
        return self._token if self._token is not None else await self.renewed(None)

    async def renewed(self, refused: str | None) -> str:
        """Return a token other than the *refused* one; of many callers at once, one gets it for all."""
        async with self._single_flight():
            if self._token is None or self._token == refused:
                fresh = await self._source()
                if self._on_token_refreshed is not None:
                    await self._on_token_refreshed(fresh)
                self._token = fresh
            return self._token

    def _single_flight(self) -> asyncio.Lock:
        """Return this loop's lock; a host may run one loop after another."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]

    def __repr__(self) -> str:
        """Say what it is and nothing else."""
        return "<BearerAuth>"
