"""Which error an answer, or its absence, becomes.

Every text names channel, method, path and next step. None holds a query, a header or a body, and no error
keeps aiohttp's own as its cause: that holds the request's headers, credentials among them.
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
from .headers import retry_after
from .pace import LONGEST_PAUSE

TOO_MANY_REQUESTS = 429
NOT_AUTHORIZED = (401, 403)
TOO_LATE_OR_TOO_EARLY = (408, 425)


@attrs.frozen(kw_only=True)
class Call:
    """A request as errors tell of it. A call without *effect* changes nothing on the channel."""

    channel: ChannelId
    method: str
    path: str
    effect: bool

    @property
    def unknown(self) -> bool | None:
        """Return ``applied`` for a call of which nobody can know whether it was carried out."""
        return None if self.effect else False

    def __str__(self) -> str:
        """Return channel, method and path."""
        return f"{self.channel}: {self.method} {self.path}"


def no_answer(call: Call, error: aiohttp.ClientError | TimeoutError, *, host: str) -> ChannelError:
    """Return the error for a request that was not answered to its end."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch):
        told = f"{call}: the certificate of {host} is not valid; have it renewed, or correct base_url"
        return ChannelUnavailableError(told, applied=False)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        told = f"{call}: {host} cannot be reached; the next run tries again"
        return ChannelUnavailableError(told, applied=False)
    if isinstance(error, TimeoutError):
        told = f"{call}: no answer in time; the next run tries again"
        return ChannelUnavailableError(told, applied=call.unknown)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return nonsense(call, "is not HTTP")
    told = f"{call}: the connection broke before the answer was complete; the next run tries again"
    return ChannelUnavailableError(told, applied=call.unknown)


def nonsense(call: Call, defect: str) -> ChannelResponseError:
    """Return the error for an answer that cannot be understood."""
    told = f"{call}: the answer {defect}; check base_url, and whether the channel has changed its API"
    return ChannelResponseError(told, applied=call.unknown)


def bad_status(call: Call, answer: Answer) -> ChannelError:
    """Return the error for an answer whose status is none of success."""
    told = f"{call}: answered {answer.status}"
    wait = _wait(answer.headers)
    if answer.status == TOO_MANY_REQUESTS:
        told = f"{told}, too many requests; the next try waits {_in_words(wait)}"
        return ChannelUnavailableError(told, applied=False, retry_after=wait)
    if answer.status in NOT_AUTHORIZED:
        return ChannelAuthError(f"{told}; authorize again, or check what the credentials permit")
    if answer.status >= 500 or answer.status in TOO_LATE_OR_TOO_EARLY:  # noqa: PLR2004 - server errors begin there
        told = f"{told}; the next run tries again"
        return ChannelUnavailableError(told, applied=call.unknown, retry_after=wait)
    return ChannelRejectedError(f"{told}; correct what was sent, or have it done by hand on the channel")


def _wait(headers: Mapping[str, str]) -> float | None:
    wait = retry_after(headers)
    return None if wait is None else min(wait, LONGEST_PAUSE).total_seconds()


def _in_words(wait: float | None) -> str:
    return "a while" if wait is None else f"{timedelta(seconds=round(wait))}"
