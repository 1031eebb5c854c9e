"""What a server answered, read within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import attrs
from yarl import URL

from ..structuring import parse_json
from .headers import server_time

EMPTY = (204, 205)
"""The statuses whose answers have no body."""


class UnusableAnswerError(Exception):
    """An answer is not what it should be; the text says why and quotes nothing of it."""


@attrs.frozen(kw_only=True)
class Answer:
    """An answer: ``json`` has fractions as ``Decimal``, and is None where there was no body.

    ``server_time`` is the server's clock from its ``Date`` header. Headers and body have no repr.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    json: Any = attrs.field(repr=False)
    server_time: datetime | None = None


async def read_answer(response: aiohttp.ClientResponse, *, limit: int, empty: bool) -> Answer:
    """Read an answer of at most *limit* bytes; raise ``UnusableAnswerError`` unless it is JSON.

    *empty* permits an answer without a body. What an answer with an error status says may be anything.
    """
    if 300 <= response.status < 400:  # noqa: PLR2004 - what redirects are
        raise UnusableAnswerError(f"is an unexpected redirect to {_target(response)}")
    headers = response.headers
    document = None
    try:
        body = await _bounded(response, limit)
        document = _document(response, body, empty=empty or response.status in EMPTY)
    except UnusableAnswerError:
        if response.ok:
            raise
    return Answer(status=response.status, headers=headers, json=document, server_time=server_time(headers))


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            response.close()
            raise UnusableAnswerError(f"is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _document(response: aiohttp.ClientResponse, body: bytes, *, empty: bool) -> object:
    if not body and empty:
        return None
    kind = response.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnusableAnswerError("is not JSON by its content type")
    try:
        return parse_json(body)
    except ValueError as error:
        defect = str(error)
    raise UnusableAnswerError(defect)


def _target(response: aiohttp.ClientResponse) -> str:
    try:
        return response.url.join(URL(response.headers.get("Location", ""))).authority
    except ValueError:
        return "nowhere"
