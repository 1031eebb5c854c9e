"""Every cause that an order can be missing for, as something that is done to a small world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

import attrs

from ordersync import (
    ChannelId,
    ChannelOrder,
    ChannelSettings,
    OrderDesk,
    OrderKey,
    OrderPage,
    PaymentStatus,
    Storage,
    SyncRunner,
)
from ordersync.channel import Channel
from ordersync.doctor import CheckResult, Doctor, Explanation, View
from ordersync.errors import ChannelAuthError, ChannelUnavailableError
from ordersync.model.channel_orders import Diagnosis
from ordersync.model.settings import HostCheck, StatusMapping
from ordersync.sync.retry import RetryPolicy
from ordersync.testing import FakeMarketplace, ManualClock

SHOP = ChannelId("Shop", "north")
REFERENCE = "1001"
DOWN = ChannelUnavailableError("down")
KEY = OrderKey(SHOP, REFERENCE)
ONCE = RetryPolicy(attempts=1)
BY_ADA = {"who": "Ada", "why": "she says so"}
WORDS = StatusMapping(version="v1", paid=["Ready"], unpaid=["Awaiting payment"], shipped=["Shipped"], ignored=["Quote"])


class Shop(FakeMarketplace):
    """A marketplace that may hide orders from its lists, and whose author knows of one more trap."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(*arguments, **options)
        self.hidden: set[str] = set()
        self.trap: Diagnosis | None = None

    async def fetch_orders(self, **scan: Any) -> OrderPage:  # noqa: ANN401 - as its base
        """Return a page without what is hidden."""
        page = await super().fetch_orders(**scan)
        return attrs.evolve(page, orders=[order for order in page.orders if order.reference not in self.hidden])

    async def diagnose(self, reference: str, *, order: ChannelOrder | None, live: bool) -> Sequence[Diagnosis]:
        """Return the trap."""
        assert order is None or order.reference == reference
        return () if self.trap is None or not live else [self.trap]


class Scene:
    """A shop, a storage, and somebody who looks for order 1001."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage, self.clock = storage, clock
        self.settings = ChannelSettings()
        self.words = False
        self.view = View()
        self.registered = True
        self.placed_at = clock.now()
        self.shop = Shop(SHOP, clock=clock)

    def speak_words(self) -> None:
        """Let the shop define its own status words, mapped by the settings."""
        self.words = True
        self.shop = Shop(SHOP, clock=self.clock, requires_status_mapping=True)
        self.settings = attrs.evolve(self.settings, status_mapping=WORDS)

    @property
    def channel(self) -> Channel:
        """Return the shop as the settings of this moment have it."""
        return self.shop.with_settings(self.settings)

    @property
    def desk(self) -> OrderDesk:
        """Return the desk."""
        return OrderDesk(self.storage, clock=self.clock)

    @property
    def doctor(self) -> Doctor:
        """Return the doctor; another channel is registered, too, where the shop is not."""
        other = Shop(ChannelId("Other", "shop"), clock=self.clock)
        return Doctor([self.channel] if self.registered else [other], self.storage, clock=self.clock, retry=ONCE)

    async def run(self, *, minutes: float = 10) -> None:
        """Let time pass, and run once, with the shop if it is registered."""
        self.clock.advance(minutes=minutes)
        channels = [self.channel] if self.registered else []
        await SyncRunner(channels, self.storage, clock=self.clock, retry=ONCE).run_once()

    async def explain(self, *, live: bool = True) -> Explanation:
        """Ask why order 1001 is missing."""
        return await self.doctor.explain(
            REFERENCE, source="Shop", subsource="north", live=live, view=self.view, placed_at=self.placed_at
        )


Step = Callable[[Scene], Awaitable[object] | None]


async def take(scene: Scene, *steps: Step) -> None:
    """Let things happen."""
    for step in steps:
        done = step(scene)
        if done is not None:
            await done


def check(found: Explanation, name: str) -> CheckResult:
    """Return one check of an explanation."""
    return next(one for one in found.checks if one.name == name)


def place(scene: Scene) -> None:
    """Sell two mugs and a lid."""
    scene.shop.place(REFERENCE, lines={"MUG": 2, "LID": 1})


async def run(scene: Scene) -> None:
    """Run once."""
    await scene.run()


def settings(**changes: object) -> Step:
    """Return the step that decides something else."""

    def step(scene: Scene) -> None:
        scene.settings = attrs.evolve(scene.settings, **changes)  # type: ignore[arg-type]

    return step


def at_shop(verb: str, *arguments: object, **options: object) -> Step:
    """Return the step that does something to the order at the shop."""

    def step(scene: Scene) -> None:
        getattr(scene.shop, verb)(REFERENCE, *arguments, **options)

    return step


def at_desk(verb: str, **options: object) -> Step:
    """Return the step that does something to the order here."""
    return lambda scene: getattr(scene.desk, verb)(KEY, **options)


def fault(error: Exception) -> Step:
    """Return the step after which every call to the shop fails, and a run has met it."""

    async def step(scene: Scene) -> None:
        scene.shop.fail_next("*", error, times=None)
        await scene.run()

    return step


async def rest(scene: Scene) -> None:
    """Let run after run fail, until the channel rests for long, and let the shop be well again."""
    scene.shop.fail_next("*", ChannelUnavailableError("down"), times=None)
    for _ in range(8):
        await scene.run(minutes=31)
    scene.shop.recover()


async def disable(scene: Scene) -> None:
    """Let somebody disable the channel."""
    await scene.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=scene.clock.now())


def look_from(location: str) -> Step:
    """Return the step after which somebody looks at one location."""

    def step(scene: Scene) -> None:
        scene.view = attrs.evolve(scene.view, location=location)

    return step


def filter_by(name: str, *, shows: bool) -> Step:
    """Return the step after which a filter is set."""

    def step(scene: Scene) -> None:
        scene.view = attrs.evolve(scene.view, filters={**scene.view.filters, name: lambda _: shows})

    return step


def unregister(scene: Scene) -> None:
    """Forget to register the channel."""
    scene.registered = False


def hide(scene: Scene) -> None:
    """Let the shop show the order to who asks for it, and in no list."""
    scene.shop.hidden.add(REFERENCE)


def trap(scene: Scene) -> None:
    """Let the shop list nothing, for a reason that the channel's author knows of."""
    scene.shop.hidden.add(REFERENCE)
    scene.shop.trap = Diagnosis(code="SHOP_CLOSED", sentence="The shop is closed.", next_step="open it")


