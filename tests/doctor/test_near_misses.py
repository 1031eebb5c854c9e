"""What looks like a cause and is none; orders that nobody has seen; and what is said beside the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from doctor.causes import (
    BY_ADA,
    DOWN,
    KEY,
    REFERENCE,
    SHOP,
    Scene,
    Step,
    at_desk,
    at_shop,
    check,
    filter_by,
    look_from,
    place,
    run,
    settings,
    take,
)
from ordersync import ChannelId, OrderKey, Parcel, PaymentStatus, SyncRunner
from ordersync.doctor import CheckOutcome, Doctor
from ordersync.errors import ConfigurationError
from ordersync.model.settings import HostCheck
from ordersync.testing import ManualClock
from runner.conftest import OpenStorage


async def disable(scene: Scene) -> None:
    """Disable the channel."""
    await scene.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=scene.clock.now())


async def enable(scene: Scene) -> None:
    """Enable it again."""
    await scene.storage.journal.enable(SHOP, by="Ada", why="back", at=scene.clock.now())


def fail(scene: Scene) -> None:
    """Let the shop be down."""
    scene.shop.fail_next("*", DOWN, times=None)


def recover(scene: Scene) -> None:
    """Let it be up."""
    scene.shop.recover()


def begin_now(scene: Scene) -> None:
    """Take orders from this very moment on."""
    scene.settings = attrs.evolve(scene.settings, initial_from=scene.clock.now())


LIGHT = HostCheck(code="TOO_HEAVY", refuses=lambda _: None)
PART = Parcel(id="p1", lines={"L1": 1})

NEAR_MISSES: dict[str, Sequence[Step]] = {
    "in the location that is looked at": [place, run, look_from("main")],
    "shown by the filter": [place, run, filter_by("all", shows=True)],
    "processed in part": [place, run, at_desk("process", parcel=PART)],
    "held": [place, run, at_desk("hold", **BY_ADA)],
    "deleted and restored": [place, run, at_desk("delete", **BY_ADA), at_desk("restore", **BY_ADA), run],
    "disabled, then enabled again": [disable, place, run, enable, run],
    "enabled until it was read": [place, run, disable],
    "down, then up again": [fail, place, run, recover, run],
    "down since it was read": [place, run, fail, run],
    "paid late": [place, at_shop("pay", payment=PaymentStatus.UNPAID), run, at_shop("pay"), run],
    "authorized": [place, at_shop("pay", payment=PaymentStatus.AUTHORIZED), run],
    "refunded in part": [place, at_shop("pay", payment=PaymentStatus.PARTIALLY_REFUNDED), run],
    "shipped in part": [place, at_shop("ship_by_hand", lines={"L1": 1}), run],
    "one line cancelled": [place, at_shop("cancel_line", "L2"), run],
    "on hold on the channel": [place, at_shop("hold"), run],
    "placed at the very moment": [begin_now, place, run],
    "a location for all": [settings(location="depot"), place, run],
    "let pass by the host": [settings(checks=[LIGHT]), place, run],
    "mended": [place, at_shop("spoil"), run, at_shop("mend"), run],
    "unpaid, and wanted": [settings(download_unpaid=True), place, at_shop("pay", payment=PaymentStatus.UNPAID), run],
    "shipped, and wanted": [settings(import_shipped=True), place, at_shop("ship_by_hand"), run],
}


@pytest.mark.parametrize("name", NEAR_MISSES)
@pytest.mark.parametrize("live", [True, False], ids=["live", "offline"])
async def test_near_miss_keeps_nothing_out(scene: Scene, name: str, live: bool) -> None:  # noqa: FBT001 - a parameter
    """What only looks like a cause leaves the order in the store, and the verdict says where it is."""
    await take(scene, *NEAR_MISSES[name])

    found = await scene.explain(live=live)

    assert found.stored
    assert found.code == ("PROCESSED" if name == "shipped, and wanted" else "HERE")


async def test_settings_that_changed_wait_for_a_run(scene: Scene) -> None:
    """An order that was refused and would be downloaded now is said to be read again by the next run, and is."""
    await take(scene, place, at_shop("ship_by_hand"), run, run)
    assert (await scene.explain()).code == "SHIPPED_BEFORE_DOWNLOAD"
    scene.settings = attrs.evolve(scene.settings, import_shipped=True)
    scene.clock.advance(days=3)

    for live in (False, True):
        found = await scene.explain(live=live)
        assert (found.code, found.causes, found.complete) == ("NOT_READ_YET", ("NOT_READ_YET",), True)

    await scene.run()
    assert (await scene.explain()).code == "PROCESSED"


async def test_order_in_a_gap_names_the_gap(scene: Scene) -> None:
    """An order that nobody has seen and that was placed after the last run is said to lie in a gap, and which."""
    await scene.run()
    scene.clock.advance(hours=2)
    scene.placed_at = scene.clock.now()
    scene.clock.advance(hours=1)

    found = await scene.explain(live=False)

    assert (found.code, found.complete) == ("NOT_READ_YET", False)
    assert check(found, "journal").evidence["gap"] == "no run between 2026-01-05 09:25Z and now"


async def test_never_seen_inside_a_window(scene: Scene) -> None:
    """An order that readings should have shown and did not is said to be never seen, with the readings around it."""
    await scene.run()
    await scene.run()

    found = await scene.explain(live=False)

    assert found.code == "NEVER_SEEN"
    assert "reading 1" in check(found, "journal").evidence
    assert check(found, "status").outcome is CheckOutcome.UNKNOWN


async def test_order_older_than_its_channel(scene: Scene) -> None:
    """An order that was placed before the channel was first read is said to be so."""
    scene.placed_at = scene.clock.now() - timedelta(days=30)

    assert (await scene.explain(live=False)).code == "CHANNEL_ADDED_LATER"


async def test_order_that_ended_before_the_first_run(clock: ManualClock, open_storage: OpenStorage) -> None:
    """An order that was shipped before the channel was first read is shown by no scan; a hint fetches it."""
    async with open_storage(clock) as storage:
        scene = Scene(storage, clock)
        scene.settings = attrs.evolve(scene.settings, import_shipped=True)
        await take(scene, place, at_shop("ship_by_hand"))
        for _ in range(3):
            await scene.run(minutes=90)

        found = await scene.explain()
        assert (found.code, found.causes, found.complete) == ("NOT_SHOWN", ("NOT_SHOWN",), True)

        await SyncRunner([scene.channel], storage, clock=clock).hint(KEY)
        assert (await scene.explain()).code == "PROCESSED"


async def test_support_is_told_whether_others_arrive(scene: Scene) -> None:
    """An order that nothing explains carries what a support desk asks for."""
    await take(scene, place)
    scene.shop.hidden.add(REFERENCE)
    scene.shop.place("1002", lines={"MUG": 1})
    for _ in range(3):
        await scene.run(minutes=60)

    found = await scene.explain()

    assert found.code == "UNEXPLAINED"
    assert found.bundle is not None
    told = {name: found.bundle[name] for name in ("reference", "source", "subsource", "others_quarantined")}
    assert told == {"reference": REFERENCE, "source": "Shop", "subsource": "north", "others_quarantined": 0}
    assert found.bundle["any_stored"]
    assert found.bundle["order"]["status"] == "Ready"


async def test_conflict_and_wait_are_told_beside(scene: Scene) -> None:
    """What an order waits for is told beside the verdict that it is here."""
    await take(scene, place, run, at_shop("hold"), run, at_desk("park", **BY_ADA))

    evidence = check(await scene.explain(), "processed").evidence

    assert evidence["waits"] == "on hold on the channel"
    assert evidence["set aside"].startswith("by Ada at ")
    assert evidence["unlinked"] == "MUG, LID"


async def test_watched_order_tells_its_next_look(scene: Scene) -> None:
    """An order that waits for its payment tells when it is looked up next."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run)

    assert check(await scene.explain(live=False), "status").evidence["next look"] == "2026-01-05 09:35Z"


