"""GraphQL over HTTP: errors come with status 200."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ChannelAuthError, ChannelError, ChannelRejectedError, ChannelUnavailableError
from .answers import Answer
from .failures import Call, origin

NOT_AUTHORIZED = frozenset({"FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED", "ACCESS_DENIED"})
THROTTLED = frozenset({"THROTTLED", "TOO_MANY_REQUESTS", "RATE_LIMITED"})
REFUSED = frozenset(
    {"USER_INPUT_ERROR", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "ENTITY_NOT_FOUND"}
)
BROKEN = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def is_read(query: str) -> bool:
    """Tell whether a GraphQL text only reads."""
    return query.lstrip().startswith(("query", "{"))


def codes_of(errors: object) -> Sequence[str]:
    """Return the codes of GraphQL errors; what has none counts as ``UNKNOWN``."""
    return [_code(error) for error in errors] if isinstance(errors, list) else ["UNKNOWN"]


def refusal(call: Call, answer: Answer) -> ChannelError:
    """Return the error for an answer with GraphQL errors, by the first code that says what to do."""
    codes = codes_of(answer.json["errors"])
    told = f"{call}: answered {', '.join(dict.fromkeys(codes))}{origin(call, answer)}"
    if NOT_AUTHORIZED.intersection(codes):
        return ChannelAuthError(f"{told}; check {call.credentials} and what it permits, or authorize again")
    if THROTTLED.intersection(codes):
        return ChannelUnavailableError(f"{told}; the next run tries again", applied=False)
    if BROKEN.intersection(codes):
        return ChannelUnavailableError(f"{told}; the next run tries again", applied=call.unknown)
    told = f"{told}; correct what was sent, or have it done by hand on the channel"
    return ChannelRejectedError(told, applied=False if REFUSED.issuperset(codes) else call.unknown)


def _code(error: object) -> str:
    extensions: Any = error.get("extensions") if isinstance(error, Mapping) else None
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "UNKNOWN"
