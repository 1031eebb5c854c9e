"""Lets everything that can speak of a story speak, and keeps what it said."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from canaries_story import BY, Story
from ordersync import ChannelOrder, ChannelSettings, OrderPage, UnreadableOrder
from ordersync.doctor import Doctor, View
from ordersync.doctor.health_bundle import collect, pack
from ordersync.errors import OrderSyncError
from ordersync.model.ids import OrderKey
from ordersync.model.orders import Decision, Order
from ordersync.model.pages import ChangedOrder, PageWork
from runner.world import MARKET, ONCE, SHOP

VERBS = ("to_json", "to_dict", "to_markdown", "to_csv", "to_svg")


class Hearing:
    """All that was said, each with who said it; *frames*: errors with the variables of their tracebacks."""

    def __init__(self, *, frames: bool = True) -> None:
        self._frames = frames
        self.said: dict[str, str] = {}

    def hear(self, who: str, value: Any) -> None:  # noqa: ANN401 - whatever can speak
        """Take in what something says of itself: as text, as repr, and in every form that it can be written in."""
        forms = [str(value), repr(value), *(str(getattr(value, verb)()) for verb in VERBS if hasattr(value, verb))]
        if isinstance(value, OrderSyncError):
            forms.append(str(vars(value)))
        if isinstance(value, BaseException):
            forms += error_forms(value, frames=self._frames)
        self.said[f"{len(self.said)} {who}"] = "\n".join(forms)

    async def ask(self, who: str, verb: Awaitable[object]) -> None:
        """Take in what a verb answers, or raises."""
        try:
            self.hear(who, await verb)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it speaks
            self.hear(who, exc)

    def kinds(self) -> set[str]:
        """Return who spoke."""
        return {who.partition(" ")[2] for who in self.said}


def error_forms(error: BaseException, *, frames: bool) -> Iterator[str]:
    """Yield what an error says, its causes and its traceback, with the variables of every frame if asked for."""
    told: BaseException | None = error
    while told is not None:
        yield f"{told!r} {told.args!r} {told.__cause__!r} {told.__context__!r} {getattr(told, '__notes__', ())!r}"
        told = told.__cause__ or told.__context__
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=frames).format())


async def hear_everything(story: Story) -> Hearing:
    """Let everything speak."""
    hearing = Hearing()
    for kind, values in (("report", story.reports), ("event", story.events), ("error", story.errors)):
        for value in values:
            hearing.hear(kind, value)
    await _records(story, hearing)
    await _pages(story, hearing)
    await _refusals(story, hearing)
    doctor = Doctor([story.world.shop, story.world.market], story.storage, clock=story.clock, retry=ONCE)
    await _of_orders(story, hearing, doctor)
    await _of_channels(story, hearing, doctor)
    await _health(story, hearing, doctor)
    return hearing


async def _records(story: Story, hearing: Hearing) -> None:
    """Let what is stored be seen in a debugger, an assertion or a log of the host's."""
    orders, journal = story.storage.orders, story.storage.journal
    for key in story.keys(1) + story.keys(2):
        hearing.hear("stored", await orders.load([key]))
        hearing.hear("history", [*await orders.history(key), *await orders.decision_history(key)])
        hearing.hear("decision", await orders.decision(key))
        hearing.hear("notes", await orders.notes(key))
    for channel in (SHOP, MARKET):
        hearing.hear("quarantine", await orders.quarantined(channel))
        hearing.hear("progress", await orders.progress(channel))
        hearing.hear("listings", await story.storage.listings.of_channel(channel))
    hearing.hear("journal", await journal.entries(limit=1000))
    hearing.hear("life", await journal.life([SHOP, MARKET]))
    hearing.hear("storage", story.storage)


async def _pages(story: Story, hearing: Hearing) -> None:
    """Let what a channel shows, and what is made of it, be seen likewise."""
    key = OrderKey(SHOP, "open-1")
    order, decision = await story.storage.orders.get(key), await story.storage.orders.decision(key)
    page: OrderPage = await story.world.shop.fetch_orders(updated_since=None)
    unreadable = await story.world.shop.fetch_order("unreadable-1")
    for value in (page, *page.orders, *page.unreadable, unreadable, story.world.shop, story.world.shop.settings):
        hearing.hear(type(value).__name__, value)
    assert isinstance(unreadable, UnreadableOrder)
    assert decision is not None
    shown = page.orders[0]
    hearing.hear("page-work", _work(order, decision, shown, unreadable))
    hearing.hear("market-order", story.world.shop.orders["open-1"])