async def test_nobody_is_asked_unless_wanted(scene: Scene) -> None:
    """Without live=True the channel is not called, and with it nothing is written."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run)
    calls = scene.shop.calls.copy()
    before = await scene.storage.orders.decisions(SHOP), await scene.storage.journal.entries(limit=1000)

    await scene.explain(live=False)
    assert scene.shop.calls == calls
    await scene.explain(live=True)
    assert scene.shop.calls.total() == calls.total() + 2
    assert (await scene.storage.orders.decisions(SHOP), await scene.storage.journal.entries(limit=1000)) == before


async def test_without_channels_it_says_what_was_decided(scene: Scene) -> None:
    """With the storage alone the recorded decision is the answer, and nothing is claimed beyond it."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run)
    doctor = Doctor([], scene.storage, clock=scene.clock)

    found = await doctor.explain(REFERENCE)
    assert (found.key, found.code, found.stored) == (KEY, "NOT_PAID", False)
    assert (await doctor.explain("999")).code == "NEVER_SEEN"


@pytest.mark.parametrize("typed", ["1001", " #1001 ", "id-1001", "ID-1001"])
async def test_reference_is_found_as_people_type_it(scene: Scene, typed: str) -> None:
    """Case, blanks, a leading # and the API id are forgiven, for stored and for refused orders."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run)

    assert (await scene.doctor.explain(typed)).key == KEY
    await take(scene, at_shop("pay"), run)
    assert (await scene.doctor.explain(typed)).key == KEY


async def test_what_leaves_it_open_is_named(scene: Scene) -> None:
    """A reference that several channels know, or none, asks for the channel by the argument's name."""
    other = type(scene.shop)(ChannelId("Shop", "south"), clock=scene.clock)
    doctor = Doctor([scene.channel, other], scene.storage, clock=scene.clock)

    with pytest.raises(ConfigurationError, match=r"^reference: is empty"):
        await doctor.explain("  ")
    with pytest.raises(ConfigurationError, match=r"^reference: expected text, got int"):
        await doctor.explain(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"placed_at: has no time zone"):
        await doctor.explain("7", source="Shop", subsource="south", placed_at=datetime(2026, 1, 5))  # noqa: DTZ001
    with pytest.raises(ConfigurationError, match=r"^source: nobody has seen '7'"):
        await doctor.explain("7")
    with pytest.raises(ConfigurationError, match=r"^subsource: nobody has seen '7'"):
        await doctor.explain("7", source="Shop")
    with pytest.raises(ConfigurationError, match=r"^source 'Nope': there is no such channel; there are Shop/north"):
        await doctor.explain("7", source="Nope")
    found = await doctor.explain("7", source="Nope", subsource="shop")
    assert (found.code, found.key) == ("CHANNEL_UNKNOWN", OrderKey(ChannelId("Nope", "shop"), "7"))
    assert (await doctor.explain("7", source="Shop", subsource="south")).code == "CHANNEL_DRAFT"


async def test_what_a_doctor_cannot_take_is_named(scene: Scene) -> None:
    """A doctor refuses what a runner refuses: a class, one channel twice, what is no storage."""
    with pytest.raises(TypeError, match=r"^Doctor takes a list of channels; write: Doctor\(\["):
        Doctor(scene.channel, scene.storage)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^two channels have the same id: Shop/north"):
        Doctor([scene.channel, scene.channel], scene.storage)
    with pytest.raises(TypeError, match=r"^str is no Storage; give Doctor one"):
        Doctor([scene.channel], "shop.db")  # type: ignore[arg-type]
