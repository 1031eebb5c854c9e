"""Scenes of settings that change, documents that wait, decisions that grow old, and credentials that are refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import attrs

from ordersync import ChannelOrder
from ordersync.errors import ChannelAuthError
from ordersync.model.settings import ChannelSettings, HostCheck

from .lines import Line
from .rest import come_to_rest
from .scenes import Scene, busy_day, first_day
from .world import World

REFUSED = ChannelAuthError("Shop/north: the token is refused; authorize ordersync again")

TO_ANNEX = {"annex": "depot"}
"""Where orders of one of the marketplace's places are saved to, and of no other."""


def _too_many(order: ChannelOrder) -> str | None:
    return "Who buys so much is asked first." if sum(line.quantity for line in order.lines) > 3 else None


def former(world: World) -> tuple[ChannelSettings, ChannelSettings]:
    """Return settings under which much is refused; sweeps are so rare that none makes up for what they miss."""
    shop = attrs.evolve(
        world.shop.settings,
        initial_from=world.clock.now() - timedelta(hours=1),
        checks=[HostCheck(code="TOO_MANY", refuses=_too_many)],
        sweep_every=timedelta(days=20),
    )
    market = attrs.evolve(world.market.settings, download_unpaid=False, location=TO_ANNEX)
    return shop, market


def changed(world: World) -> tuple[ChannelSettings, ChannelSettings]:
    """Return settings under which all of it is downloaded."""
    shop = attrs.evolve(
        world.shop.settings,
        initial_from=None,
        checks=(),
        download_unpaid=True,
        import_shipped=True,
        import_cancelled=True,
    )
    market = attrs.evolve(world.market.settings, download_unpaid=True, location="depot", import_cancelled=True)
    return shop, market


def set_up(world: World, settings: tuple[ChannelSettings, ChannelSettings]) -> None:
    """Give the shop and the marketplace these settings."""
    world.shop.settings, world.market.settings = settings


async def rules_change(world: World) -> None:
    """Orders were refused for all that settings can refuse, some have ended since; now the settings are others.

    The marketplace is read by sweeps alone, which do not show what has ended.
    """
    set_up(world, former(world))
    vars(world.market)["scan"] = "state"
    world.shop.place("1040", lines={"MUG-S": 1}, at=world.clock.now() - timedelta(days=1))
    world.shop.place("1041", lines={"CAP-S": 4})
    world.shop.place("1042", lines={"MUG-S": 2, "CAP-S": 2})
    world.market.place("2040", lines={"SET-M": 1}, location="annex")
    world.market.place("2041", lines={"SET-M": 1}, location="annex", paid=False)
    await first_day(world)
    world.market.spoil("2007", anonymous=True)
    await come_to_rest(world)
    await _life_goes_on(world)
    await come_to_rest(world)
    world.clock.advance(hours=2)
    world.shop.place("1046", lines={"MUG-S": 1})
    set_up(world, changed(world))


async def _life_goes_on(world: World) -> None:
    """Some of what was refused ends, and some is shown again; what was known of it is not the same any more."""
    world.shop.place("1043", lines={"MUG-S": 1})
    world.clock.advance(minutes=1)
    world.shop.cancel("1043")
    world.shop.ship_by_hand("1042")
    world.shop.place("1044", lines={"CAP-S": 5})
    world.market.place("2042", lines={"MUG-M": 2})
    world.clock.advance(minutes=1)
    world.shop.edit("1044", {"CAP-S": 4})
    world.market.cancel("2041")
    world.market.mend("2007")
    world.clock.advance(hours=1)


async def rules_are_strict(world: World) -> None:
    """All was downloaded; more is bought, and just now the settings have become those that refuse it.

    The newest order moves the watermark so far that no scan reaches back to the others.
    """
    await rules_change(world)
    await come_to_rest(world)
    world.clock.advance(hours=1)
    world.shop.place("1047", lines={"CAP-S": 4})
    world.shop.place("1048", lines={"MUG-S": 2, "CAP-S": 2})
    world.market.place("2047", lines={"MUG-M": 1})
    world.clock.advance(minutes=1)
    world.shop.cancel("1048")
    world.clock.advance(minutes=20)
    world.shop.place("1049", lines={"MUG-S": 1})
    set_up(world, former(world))


async def old_decisions(world: World) -> None:
    """Much was decided that nobody needs to know any more: about orders that are over, and before they changed."""
    for market in world.marketplaces:
        market.settings = attrs.evolve(market.settings, keep_decisions=timedelta(days=1))
    await busy_day(world)
    await come_to_rest(world)
    world.clock.advance(hours=30)
    world.shop.place("1050", lines={"MUG-S": 1})
    world.market.place("2050", lines={"SET-M": 1})
    world.market.pay("2002", silently=True)


async def credentials_are_refused(world: World) -> None:
    """It is a busy day, and the shop has withdrawn our credentials in its middle."""
    await busy_day(world)
    world.shop.fail_next("*", REFUSED, times=None)


async def credentials_are_renewed(world: World) -> None:
    """The shop has refused them for two runs, and takes them again."""
    await credentials_are_refused(world)
    for _ in range(2):
        await world.run()
        world.clock.advance(minutes=7)
    world.shop.recover()
    world.shop.place("1051", lines={"CAP-S": 1})


async def _nothing(_world: World) -> None:
    """Let nothing else happen."""


async def _recover(world: World) -> None:
    world.shop.recover()


async def _days_pass(world: World) -> None:
    """Let what a cut run has not forgotten be forgotten by the next sweeps."""
    for _ in range(2):
        await come_to_rest(world)
        world.clock.advance(hours=30)


async def _run(line: Line) -> None:
    await line.run()


async def _replay(line: Line) -> None:
    await line.replay()


@attrs.frozen
class Course:
    """A scene, what is done behind it, and what happens then, whatever became of that."""

    scene: Scene
    work: Callable[[Line], Awaitable[None]] = _run
    then: Scene = _nothing


COURSES: Mapping[str, Course] = {
    "settings that changed": Course(rules_change),
    "documents that are replayed": Course(rules_change, _replay),
    "decisions that grew old": Course(old_decisions, then=_days_pass),
    "credentials that are refused": Course(credentials_are_refused, then=_recover),
    "credentials that are renewed": Course(credentials_are_renewed),
}
"""What is swept, by what it is about."""
