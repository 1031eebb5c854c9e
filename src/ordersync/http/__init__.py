"""Channels that speak HTTP: session, authorization, rate limit, and what answers mean."""

from __future__ import annotations

from .answers import Answer
from .auth import BasicAuth, BearerAuth
from .channel import HTTPChannel
from .failures import Call
from .limits import Limits, Transport
from .pace import Allowance, Rate

__all__ = [
    "Allowance",
    "Answer",
    "BasicAuth",
    "BearerAuth",
    "Call",
    "HTTPChannel",
    "Limits",
    "Rate",
    "Transport",
]
