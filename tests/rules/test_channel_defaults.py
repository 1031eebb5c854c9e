"""What the class of a channel decides where the settings leave it open, and what a channel may offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync import Channel, ChannelId, SyncRunner
from ordersync.admission import CODES
from ordersync.channel import SupportsDiagnosis, SupportsPayloads, SupportsServerClock, check_registered
from ordersync.errors import ConfigurationError
from ordersync.model.channel_orders import ChannelOrder, Diagnosis, UnreadableOrder
from ordersync.model.settings import ChannelSettings, HostCheck, StatusMapping
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import BareMarketplace, FakeMarketplace
from ordersync.testing.builders import NOON
from ordersync.testing.loopback import LoopbackChannel

SHOP = ChannelId("Shop", "north")
MAGENTO = StatusMapping(version="magento-1", by="state", paid=["processing"], shipped=["complete"])
OWN = StatusMapping(version="own", paid=["Paid"])


class Auction(FakeMarketplace):
    """A marketplace whose unpaid orders are downloaded unless told otherwise, as those of Amazon and eBay."""

    downloads_unpaid = True


class Magento(FakeMarketplace):
    """A shop whose states mean something before anybody maps them."""

    statuses = frozenset()
    requires_status_mapping = True
    default_mapping = MAGENTO


@pytest.mark.parametrize(
    ("kind", "wish", "in_force"),
    [
        (FakeMarketplace, None, False),
        (FakeMarketplace, True, True),
        (FakeMarketplace, False, False),
        (Auction, None, True),
        (Auction, True, True),
        (Auction, False, False),
    ],
)
def test_marketplaces_are_exceptions_unless_told(
    kind: type[FakeMarketplace], *, wish: bool | None, in_force: bool
) -> None:
    """What the settings leave open about unpaid orders is decided by the class of the channel, and nothing else is."""
    settings = ChannelSettings(download_unpaid=wish, sweep_every=timedelta(hours=3))

    assert kind(SHOP, settings=settings).settings == attrs.evolve(settings, download_unpaid=in_force)


def test_default_mapping_is_in_force_until_the_host_maps() -> None:
    """A channel's own mapping holds where the settings give none, and not a word of it where they do."""
    assert Magento(SHOP).settings.status_mapping == MAGENTO
    assert Magento(SHOP, settings=ChannelSettings(status_mapping=OWN)).settings.status_mapping == OWN
    assert Magento(SHOP).with_settings(ChannelSettings(initial_from=NOON)).settings.status_mapping == MAGENTO


def test_settings_without_gaps_stay_the_same() -> None:
    """Settings that decide everything are in force as they were given."""
    settings = ChannelSettings(download_unpaid=False, status_mapping=OWN)

    assert settings.for_channel(downloads_unpaid=True, default_mapping=MAGENTO) is settings


@pytest.mark.parametrize(
    ("traits", "told"),
    [
        ({"default_mapping": MAGENTO}, "default_mapping is given beside fixed statuses; set statuses"),
        ({"default_mapping": "paid", "statuses": frozenset()}, "default_mapping: expected StatusMapping, got str"),
        ({"downloads_unpaid": 1}, "downloads_unpaid: expected bool, got int"),
        ({"clock_offset": lambda _self: None}, "clock_offset is a def, and must be a property"),
        ({"clock_offset": "late"}, None),
    ],
)
def test_author_is_told_what_cannot_be(traits: dict[str, Any], told: str | None) -> None:
    """What the class of a channel decides for its settings is looked at when the class is made."""
    if told is None:
        assert type("Odd", (FakeMarketplace,), traits)
        return
    with pytest.raises(TypeError, match=f"Odd.{told}"):
        type("Odd", (FakeMarketplace,), traits)


def test_one_channel_may_be_another_kind_than_its_class() -> None:
    """A default that an instance alone was given is looked at when it is registered."""
    with pytest.raises(TypeError, match=r"FakeMarketplace\.default_mapping is given beside fixed statuses"):
        SyncRunner([FakeMarketplace(SHOP, default_mapping=MAGENTO)], MemoryStorage())
    check_registered(FakeMarketplace(SHOP, default_mapping=MAGENTO, requires_status_mapping=True))


@pytest.mark.parametrize("code", sorted(CODES))
def test_checks_have_codes_of_their_own(code: str) -> None:
    """A host's check under one of our codes is refused, at first and when the settings change."""
    settings = ChannelSettings(checks=[HostCheck(code=code, refuses=lambda _: None)])

    told = rf"Shop/north: settings\.checks: {code} means a check of ordersync"

    with pytest.raises(ConfigurationError, match=told):
        FakeMarketplace(SHOP, settings=settings)
    with pytest.raises(ConfigurationError, match=told):
        Magento(SHOP).with_settings(settings)


class Telling(BareMarketplace):
    """A marketplace that holds orders back for reasons of its own."""

    async def diagnose(self, reference: str, *, order: ChannelOrder | None, live: bool) -> Sequence[Diagnosis]:
        """Tell of its review."""
        state = "unseen" if order is None else order.status
        told = f"Order {reference} ({state}) is under review."
        return [Diagnosis(code="FRAUD_REVIEW", sentence=told, next_step="Approve it there.")] * live


async def test_diagnosis_is_a_record() -> None:
    """What a channel tells of an order has a code, a sentence and a next step."""
    (found,) = await Telling(SHOP).diagnose("1001", order=None, live=True)

    assert attrs.astuple(found) == (
        "FRAUD_REVIEW", "Order 1001 (unseen) is under review.", "Approve it there.",
    )  # fmt: skip


def test_channels_say_what_they_offer() -> None:
    """One fake marketplace reads documents again and another does not; one behind HTTP knows its server's clock."""
    assert [isinstance(kind(SHOP), SupportsPayloads) for kind in (FakeMarketplace, BareMarketplace)] == [True, False]
    assert [isinstance(kind(SHOP), SupportsDiagnosis) for kind in (Telling, BareMarketplace)] == [True, False]
    served: Channel = LoopbackChannel(SHOP, url="http://127.0.0.1:1", token="t")
    assert isinstance(served, SupportsServerClock)
    assert served.clock_offset is None
    assert not isinstance(FakeMarketplace(SHOP), SupportsServerClock)


def test_kept_document_is_read_again() -> None:
    """A document that was kept reads as the order that was shown, or says again what is wrong with it."""
    market = FakeMarketplace(SHOP)
    reference = market.place(lines={"MUG": 2}, payment_method="checkmo")
    market.set_state(reference, "new")
    shown = market._book.seen_at(reference, market.now())
    assert shown is not None

    assert market.read_order(shown.document) == shown.shown
    market.spoil(reference)
    spoiled = market.orders[reference].spoiled
    assert spoiled is not None
    assert market.read_order(spoiled.payload) == UnreadableOrder(
        payload=spoiled.payload, error="$.lines[0].quantity: expected a whole number", reference=reference
    )
    assert market.read_order(b"{") == UnreadableOrder(payload=b"{", error="the document is not JSON (at character 1)")
