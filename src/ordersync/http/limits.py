"""How long a request may take, how large its answer may be, and what a host may replace."""

from __future__ import annotations

import ssl
from datetime import timedelta

import attrs

from ..clock import Clock, SystemClock
from ..model.fields import is_a, optional
from .pace import Rate


@attrs.frozen(kw_only=True)
class Limits:
    """The bounds of one request.

    ``total`` reaches from the first byte sent to the last one read, the renewal of a token included;
    ``connect`` and ``read`` bound the waits within it. ``slot`` is how long a request may wait for the rate
    limit before it starts. ``answer_bytes`` counts what has been decompressed, ``page_items`` the orders or
    listings of a page.
    """

    total: timedelta = timedelta(seconds=30)
    connect: timedelta = timedelta(seconds=4)
    read: timedelta = timedelta(seconds=20)
    slot: timedelta = timedelta(seconds=10)
    answer_bytes: int = 10 * 1024 * 1024
    page_items: int = 10_000


@attrs.frozen(kw_only=True)
class Transport:
    """What a host may replace of a channel's way to its API.

    ``limits`` and ``rate`` are the channel class's own unless given. Certificates are always checked; a host
    with an authority of its own gives an ``ssl_context``. ``allow_http`` permits plain HTTP to another
    machine, where everybody on the way can read the credentials; to this machine it is always permitted.
    """

    limits: Limits | None = attrs.field(default=None, validator=optional(is_a(Limits)))
    rate: Rate | None = attrs.field(default=None, validator=optional(is_a(Rate)))
    ssl_context: ssl.SSLContext | None = attrs.field(default=None, validator=optional(is_a(ssl.SSLContext)))
    allow_http: bool = False
    clock: Clock = attrs.field(factory=SystemClock)
