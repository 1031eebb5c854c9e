"""The base of channels that speak HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import aiohttp
import attrs
from aiohttp import ClientMiddlewareType
from cattrs import Converter
from yarl import URL

from ..channel import Channel
from ..errors import (
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    ConfigurationError,
)
from ..model.ids import ChannelId
from ..model.settings import ChannelSettings
from ..structuring import MALFORMED, dump_json, explain, strict_converter
from .addresses import BaseAddress, Path, shown
from .answers import Answer, UnusableAnswerError, read_answer
from .failures import Call, bad_status, no_answer, nonsense
from .graphql import is_read, refusal
from .headers import server_time
from .limits import Limits, Transport
from .pace import Allowance, Pacer, Rate, allowance_of
from .sending import never_again, without_cookies

T = TypeVar("T")

KEEP_ALIVE_S = 4
"""Shorter than the 5 s of Node and Uvicorn: an effect on a connection that the server just closed is unknown."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})


@attrs.frozen
class Unsaid:
    """What is sent, without a repr: it may hold secrets and buyers."""

    value: Any = attrs.field(repr=False)


class HTTPChannel(Channel):
    """A channel behind an HTTP API with JSON; one request is one try, whose failure is a ``ChannelError``.

    An author writes the verbs of ``Channel`` with ``request`` or ``graphql``, and may override what the API
    does in its own way: ``failure`` (an answer with an error status), ``graphql_failure``, ``allowance`` (what
    headers say about the rate limit). Class attributes give the first guess of the rate, the bounds of a
    request, the converter that structures answers, and what errors call the arguments that hold the credentials;
    ``headers`` go with each request.

    *session* is used when it is given, and left open; else ``open`` makes one, without cookies and without
    proxies from the environment. *auth* is an aiohttp client middleware: ``BearerAuth``, ``BasicAuth`` or any
    other callable. Redirects are not followed: they would carry credentials to another address.
    """

    limits: ClassVar[Limits] = Limits()
    rate: ClassVar[Rate | None] = None
    converter: ClassVar[Converter] = strict_converter()
    credentials: ClassVar[str] = "auth"

    def __init__(
        self,
        channel_id: ChannelId,
        *,
        base_url: str,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - frozen
        auth: ClientMiddlewareType | None = None,
        session: aiohttp.ClientSession | None = None,
        transport: Transport = Transport(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(channel_id, settings=settings)
        try:
            self._address = BaseAddress(base_url, allow_http=transport.allow_http)
        except ValueError as error:
            raise ConfigurationError(f"{channel_id}: {error}") from None
        self._auth = auth
        self._transport = transport
        self._limits = transport.limits or self.limits
        self._given_session = session
        self._session = session
        self._pacer: Pacer | None = None
        self._clock_offset: timedelta | None = None
        self.headers = {"Accept": "application/json", "User-Agent": "ordersync"}

    async def open(self) -> None:
        """Make what belongs to the running event loop: the session, unless one was given, and the pacer."""
        if self._given_session is None and self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        self._pacer = Pacer(self._transport.rate or self.rate, self._transport.clock)

    async def aclose(self) -> None:
        """Close the session that ``open`` made."""
        session, self._session = self._session, self._given_session
        self._pacer = None
        if session is not None and session is not self._given_session:
            await session.close()

    @property
    def clock_offset(self) -> timedelta | None:
        """Return how far the server's clock was ahead of ours in its last answer with a date; None before any.

        It is as exact as the ``Date`` header: to a second and the time that the answer took.
        """
        return self._clock_offset

    async def request(
        self,
        method: str,
        path: Path,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        effect: bool | None = None,
        authorized: bool = True,
    ) -> Answer:
        """Send one request and return its answer; raise a ``ChannelError`` for anything but success.

        *path* is below the base address: percent-encoded text, or segments such as ``("orders", reference)``
        which are quoted here. *effect* says whether the request changes something on the channel; unless
        given, all but GET do. It decides ``applied`` of an error: a read that fails has changed nothing.
        """
        effect = method not in READING if effect is None else effect
        call = self._call(method, shown(path), effect=effect)
        options: dict[str, Any] = {"params": params, "headers": {**self.headers}}
        if json is not None:
            options["data"] = dump_json(json.value if isinstance(json, Unsaid) else json)
            options["headers"]["Content-Type"] = "application/json"
        middlewares: list[ClientMiddlewareType] = [without_cookies]
        if effect:
            middlewares.append(never_again)
        if authorized and self._auth is not None:
            middlewares.append(self._auth)
        options["middlewares"] = middlewares
        sending = Unsaid(options)
        del params, json, options  # an error shows its frames to whoever captures their variables
        answer = await self._answer(call, path, sending)
        if 200 <= answer.status < 300:  # noqa: PLR2004 - what success is
            return answer
        raise self.failure(call, answer)

    async def graphql(
        self,
        query: str,
        variables: Mapping[str, object] | None = None,
        *,
        effect: bool | None = None,
        authorized: bool = True,
    ) -> Answer:
        """Ask the GraphQL API at the base address; the answer's ``json`` is its ``data``.

        Unless *effect* is given, every text but a query counts as one that changes something.
        """
        effect = not is_read(query) if effect is None else effect
        question = Unsaid({"query": query, "variables": variables or {}})
        del variables
        answer = await self.request("POST", "", json=question, effect=effect, authorized=authorized)
        call = self._call("POST", "/", effect=effect)
        if not isinstance(answer.json, dict):
            raise nonsense(call, "is not GraphQL")
        if answer.json.get("errors"):
            raise self.graphql_failure(call, answer)
        if not isinstance(answer.json.get("data"), dict):
            raise nonsense(call, "is not GraphQL")
        return attrs.evolve(answer, json=answer.json["data"])

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Return the error for an answer whose status is none of success."""
        return bad_status(call, answer)

    def graphql_failure(self, call: Call, answer: Answer) -> ChannelError:
        """Return the error for an answer that holds GraphQL errors."""
        return refusal(call, answer)

    def allowance(self, headers: Mapping[str, str], now: datetime | None) -> Allowance:
        """Read from an answer's headers what the rate limit allows; *now* is the server's clock."""
        return allowance_of(headers, now)

    def next_page(self, link: str) -> str:
        """Return the path of a link to the next page; it must lead to the same API."""
        try:
            return self._address.next_page(link)
        except ValueError as error:
            defect = f"holds a link that {error}"
        raise nonsense(self._call("GET", "/", effect=False), defect)

    def understood(self, document: object, kind: type[T], *, effect: bool = False) -> T:
        """Structure an answer as *kind*; raise ``ChannelResponseError`` when it does not fit.

        *effect* says whether the answer is that of a request with an effect, which is then unknown.
        """
        try:
            return self.converter.structure(document, kind)
        except MALFORMED as error:
            told = explain(error)
        del document
        raise ChannelResponseError(
            f"{self.id}: the answer does not fit ({told}); check whether the channel has changed its API",
            applied=None if effect else False,
        )

    def page_items(self, items: object) -> Sequence[Any]:
        """Return the items of a page; raise ``ChannelResponseError`` unless it is a list of sane length."""
        call = self._call("GET", "/", effect=False)
        if not isinstance(items, list):
            raise nonsense(call, "holds no list where its items belong")
        if len(items) > self._limits.page_items:
            raise nonsense(call, f"holds more than {self._limits.page_items} items")
        return items

    def _call(self, method: str, path: str, *, effect: bool) -> Call:
        return Call(
            channel=self.id,
            method=method,
            path=path,
            effect=effect,
            host=self._address.host,
            credentials=self.credentials,
        )

    async def _answer(self, call: Call, path: Path, sending: Unsaid) -> Answer:
        if self._session is None or self._pacer is None:
            raise RuntimeError(f"{self.id} is not open; use 'async with'")
        url = self._url(call, path)
        await self._slot(call, self._pacer)
        try:
            return await self._exchange(self._session, self._pacer, call, url, sending)
        except (aiohttp.ClientError, TimeoutError) as error:
            failure: ChannelError = no_answer(call, error)
        except UnusableAnswerError as error:
            failure = nonsense(call, str(error))
        except ChannelError as error:  # of whoever gets new tokens; its frames are aiohttp's, with all that was sent
            failure = error.with_traceback(None)
        raise failure  # out here, or it would carry aiohttp's error along, and the headers with it

    async def _exchange(
        self, session: aiohttp.ClientSession, pacer: Pacer, call: Call, url: URL, sending: Unsaid
    ) -> Answer:
        async with (
            asyncio.timeout(self._limits.total.total_seconds()),
            session.request(call.method, url, **self._bounds(), **sending.value) as response,
        ):
            self._learn(pacer, response.headers)
            return await read_answer(response, limit=self._limits.answer_bytes, empty=call.effect)

    def _learn(self, pacer: Pacer, headers: Mapping[str, str]) -> None:
        told = server_time(headers)
        # An answer out of a cache has an age, and the date of when it was made.
        if told is not None and "Age" not in headers:
            self._clock_offset = told - self._transport.clock.now()
        pacer.learn(self.allowance(headers, told))

    def _url(self, call: Call, path: Path) -> URL:
        try:
            return self._address.below(path)
        except ValueError as error:
            defect = str(error)
        raise ChannelRejectedError(f"{call}: {defect}; nothing on the channel can have such a name")

    async def _slot(self, call: Call, pacer: Pacer) -> None:
        wait = await pacer.slot(self._limits.slot)
        if wait is not None:
            raise ChannelUnavailableError(
                f"{call}: not sent, since the channel's rate limit is used up; the next try waits",
                applied=False,
                retry_after=wait.total_seconds(),
            )

    def _bounds(self) -> Mapping[str, Any]:
        connect = self._limits.connect.total_seconds()
        return {
            "allow_redirects": False,
            "raise_for_status": False,
            "ssl": self._transport.ssl_context or True,
            "timeout": aiohttp.ClientTimeout(
                total=None, connect=connect, sock_connect=connect, sock_read=self._limits.read.total_seconds()
            ),
        }
