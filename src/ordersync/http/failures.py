"""Which error an answer, or its absence, becomes.

Every text names channel, method, path and next step, and, where it may be wrong, the setting to look at. None
holds a query or a body, or of the headers anything but the request's id, and no error keeps aiohttp's own as its
cause: that holds the request's headers, credentials among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import aiohttp
import attrs

from ..errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ..model.ids import ChannelId
from .answers import Answer
from .headers import request_id, retry_after
from .pace import LONGEST_PAUSE

TOO_MANY_REQUESTS = 429
NOT_AUTHORIZED = 401
FORBIDDEN = 403
NOT_THERE = (404, 405, 410)
TOO_LATE_OR_TOO_EARLY = (408, 425)


@attrs.frozen(kw_only=True)
class Call:
    """A request as errors tell of it. A call without *effect* changes nothing on the channel.

    ``host`` is host and port of the API; ``credentials`` names the arguments that hold the channel's credentials.
    """

    channel: ChannelId
    method: str
    path: str
    effect: bool
    host: str = "the server"
    credentials: str = "auth"

    @property
    def unknown(self) -> bool | None:
        """Return ``applied`` for a call of which nobody can know whether it was carried out."""
        return None if self.effect else False

    def __str__(self) -> str:
        """Return channel, method and path."""
        return f"{self.channel}: {self.method} {self.path}"


def no_answer(call: Call, error: aiohttp.ClientError | TimeoutError) -> ChannelError:
    """Return the error for a request that was not answered to its end."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch):
        told = f"{call}: the certificate of {call.host} is not valid; have it renewed, or correct base_url"
        return ChannelUnavailableError(told, applied=False)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        told = f"{call}: {call.host} cannot be reached, {_obstacle(error)}; check base_url; the next run tries again"
        return ChannelUnavailableError(told, applied=False)
    if isinstance(error, TimeoutError):
        told = f"{call}: no answer of {call.host} in time; the next run tries again"
        return ChannelUnavailableError(told, applied=call.unknown)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return nonsense(call, "is not HTTP")
    told = f"{call}: the connection broke before the answer was complete; the next run tries again"
    return ChannelUnavailableError(told, applied=call.unknown)


def nonsense(call: Call, defect: str) -> ChannelResponseError:
    """Return the error for an answer that cannot be understood."""
    told = f"{call}: the answer of {call.host} {defect}; check base_url, and whether the channel has changed its API"
    return ChannelResponseError(told, applied=call.unknown)


def bad_status(call: Call, answer: Answer) -> ChannelError:
    """Return the error for an answer whose status is none of success."""
    told = f"{call}: answered {answer.status}{origin(call, answer)}"
    wait = _wait(answer.headers)
    if answer.status == TOO_MANY_REQUESTS:
        told = f"{told}, too many requests; the next try waits {_in_words(wait)}"
        return ChannelUnavailableError(told, applied=False, retry_after=wait)
    if answer.status == NOT_AUTHORIZED:
        return ChannelAuthError(f"{told}; the credentials are refused: check {call.credentials}, or authorize again")
    if answer.status == FORBIDDEN:
        return ChannelAuthError(f"{told}; check what {call.credentials} permits, or authorize again with more rights")
    if answer.status >= 500 or answer.status in TOO_LATE_OR_TOO_EARLY:  # noqa: PLR2004 - server errors begin there
        told = f"{told}; the next run tries again"
        return ChannelUnavailableError(told, applied=call.unknown, retry_after=wait)
    hint = "check base_url if no call succeeds, else " if answer.status in NOT_THERE else ""
    return ChannelRejectedError(f"{told}; {hint}correct what was sent, or have it done by hand on the channel")


def origin(call: Call, answer: Answer) -> str:
    """Say who answered, and under which id its support can find the request."""
    found = request_id(answer.headers)
    return f" by {call.host}" + ("" if found is None else f" (request id {found})")


def _obstacle(error: aiohttp.ClientError | TimeoutError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "nobody knows that name"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "it speaks no TLS there"
    return "it accepts no connection"


def _wait(headers: Mapping[str, str]) -> float | None:
    wait = retry_after(headers)
    return None if wait is None else min(wait, LONGEST_PAUSE).total_seconds()


def _in_words(wait: float | None) -> str:
    return "a while" if wait is None else f"{timedelta(seconds=round(wait))}"
