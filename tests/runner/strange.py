"""Marketplaces that break a law which a fake one keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync import ChannelId, OrderPage
from ordersync.errors import ChannelUnavailableError
from ordersync.testing import FakeMarketplace


class Looping(FakeMarketplace):
    """Hands out the same page token for ever."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Return the first page, and say that there are more."""
        page = await super().fetch_orders(updated_since=updated_since)
        return attrs.evolve(page, next_cursor="again")


class BareList(FakeMarketplace):
    """Returns a list where a page is asked for."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> Any:  # noqa: ANN401
        """Return the orders without a page around them."""
        return list((await super().fetch_orders(updated_since=updated_since, cursor=cursor)).orders)


class Prepared(FakeMarketplace):
    """Shows prepared pages, whatever is asked for."""

    def __init__(self, channel_id: ChannelId, pages: Sequence[OrderPage], **options: Any) -> None:  # noqa: ANN401
        """Hold these pages."""
        super().__init__(channel_id, **options)
        self.pages = pages

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Return the page that the token names."""
        number = int(cursor or 0)
        last = number + 1 >= len(self.pages)
        return attrs.evolve(self.pages[number], next_cursor=None if last else f"{number + 1}")


def die_at(method: str, call: int) -> Callable[[str, str], Awaitable[None]]:
    """Return what makes a marketplace die, for good, when *method* is called for the *call*-th time from now on."""
    asked = 0

    async def on_call(called: str, when: str) -> None:
        nonlocal asked
        asked += called == method and when == "before"
        if asked >= call:
            raise ChannelUnavailableError("connection refused; it is tried again in the next run", applied=False)

    return on_call
