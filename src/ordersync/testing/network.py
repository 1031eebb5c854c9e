"""How the way to a served marketplace misbehaves: answers that are wrong, late, or never come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import attrs
from aiohttp import web

When = Literal["before", "after"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HTML = "<!doctype html><html><body>Sign in to continue</body></html>"


@attrs.define(kw_only=True)
class _Fault:
    path: str
    when: When
    times: int
    seconds: float = 0.0
    drop: bool = False
    status: int = 0
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str = ""


class BadNetwork:
    """What goes wrong with the next requests to a path, decided beforehand.

    *when*: ``"before"``, the request never reaches the marketplace; ``"after"``, it takes effect there. Each
    request meets one fault at most, in the order in which they were planned.
    """

    def __init__(self) -> None:
        """Let everything go well."""
        self._faults: list[_Fault] = []

    def answer(
        self,
        path: str,
        status: int,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        when: When = "before",
        times: int = 1,
    ) -> None:
        """Answer the next *times* requests to *path* and below with this."""
        fault = _Fault(path=path, when=when, times=times, status=status, body=body, headers=headers or {})
        self._faults.append(fault)

    def answer_html(self, path: str, *, status: int = 200, when: When = "before", times: int = 1) -> None:
        """Answer with a page for people, as a captive portal does."""
        self.answer(path, status, body=HTML, headers={"Content-Type": "text/html"}, when=when, times=times)

    def drop(self, path: str, *, when: When = "after", times: int = 1) -> None:
        """Cut the connection instead of answering."""
        self._faults.append(_Fault(path=path, when=when, times=times, drop=True))

    def hang(self, path: str, seconds: float, *, when: When = "after", times: int = 1) -> None:
        """Let *seconds* of real time pass before the effect, or between the effect and the answer.

        A request that hangs ``"before"`` takes effect late, also when nobody waits for its answer any more.
        """
        self._faults.append(_Fault(path=path, when=when, times=times, seconds=seconds))

    def recover(self) -> None:
        """Let everything go well again."""
        self._faults.clear()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Stand between the server's door and its handlers."""
        fault = self._take(request.path)
        if fault is None:
            return await handler(request)
        response = await handler(request) if fault.when == "after" else None
        wrong = await _go_wrong(request, fault)
        if wrong is not None:
            return wrong
        return await handler(request) if response is None else response

    def _take(self, path: str) -> _Fault | None:
        for fault in self._faults:
            if path.startswith(fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None


async def _go_wrong(request: web.Request, fault: _Fault) -> web.StreamResponse | None:
    if fault.seconds:
        await request.read()  # or the request would be lost when its sender hangs up
        await asyncio.sleep(fault.seconds)
        return None
    if fault.drop:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
    return web.Response(status=fault.status, body=fault.body.encode(), headers=fault.headers)
