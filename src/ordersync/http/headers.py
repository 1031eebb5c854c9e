"""Times in response headers, none of which can be trusted to be well-formed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ..model.fields import EARLIEST, LATEST

LONGEST_WAIT = timedelta(days=1)
"""A longer wait than this is taken for nonsense."""

REQUEST_IDS = ("X-Request-Id", "Request-Id", "X-Amzn-RequestId", "X-Correlation-Id", "X-Trace-Id", "CF-Ray")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:=/-]{1,80}")
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_EPOCH = 1_000_000_000


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's clock from its ``Date`` header."""
    return _date(headers.get("Date", ""))


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id that the server gave the request, for its support to find it by; None unless it looks like one."""
    told = (headers.get(name, "") for name in REQUEST_IDS)
    return next((one for one in told if _REQUEST_ID.fullmatch(one)), None)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the wait that a ``Retry-After`` asks for, given in seconds or as a date."""
    return seconds_until(headers.get("Retry-After", ""), server_time(headers))


def seconds_until(text: str, now: datetime | None) -> timedelta | None:
    """Read a wait given in seconds, as seconds since 1970, or as an HTTP date; None for nonsense.

    *now* is the server's own clock: ours may differ from the one that the date was made by.
    """
    wait: timedelta | None
    moment = _date(text)
    if _SECONDS.fullmatch(text) is None:
        wait = moment - now if moment and now else None
    elif float(text) < _EPOCH:
        wait = timedelta(seconds=float(text))
    else:
        wait = timedelta(seconds=float(text) - now.timestamp()) if now else None
    return wait if wait is not None and timedelta(0) <= wait <= LONGEST_WAIT else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None
