"""The people who move goods and who say what is sold where: stocktakes, links, kits, rules, settings, switches."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import cast

import attrs

from ...errors import StorageUnavailableError
from ...model.ids import ChannelId
from ...model.listings import Listing
from ...model.stock import StockRule
from ...ports import OwnStockLedger
from .processes import Process, Stall
from .stage import SET, Stage

WHO = "Bob"
TRIES = 8
AT_A_BAD_MOMENT = 0.6
"""How often a link is taken away while its listing is worked on."""

MOMENTS = ("adopt_rule", "begin")
"""What programs do before they work out what to push, and when they have."""

LONGEST_WAIT_S = 240.0
LATEST = 3
"""How many of the latest orders a person looks at."""
MISTAKEN = 0.6
"""How often a link is taken away by mistake."""


class Steward:
    """Whoever keeps the shelves and the settings, at the storage as one process reaches it."""

    def __init__(self, stage: Stage, process: Process, chance: random.Random, numbers: Callable[[], int]) -> None:
        self.stage, self.chance, self._number, self._process = stage, chance, numbers, process
        storage = stage.reach(process)
        self._stock, self._listings, self._journal = (
            cast("OwnStockLedger", storage.stock),
            storage.listings,
            storage.journal,
        )

    async def _surely(self, verb: Callable[[], Awaitable[object]]) -> None:
        """Do it again until the storage says that it is done."""
        for _ in range(TRIES):
            try:
                await verb()
            except StorageUnavailableError:
                continue
            return

    def _place(self) -> str:
        return self.chance.choice(self.stage.locations)

    def _sku(self) -> str:
        return self.chance.choice(self.stage.skus)

    async def count(self) -> None:
        """Count what lies there."""
        sku, place, pieces, name = self._sku(), self._place(), self.chance.randint(0, 12), f"count/{self._number()}"
        at = self.stage.clock.now()
        await self._surely(
            lambda: self._stock.set_on_hand(sku, location=place, quantity=pieces, movement_id=name, at=at)
        )

    async def adjust(self) -> None:
        """Find some pieces, or miss some."""
        sku, place, pieces, name = (
            self._sku(),
            self._place(),
            self.chance.choice((-2, -1, 1, 3)),
            f"adjust/{self._number()}",
        )
        await self._surely(lambda: self._stock.adjust(sku, location=place, quantity=pieces, movement_id=name))

    async def transfer(self) -> None:
        """Bring pieces from one place to the other."""
        sku, pieces, name = self._sku(), self.chance.randint(1, 3), f"transfer/{self._number()}"
        source, destination = self.chance.sample(self.stage.locations, 2)
        await self._surely(
            lambda: self._stock.transfer(sku, source=source, destination=destination, quantity=pieces, movement_id=name)
        )

    async def link(self) -> None:
        """Say what a channel SKU means: one that was bought just now and means nothing, or else any."""
        channel = self._channel()
        sku = self.chance.choice(self._riddles(channel) or self.stage.channel_skus[channel])
        parts = self.chance.choice(
            ({self._sku(): 1}, {self._sku(): 2}, {self.stage.skus[0]: 1, self.stage.skus[-1]: 1})
        )
        await self._surely(lambda: self._listings.link(channel, sku, parts))

    async def unlink(self) -> None:
        """Let a channel SKU mean nothing; by mistake sometimes, and then it means again what it did."""
        bad_moment = self.chance.random() < AT_A_BAD_MOMENT
        listing = await self._under_way() if bad_moment else self._listing()
        if listing is None:
            return
        await self._surely(lambda: self._listings.unlink(listing.channel, listing.channel_sku))
        if self.chance.random() < MISTAKEN:
            await self._surely(
                lambda: self._listings.link(listing.channel, listing.channel_sku, listing.linked_to, rule=listing.rule)
            )

    async def _under_way(self) -> Listing | None:
        """Wait until a program does something about levels, if that is soon, and return a listing that it may be at."""
        moment = self.chance.choice(MOMENTS)
        self._process.stall = Stall(where=moment, skips=0, lasts_s=LONGEST_WAIT_S, rival=moment)
        self.stage.rivals.join(self._process)
        await self._process.step(moment)
        listings = [one for channel in self.stage.settings for one in self.stage.reader.listings(channel)]
        found = [one for one in listings if _is_under_way(one)]
        return self.chance.choice(found) if found else self._listing()

    async def rule(self) -> None:
        """Give a listing a rule of its own, or take it away."""
        listing = self._listing()
        if listing is not None:
            rule = None if listing.rule is not None else self._rule()
            await self._surely(
                lambda: self._listings.link(listing.channel, listing.channel_sku, listing.linked_to, rule=rule)
            )

    async def kit(self) -> None:
        """Make the set of other parts."""
        if SET in self.stage.reader.kits():
            parts = self.chance.choice(({self.stage.skus[0]: 1}, {self.stage.skus[0]: 1, self.stage.skus[-1]: 2}))
            await self._surely(lambda: self._listings.define_kit(SET, parts))

    async def settings(self) -> None:
        """Decide something else about a channel; programs learn of it when they read their configuration."""
        channel = self._channel()
        settings = self.stage.settings[channel]
        changes: Mapping[str, object] = self.chance.choice(
            (
                {"stock_rule": self._rule()},
                {"stock_rule": self._rule()},
                {"download_unpaid": not settings.download_unpaid},
                {"sweep_every": timedelta(minutes=self.chance.choice((10, 60)))},
                {"import_cancelled": not settings.import_cancelled},
            )
        )
        self.stage.settings[channel] = attrs.evolve(settings, **changes)  # type: ignore[arg-type]
        self.stage.trace.event("settings", str(channel), str(next(iter(changes))))

    async def switch(self) -> None:
        """Switch a channel off, or on again."""
        channel, at = self._channel(), self.stage.clock.now()
        if self.stage.reader.life(channel).state == "disabled":
            await self._surely(lambda: self._journal.enable(channel, by=WHO, at=at))
        else:
            await self._surely(lambda: self._journal.disable(channel, by=WHO, cause="holidays", at=at))

    def _riddles(self, channel: ChannelId) -> list[str]:
        """Return what was bought last there and means nothing here."""
        orders = list(self.stage.markets[channel].orders.values())
        linked = {listing.channel_sku for listing in self.stage.reader.listings(channel)}
        return [line.sku for order in orders[-LATEST:] for line in order.lines if line.sku not in linked]

    def _channel(self) -> ChannelId:
        return self.chance.choice(list(self.stage.settings))

    def _listing(self) -> Listing | None:
        found = self.stage.reader.listings(self._channel())
        return self.chance.choice(found) if found else None

    def _rule(self) -> StockRule:
        return self.stage.some_rule(self.chance)


def _is_under_way(listing: Listing) -> bool:
    """Say whether a level is on its way to a listing, or soon will be over one that is believed to be shown."""
    return listing.attempt_began is not None or (listing.wanted > listing.settled and listing.believed is not None)


STEWARDS: Mapping[str, Callable[[Steward], Awaitable[None]]] = {
    verb.__name__: verb
    for verb in (
        *(Steward.count, Steward.adjust, Steward.transfer, Steward.link, Steward.unlink, Steward.rule),
        *(Steward.kit, Steward.settings, Steward.switch),
    )
}
"""What a steward may do, by name."""
