"""A proxy before a server that keeps an answer back, after the server did the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import hdrs, web

HOP_BY_HOP = {hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.CONNECTION, hdrs.CONTENT_ENCODING}


class SlowAnswers:
    """Passes requests on; an answer to a request that holds ``text`` is kept back for as long as it lasts."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.text: bytes | None = None
        self.kept_back = 0

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Let the server answer; maybe tell nobody."""
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.title() not in HOP_BY_HOP}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(self._target, data=body, headers=headers) as answer,
        ):
            content = await answer.read()
            passed = {name: value for name, value in answer.headers.items() if name.title() not in HOP_BY_HOP}
        if self.text is not None and self.text in body:
            self.kept_back += 1
            await asyncio.sleep(30)
        return web.Response(status=answer.status, body=content, headers=passed)


@asynccontextmanager
async def slow_answers(target: str) -> AsyncIterator[tuple[SlowAnswers, str]]:
    """Serve a proxy on loopback; yields it and its URL."""
    proxy = SlowAnswers(target)
    app = web.Application()
    app.router.add_post("/admin-api", proxy.pass_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield proxy, f"http://127.0.0.1:{runner.addresses[0][1]}/admin-api"
    finally:
        await runner.cleanup()
