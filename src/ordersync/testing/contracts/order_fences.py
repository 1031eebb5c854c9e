"""The laws of overtaken runners, for every verb of an order store that takes a fence."""

from __future__ import annotations

import attrs
import pytest

from ... import lifecycle
from ...errors import LeaseLostError
from ...model.channel_orders import Buyer
from ...model.dispatch import NoteStatus
from ...model.ids import Fence
from ...model.orders import OrderLine
from ...model.runs import Progress
from ...ports import OrderStore, ParcelAnswer
from ..builders import NOON, SHOP, make_key, make_order
from .decisions import decide, refused
from .doubts import save_doubts
from .laws import (
    Contract,
    FencedCalls,
    accepts_equal_tokens,
    fenced_verbs,
    law,
    raises_by_higher_tokens,
    refuses_lower_tokens,
)
from .steps import (
    FIRST,
    HOUR,
    MARKET,
    doubt,
    everything,
    full_page,
    line_of_two,
    make_watch,
    move_note,
    note_of,
    save,
    set_watches,
    take_out,
    taken_out,
)

ODD = [OrderLine(line_id="1", channel_sku="ODD", quantity=1)]
REFERENCES = ("due", "odd", "parcel", "queued", "processed", "replaced", "page", "skipped", "doubted")


async def furnish(store: OrderStore) -> FencedCalls:
    """Fill a store so that every fenced verb has something to do; return a call of each."""
    orders = [make_order(name, {"MUG": 2}) for name in ("due", "parcel", "queued", "processed", "replaced")]
    await save(store, *orders, make_order("odd", ODD))
    await save_doubts(store, doubt("doubted"))
    await decide(store, refused("forgotten", final=True))
    await set_watches(store, make_watch("due"))
    await take_out(store, make_key("parcel"), line_of_two("p"))
    await take_out(store, make_key("queued"), line_of_two("p"))
    queued = await move_note(store, make_key("queued"), "p", NoteStatus.QUEUED)
    claimed = attrs.evolve(queued, status=NoteStatus.CLAIMED, tries=1, claimed_at=NOON)
    replaced = lifecycle.advance(orders[-1], location="shop")
    parcel = taken_out(orders[-2], line_of_two("p"))
    page = full_page(make_order("page", buyer=Buyer(name="Grete Findewirth")))
    calls: FencedCalls = {
        "fence": store.fence,
        "progress": lambda fence: store.progress(SHOP, fence=fence),
        "known": lambda fence: store.known(SHOP, ["due"], fence=fence),
        "load": lambda fence: store.load([make_key("due")], fence=fence),
        "unlinked": lambda fence: store.unlinked(SHOP, before=1, limit=9, fence=fence),
        "due": lambda fence: store.due(SHOP, limit=9, fence=fence),
        "doubts": lambda fence: store.doubts(SHOP, limit=9, fence=fence),
        "waiting": lambda fence: store.waiting(SHOP, limit=9, fence=fence),
        "watched": lambda fence: store.watched(SHOP, at=NOON + HOUR, limit=9, fence=fence),
        "missing": lambda fence: store.missing(SHOP, before=NOON + HOUR, limit=9, fence=fence),
        "missing_counts": lambda fence: store.missing_counts(SHOP, before=NOON + HOUR, fence=fence),
        "notes_due": lambda fence: store.notes_due(SHOP, at=NOON, limit=9, fence=fence),
        "set_progress": lambda fence: store.set_progress(SHOP, Progress(watermark=NOON - HOUR), fence=fence),
        "save_page": lambda fence: store.save_page(page, fence=fence, at=NOON),
        "replace": lambda fence: store.replace(replaced, expect=1, fence=fence),
        "record_parcel": lambda fence: store.record_parcel(*parcel, expect=1, fence=fence),
        "reserved": lambda fence: store.reserved({make_key("due"): 1}, fence=fence),
        "doubted": lambda fence: store.doubted([doubt("doubted")], fence=fence),
        "queue": lambda fence: store.queue(make_key("parcel"), "p", fence=fence),
        "write_note": lambda fence: store.write_note(claimed, expect=queued, fence=fence),
        "forget": lambda fence: store.forget(SHOP, before=NOON + HOUR, limit=9, fence=fence),
    }
    assert set(calls) == fenced_verbs(OrderStore), "a fenced verb has no call here"
    return calls


WRITING = (
    "set_progress",
    "save_page",
    "replace",
    "record_parcel",
    "reserved",
    "doubted",
    "queue",
    "write_note",
    "forget",
)


class OrderFenceLaws(Contract[OrderStore]):
    """A run that was overtaken has no effect any more; a call of nobody's run always has."""

    @law
    async def test_lower_token_is_refused(self, store: OrderStore) -> None:
        """L11: every fenced verb refuses a token below the highest one seen, and changes nothing."""
        calls = await furnish(store)

        await refuses_lower_tokens(calls, SHOP, lambda: everything(store, *REFERENCES))

    @law
    async def test_equal_token_passes(self, store: OrderStore) -> None:
        """Every fenced verb accepts the highest token seen; the ones that write then have their effect."""
        calls = await furnish(store)

        for name in WRITING:
            before = await everything(store, *REFERENCES)
            await calls[name](FIRST)
            assert await everything(store, *REFERENCES) != before, f"{name} had no effect"
        await accepts_equal_tokens(calls, SHOP)

    @law
    async def test_every_verb_raises_the_token(self, store: OrderStore) -> None:
        """Every fenced verb that comes with a higher token shuts out the lower ones."""
        await raises_by_higher_tokens(await furnish(store), SHOP)

    @law
    async def test_tokens_belong_to_their_channel(self, store: OrderStore) -> None:
        """A high token of one channel shuts out nobody on another."""
        await store.fence(Fence(MARKET, 99))
        await save(store, make_order("1001"))

        assert await store.progress(SHOP, fence=FIRST) == Progress()

    @law
    async def test_people_need_no_token(self, store: OrderStore) -> None:
        """A call without a fence has its effect whatever tokens were seen."""
        calls = await furnish(store)
        await store.fence(Fence(SHOP, 99))
        note = await note_of(store, make_key("queued"), "p")

        assert await store.replace(lifecycle.advance(make_order("replaced"), location="shop"), expect=1)
        assert await store.write_note(attrs.evolve(note, tries=1), expect=note)
        await store.queue(make_key("parcel"), "p")
        assert (await note_of(store, make_key("parcel"), "p")).status is NoteStatus.QUEUED
        parcel = taken_out(make_order("processed", {"MUG": 2}), line_of_two("p"))
        assert await store.record_parcel(*parcel, expect=1) is ParcelAnswer.RECORDED
        await store.reserved({make_key("due"): 1})
        await store.doubted([doubt("doubted")])
        assert list(await store.doubts(SHOP, limit=9)) == []
        with pytest.raises(LeaseLostError):
            await calls["progress"](Fence(SHOP, 98))

    @law
    async def test_refusal_names_no_person(self, store: OrderStore) -> None:
        """L13: the error about a lost lease holds the channel, and nothing of whose order it was."""
        calls = await furnish(store)
        await store.fence(Fence(SHOP, 99))

        with pytest.raises(LeaseLostError, match=str(SHOP)) as caught:
            await calls["save_page"](FIRST)
        assert "Findewirth" not in f"{caught.value!r} {caught.value}"
