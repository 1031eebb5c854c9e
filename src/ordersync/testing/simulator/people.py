"""People, each doing something every now and then until the chaos is over."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

from ...errors import OrderSyncError
from ...model.ids import ChannelId
from .clerks import CLERKS, Clerk, Papers
from .desks import DeskPrograms
from .hosts import HOSTS, Host
from .market import Crowd
from .options import DESK_DEEDS
from .processes import ProcessDied
from .stage import Stage
from .warehouse import STEWARDS, Steward


class Crowds:
    """The buyers and the staff of every market."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def lives(self) -> list[Coroutine[Any, Any, None]]:
        """Return what happens at each market."""
        return [self._live(channel) for channel in self._stage.markets]

    async def _live(self, channel: ChannelId) -> None:
        stage, chance = self._stage, self._stage.chances.child(f"crowd {channel}")
        crowd = Crowd(
            stage.markets[channel],
            chance,
            stage.options.market_deeds,
            stored=lambda form: stage.is_stored(channel, form.reference),
        )
        while True:
            await asyncio.sleep(stage.options.market_pause_s * chance.uniform(0.1, 1.9))
            if stage.over:
                return
            done = crowd.act()
            if done is not None:
                stage.trace.event(f"market {done}", str(channel))


class Staff:
    """Everybody here: whoever is at a desk, in the warehouse, or at the settings.

    Several do things at once, and where the program of one hangs, the others go on.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage, self._chance = stage, stage.chances.child("staff")
        self._papers = Papers()
        self._programs = DeskPrograms(stage, stage.chances.child("desk accidents"))
        self._numbers = itertools.count(1)

    def lives(self) -> list[Coroutine[Any, Any, None]]:
        """Return what happens at each desk."""
        return [self._live() for _ in range(self._stage.options.desks)]

    async def _live(self) -> None:
        """Do one thing after the other."""
        stage, chance = self._stage, self._chance
        pause_s = stage.options.desk_pause_s * stage.options.desks
        weights = [stage.options.desk_deeds.get(deed, 0.0) for deed in DESK_DEEDS]
        while not stage.over:
            await asyncio.sleep(pause_s * chance.uniform(0.1, 1.9))
            if not stage.over:
                (deed,) = chance.choices(list(DESK_DEEDS), weights=weights)
                await self._do(deed)

    async def _do(self, deed: str) -> None:
        """Do one thing; whatever ordersync refuses is left, and a bug is found."""
        stage, process = self._stage, self._programs.start()
        stage.trace.event(f"desk {deed}")
        try:
            if deed in CLERKS:
                await CLERKS[deed](Clerk(stage, process, self._chance, self._papers))
            elif deed in HOSTS:
                await HOSTS[deed](Host(stage, self._chance))
            else:
                await STEWARDS[deed](Steward(stage, process, self._chance, lambda: next(self._numbers)))
        except OrderSyncError as refused:
            stage.trace.event("desk refused", deed, refused.code)
        except ProcessDied:
            pass
        except Exception as bug:  # noqa: BLE001 - told as what it is
            stage.referee.crashed(f"desk {deed}", bug)