def _work(order: Order, decision: Decision, shown: ChannelOrder, unreadable: UnreadableOrder) -> PageWork:
    return PageWork(
        channel=SHOP,
        new=(order,),
        changed=(ChangedOrder(order=order, expect=1),),
        decisions=(attrs.evolve(decision, seen=shown),),
        raw={order.key: shown.raw or unreadable.payload},
    )


async def _refusals(story: Story, hearing: Hearing) -> None:
    """Let people ask for what cannot be."""
    desk, shop = story.world.desk, story.world.shop
    asked: list[Awaitable[object]] = [
        desk.process(OrderKey(SHOP, "cancelled-1")),
        desk.process(OrderKey(SHOP, "held-1")),
        desk.hold(OrderKey(SHOP, "done-1"), **BY),
        desk.restore(OrderKey(SHOP, "open-1"), **BY),
        desk.resolve(OrderKey(SHOP, "open-1"), "keep", **BY),
        desk.hold(OrderKey(SHOP, "open-1"), expect=99, **BY),
        desk.hold(OrderKey(SHOP, "unpaid-1"), **BY),
        desk.erase(OrderKey(SHOP, "never-read-1"), **BY),
        desk.requeue(OrderKey(SHOP, "done-1")),
        Doctor([shop], story.storage, clock=story.clock).lint(MARKET),
        story.storage.orders.save_page(await _impossible(story), fence=await _fence(story), at=story.clock.now()),
    ]
    for verb in asked:
        await hearing.ask("refusal", verb)


async def _of_orders(story: Story, hearing: Hearing, doctor: Doctor) -> None:
    mapped = [*story.keys(1), OrderKey(SHOP, "unheard-of")]
    for key in mapped:
        for live in (False, True):
            asked: dict[str, Any] = {"source": key.channel.source, "subsource": key.channel.subsource, "live": live}
            hidden = View(location="elsewhere", filters={"mine": lambda order: order.buyer is None})
            hearing.hear("explain", await doctor.explain(key.reference, **asked, view=hidden))
            hearing.hear("explain", await doctor.explain(key.reference, **asked, placed_at=story.clock.now()))
        await hearing.ask("timeline", doctor.timeline(key))


async def _of_channels(story: Story, hearing: Hearing, doctor: Doctor) -> None:
    other = ChannelSettings(download_unpaid=True, location="nowhere", import_shipped=True)
    for channel in (SHOP, MARKET):
        hearing.hear("simulate", await doctor.simulate(channel, settings=other))
        hearing.hear("lint", await doctor.lint(channel))
        hearing.hear("reconcile", await doctor.reconcile(channel))
        hearing.hear("why-quantity", await doctor.why_quantity(channel, channel_sku="MUG"))
        hearing.hear("replay", await doctor.replay(channel))
        hearing.hear("replay", await doctor.replay(channel, reference="unreadable-1"))
    hearing.hear("stock-history", await doctor.stock_history("MUG"))


async def _health(story: Story, hearing: Hearing, doctor: Doctor) -> None:
    channels = [story.world.shop, story.world.market]
    for live in (False, True):
        health = await doctor.check(live=live)
        hearing.hear("health", health)
        packed = pack(await collect(health, story.storage, channels), at=story.clock.now())
        with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
            hearing.hear("bundle", "\n".join(bundle.read(name).decode() for name in bundle.namelist()))


async def hear_commands(path: Path, hearing: Hearing) -> None:
    """Let the command line speak of a database, in processes of its own."""
    where = ["--storage", f"sqlite:///{path}"]
    bundle = path.with_suffix(".zip")
    explain = ["explain", "unreadable-later-1", "--source", SHOP.source, "--subsource", SHOP.subsource]
    for arguments in (["doctor", "--bundle", str(bundle)], [*explain, "--markdown"], [*explain, "--json"]):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "ordersync", *arguments, *where],
            capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        hearing.hear("command", done.stdout + done.stderr)
    with zipfile.ZipFile(bundle) as packed:
        hearing.hear("command", "\n".join(packed.read(name).decode() for name in packed.namelist()))
    bundle.unlink()


async def _fence(story: Story) -> Any:  # noqa: ANN401 - a proof
    lease = await story.storage.journal.lease(SHOP, holder="a test", duration=timedelta(minutes=5))
    assert lease is not None
    return lease.fence


async def _impossible(story: Story) -> PageWork:
    """Return a page that no storage can keep, with a person in it."""
    order = await story.storage.orders.get(OrderKey(SHOP, "open-2"))
    spoiled = attrs.evolve(order, key=OrderKey(SHOP, "impossible"), status=None)  # type: ignore[arg-type]
    return PageWork(channel=SHOP, new=(spoiled,))