TOO_EARLY = timedelta(days=1)


def begin_later(scene: Scene) -> None:
    """Take no order placed before tomorrow."""
    scene.settings = attrs.evolve(scene.settings, initial_from=scene.clock.now() + TOO_EARLY)


REFUSED = HostCheck(code="TOO_HEAVY", refuses=lambda _: "It is too heavy.")


@attrs.frozen(kw_only=True)
class Cause:
    """One cause: its code, what brings it about, and with which others it cannot be at once.

    ``kind``: "screen" is where somebody looks, "person" what somebody did to the stored order, "channel" what happened
    to the channel, "order" what its channel or the settings say of the order, and "reading" what the runs have done.
    ``words``: the shop defines its own status words.
    """

    code: str
    kind: str
    step: Step
    words: bool = False
    alone: Collection[str] = ()


UNHEARD = ("NOT_ON_CHANNEL", "SHOP_CLOSED", "UNEXPLAINED")
"""What only a channel that answers can tell."""

OUTAGES = ("AUTH_FAILED", "NOT_CONNECTED", "CHANNEL_RESTING")
ENDED = ("CANCELLED_ON_CHANNEL", "SHIPPED_BEFORE_DOWNLOAD")
WORDS_ONLY = ("STATUS_UNKNOWN", "STATUS_IGNORED", *ENDED, "NOT_PAID")
"""Behind a word that means nothing, or nothing wanted, these say nothing."""

CAUSES: Sequence[Cause] = (
    Cause(code="OTHER_LOCATION", kind="screen", step=look_from("depot")),
    Cause(code="HIDDEN_BY_VIEW", kind="screen", step=filter_by("mine", shows=False)),
    Cause(code="PROCESSED", kind="person", step=at_desk("process"), alone=("CANCELLED", "DELETED_HERE")),
    Cause(code="CANCELLED", kind="person", step=at_desk("cancel", **BY_ADA), alone=("DELETED_HERE",)),
    Cause(code="DELETED_HERE", kind="person", step=at_desk("delete", **BY_ADA)),
    Cause(code="CHANNEL_UNKNOWN", kind="channel", step=unregister, alone=("CHANNEL_DISABLED", *OUTAGES, *UNHEARD)),
    Cause(code="CHANNEL_DISABLED", kind="channel", step=disable, alone=OUTAGES),
    Cause(code="AUTH_FAILED", kind="channel", step=fault(ChannelAuthError("revoked")), alone=(*OUTAGES, *UNHEARD)),
    Cause(code="NOT_CONNECTED", kind="channel", step=fault(DOWN), alone=(*OUTAGES, *UNHEARD)),
    Cause(code="CHANNEL_RESTING", kind="channel", step=rest),
    Cause(code="UNREADABLE", kind="order", step=at_shop("spoil"), alone=(*WORDS_ONLY, "BEFORE_INITIAL_FROM")),
    Cause(code="STATUS_UNKNOWN", kind="order", step=at_shop("set_status", "Limbo"), words=True, alone=WORDS_ONLY),
    Cause(code="STATUS_IGNORED", kind="order", step=at_shop("set_status", "Quote"), words=True, alone=WORDS_ONLY),
    Cause(code="CANCELLED_ON_CHANNEL", kind="order", step=at_shop("cancel"), alone=(*ENDED, "NOT_PAID")),
    Cause(code="SHIPPED_BEFORE_DOWNLOAD", kind="order", step=at_shop("ship_by_hand"), alone=("NOT_PAID",)),
    Cause(code="NOT_PAID", kind="order", step=at_shop("pay", payment=PaymentStatus.UNPAID)),
    Cause(code="BEFORE_INITIAL_FROM", kind="order", step=begin_later),
    Cause(code="NO_LOCATION", kind="order", step=settings(location={"L9": "main"}), alone=("UNREADABLE",)),
    Cause(code="TOO_HEAVY", kind="order", step=settings(checks=[REFUSED]), alone=("UNREADABLE",)),
    Cause(code="NOT_ON_CHANNEL", kind="reading", step=at_shop("remove"), alone=("NOT_READ_YET", "UNEXPLAINED")),
    Cause(code="SHOP_CLOSED", kind="reading", step=trap, alone=("UNEXPLAINED",)),
    Cause(code="NOT_READ_YET", kind="reading", step=lambda _: None, alone=("UNREADABLE", "UNEXPLAINED")),
    Cause(code="UNEXPLAINED", kind="reading", step=hide, alone=("UNREADABLE", "CHANNEL_RESTING", "CHANNEL_DISABLED")),
)
"""All causes, in the order in which they are checked."""
