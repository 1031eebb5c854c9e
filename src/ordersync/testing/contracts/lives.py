"""The contract of every journal: where channels stand."""

from __future__ import annotations

from ...model.ids import ChannelId, OrderKey
from ...model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from ...ports import Journal
from ..builders import NOON, SHOP
from .laws import Contract, law
from .leases import taken
from .steps import HOUR, MARKET, MINUTE


class LifeLaws(Contract[Journal]):
    """Where channels stand."""

    @law
    async def test_unheard_of_channel_is_a_draft(self, journal: Journal) -> None:
        """A channel that nobody switched is a draft in good health."""
        await journal.enable(MARKET, by="host", at=NOON)

        assert (await journal.life([SHOP]))[SHOP] == ChannelLife(channel=SHOP)
        assert await journal.life([]) == {}

    @law
    async def test_switching_is_kept_with_its_reason(self, journal: Journal) -> None:
        """A channel that was switched tells to what, why, by whom and since when."""
        at = NOON.replace(microsecond=1)
        await journal.enable(SHOP, by="connection test", at=NOON, why="it passed ✓")
        await journal.enable(MARKET, by="host", at=at)
        life = await journal.life([SHOP, MARKET])
        assert life == {
            SHOP: ChannelLife(
                channel=SHOP, state=ChannelState.ENABLED, cause="it passed ✓", by="connection test", since=NOON
            ),
            MARKET: ChannelLife(channel=MARKET, state=ChannelState.ENABLED, by="host", since=at),
        }

        await journal.disable(SHOP, by="Grete", cause="holidays", at=at)
        assert (await journal.life([SHOP]))[SHOP] == ChannelLife(
            channel=SHOP, state=ChannelState.DISABLED, cause="holidays", by="Grete", since=at
        )

    @law
    async def test_switching_is_an_entry(self, journal: Journal) -> None:
        """Each switch is an entry of the channel, with its time."""
        await journal.enable(SHOP, by="host", at=NOON)
        await journal.disable(SHOP, by="host", cause="holidays", at=NOON + MINUTE)

        found = await journal.entries(channel=SHOP, kinds=[EntryKind.CHANNEL_SWITCHED])
        assert [entry.at for entry in found] == [NOON + MINUTE, NOON]
        assert list(await journal.entries(channel=MARKET)) == []

    @law
    async def test_health_is_kept_beside_the_state(self, journal: Journal) -> None:
        """Failed runs and the pause after them are kept, whatever the channel's state, and do not change it."""
        paused_until = NOON.replace(microsecond=7)
        await journal.set_health(SHOP, at=NOON, failures=1)
        await journal.enable(MARKET, by="host", at=NOON)
        await journal.set_health(MARKET, at=NOON, failures=3, paused_until=paused_until)

        life = await journal.life([SHOP, MARKET])
        assert life[SHOP] == ChannelLife(channel=SHOP, failures=1)
        assert life[MARKET].state is ChannelState.ENABLED
        assert (life[MARKET].failures, life[MARKET].paused_until) == (3, paused_until)
        await journal.set_health(MARKET, at=NOON, failures=0)
        life = await journal.life([MARKET])
        assert (life[MARKET].failures, life[MARKET].paused_until) == (0, None)

    @law
    async def test_trouble_is_kept_since_it_began(self, journal: Journal) -> None:
        """What ended the last run is kept, since the first in a row that ended so; with none nothing is kept."""

        async def noted(minute: int, trouble: str) -> tuple[str, object]:
            at = NOON.replace(microsecond=1) + minute * MINUTE
            await journal.set_health(SHOP, at=at, failures=minute, trouble=trouble)
            life = (await journal.life([SHOP]))[SHOP]
            since = None if life.trouble_since is None else (life.trouble_since - NOON.replace(microsecond=1)) / MINUTE
            return life.trouble, since

        assert await noted(1, "") == ("", None)
        assert await noted(2, "channel-auth") == ("channel-auth", 2)
        assert await noted(3, "channel-auth") == ("channel-auth", 2)
        assert await noted(4, "channel-unavailable") == ("channel-unavailable", 4)
        assert await noted(5, "channel-auth") == ("channel-auth", 5)
        assert await noted(6, "") == ("", None)
        assert await noted(7, "channel-auth") == ("channel-auth", 7)

    @law
    async def test_trouble_of_a_new_channel_is_kept(self, journal: Journal) -> None:
        """A channel of which nothing else is known is a draft in trouble, and no other channel is."""
        await journal.set_health(SHOP, at=NOON, failures=1, trouble="channel-auth")

        assert await journal.life([SHOP, MARKET]) == {
            SHOP: ChannelLife(channel=SHOP, failures=1, trouble="channel-auth", trouble_since=NOON),
            MARKET: ChannelLife(channel=MARKET),
        }

    @law
    async def test_enabled_channel_is_well(self, journal: Journal) -> None:
        """A channel that is enabled has failed no run yet."""
        await journal.disable(SHOP, by="host", cause="connection broken", at=NOON)
        await journal.set_health(SHOP, at=NOON, failures=9, paused_until=NOON + HOUR, trouble="channel-auth")
        await journal.enable(SHOP, by="host", at=NOON + MINUTE)

        since = NOON + MINUTE
        enabled = ChannelLife(channel=SHOP, state=ChannelState.ENABLED, by="host", since=since)
        assert (await journal.life([SHOP]))[SHOP] == enabled

    @law
    async def test_channel_enabled_once_more_is_well(self, journal: Journal) -> None:
        """A channel that is enabled already is well again all the same, and nothing is switched."""
        await journal.enable(SHOP, by="host", at=NOON)
        await journal.set_health(SHOP, at=NOON, failures=9, paused_until=NOON + HOUR, trouble="channel-auth")
        await journal.enable(SHOP, by="host", at=NOON + MINUTE)

        enabled = ChannelLife(channel=SHOP, state=ChannelState.ENABLED, by="host", since=NOON)
        assert (await journal.life([SHOP]))[SHOP] == enabled
        assert len(await journal.entries(channel=SHOP)) == 1

    @law
    async def test_disabled_channel_has_no_trouble(self, journal: Journal) -> None:
        """A channel that is disabled, for the first time or once more, is disabled for its cause alone."""
        for minute in range(2):
            await journal.set_health(SHOP, at=NOON, failures=9, paused_until=NOON + HOUR, trouble="channel-auth")
            await journal.disable(SHOP, by="host", cause="holidays", at=NOON + minute * MINUTE)

            disabled = ChannelLife(channel=SHOP, state=ChannelState.DISABLED, by="host", cause="holidays", since=NOON)
            assert (await journal.life([SHOP]))[SHOP] == disabled

    @law
    async def test_channels_are_told_in_their_order(self, journal: Journal) -> None:
        """Every channel is told of which a lease, a switch, its health or an entry is kept; asking keeps nothing."""
        named = [ChannelId("Shop", name) for name in ("z", "Z", "leased", "ähnlich", "ordered", "written")]
        await journal.life([MARKET])
        await journal.entries(channel=MARKET, order=OrderKey(MARKET, "1001"))
        assert list(await journal.channels()) == []

        await taken(journal, named[2], holder="one")
        await journal.enable(named[0], by="host", at=NOON)
        await journal.disable(named[1], by="host", cause="holidays", at=NOON)
        await journal.set_health(named[3], at=NOON, failures=0)
        of_order = JournalEntry(at=NOON, kind=EntryKind.ERROR, order=OrderKey(named[4], "1001"))
        of_channel = JournalEntry(at=NOON, kind=EntryKind.ERROR, channel=named[5])
        await journal.write([of_order, of_channel, JournalEntry(at=NOON, kind=EntryKind.RUN_STARTED)])
        assert list(await journal.channels()) == sorted(named)
