"""What a channel answers when it is asked live, right and wrong, and what becomes of it in an explanation."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from doctor.causes import BY_ADA, KEY, REFERENCE, Scene, at_desk, at_shop, check, filter_by, place, run, take
from ordersync import Address, Buyer, ChannelOrder, PaymentStatus
from ordersync.doctor import CheckOutcome
from ordersync.errors import ChannelAuthError, ChannelError, ChannelRejectedError, ChannelResponseError


@pytest.mark.parametrize("error", [ChannelAuthError("no"), ChannelRejectedError("no"), ChannelResponseError("html")])
async def test_look_up_that_fails_is_told(scene: Scene, error: ChannelError) -> None:
    """Where the look-up fails, that is said, what was seen last is told as such, and nothing counts as complete."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run, at_shop("pay"))
    scene.shop.fail_next("fetch_order", error, times=None)

    found = await scene.explain()

    assert (found.code, found.complete) == ("NOT_PAID", False)
    assert check(found, "look-up").outcome is CheckOutcome.UNKNOWN
    assert str(error) in check(found, "look-up").sentence
    assert "when it was last seen" in check(found, "status").evidence["status"]


async def test_look_up_of_an_unseen_order_that_fails(scene: Scene) -> None:
    """Of an order that nobody has seen, a failed look-up leaves only what the readings tell."""
    scene.shop.fail_next("fetch_order", ChannelRejectedError("no"), times=None)
    await scene.run()

    found = await scene.explain()

    assert (found.code, found.complete) == ("NEVER_SEEN", False)
    assert "live=True" not in found.next_step


def another(order: ChannelOrder) -> object:
    """Answer with another order."""
    return attrs.evolve(order, reference="1002")


def nonsense(_: ChannelOrder) -> object:
    """Answer with what is no order."""
    return {"reference": REFERENCE}


def bug(order: ChannelOrder) -> object:
    """Fail at reading it, and quote who bought."""
    raise ValueError(f"could not parse {order.buyer and order.buyer.name}")


@pytest.mark.parametrize("wrong", [another, nonsense, bug])
async def test_wrong_answer_explains_nothing(scene: Scene, wrong: Callable[[ChannelOrder], object]) -> None:
    """An answer about another order, one that is none, and a bug of the channel are named, and quoted by nobody."""
    await take(scene, place, at_shop("pay", payment=PaymentStatus.UNPAID), run)

    class Wrong(type(scene.shop)):  # type: ignore[misc]
        """A shop that answers wrongly."""

        async def fetch_order(self, reference: str) -> object:
            """Answer wrongly."""
            found = await super().fetch_order(reference)
            return wrong(attrs.evolve(found, buyer=Buyer(name="Ines Ott"), shipping_address=Address(name="Ines Ott")))

    scene.shop.__class__ = Wrong
    found = await scene.explain()

    assert (found.code, found.complete) == ("NOT_PAID", False)
    assert check(found, "look-up").outcome is CheckOutcome.UNKNOWN
    assert "Ines" not in found.to_json() + str(found) + found.to_markdown()


async def test_answer_about_a_stored_order_is_told(scene: Scene) -> None:
    """What the channel shows of an order that is here is told beside: it may have been cancelled there, or be gone."""
    await take(scene, place, run, at_shop("cancel"))
    assert check(await scene.explain(), "status").evidence["shown now"] == "Cancelled"

    await take(scene, at_shop("remove"))
    found = await scene.explain()
    assert (found.code, check(found, "status").evidence["shown now"]) == ("HERE", "nothing: it does not know it")


async def test_document_that_cannot_be_read_is_no_gap(scene: Scene) -> None:
    """An order that nobody has seen, and that cannot be read when it is asked for, waits for no reading."""
    await take(scene, place, at_shop("spoil"))

    found = await scene.explain()

    assert (found.code, found.causes) == ("UNREADABLE", ("UNREADABLE",))
    assert "quarantine" in check(found, "journal").sentence


async def test_number_behind_a_hash_is_asked_for(scene: Scene) -> None:
    """An unseen order that is asked for with a leading # is found under its number."""
    await take(scene, place)

    found = await scene.doctor.explain(f"#{REFERENCE}", live=True)

    assert (found.key, found.code) == (KEY, "NOT_READ_YET")


async def test_filter_that_raises_is_told(scene: Scene) -> None:
    """A filter that raises hides nothing, and the verdict says that it could not be asked."""
    await take(scene, place, run)

    def broken(_: object) -> bool:
        raise RuntimeError

    scene.view = attrs.evolve(scene.view, filters={"broken": broken})
    found = await scene.explain()
    assert found.code == "HERE"
    assert "as far as its filters could be asked" in found.sentence
    await take(scene, filter_by("mine", shows=False))
    assert check(await scene.explain(), "view").evidence == {"raised an error": "broken (RuntimeError)"}


async def test_verdict_of_a_held_order_says_so(scene: Scene) -> None:
    """An order that is here, and that a person has locked, is said to be locked, in words too."""
    await take(scene, place, run, at_desk("hold", **BY_ADA))

    found = await scene.explain()

    assert found.code == "HERE"
    assert "On hold: by Ada at " in found.sentence
    assert "On hold: by Ada at " in str(found).replace("\n  ", " ")


async def test_switches_of_one_minute_are_all_told(scene: Scene) -> None:
    """Every switch of the channel is told with its cause, however close they are."""
    journal, now = scene.storage.journal, scene.clock.now()
    await journal.disable(KEY.channel, by="Ann", cause="holidays", at=now)
    await journal.enable(KEY.channel, by="Bob", why="back", at=now)

    told = list(check(await scene.explain(), "channel").evidence.values())

    assert len(told) == 3
    assert told[1].startswith("disabled at ")
    assert told[1].endswith("by Ann (holidays)")
    assert told[2].endswith("by Bob (back)")
