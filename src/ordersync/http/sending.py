"""Client middlewares that every request goes through, whoever owns the session."""

from __future__ import annotations

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ServerDisconnectedError,
)


class ConnectionLostError(ClientError):
    """The connection broke, and the request may have been carried out."""


async def never_again(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending a request twice.

    It repeats a PUT or DELETE by itself when a kept connection breaks, whether or not the server had
    carried it out; what it does not know as a lost connection, it does not repeat.
    """
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError):
        pass
    raise ConnectionLostError


async def without_cookies(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send no cookie: a session of the host may hold one, and some servers let it outrank the authorization."""
    request.headers.popall("Cookie", None)
    return await handler(request)
