"""The laws of what people tell a ledger of the goods on its shelves: stocktakes, adjustments, transfers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from ...ports import StockLedger, SupportsMovements
from ..builders import NOON, make_claim, make_deduction, make_key
from .laws import law
from .ledger import LedgerContract, numbers
from .news import news

NOWHERE = timezone(timedelta(hours=2))

SKU = {"sku": ("", " ", 7, "M" * 256)}
WHEN = {"movement_id": ("", " ", None, "m" * 1025), "at": (NOON.replace(tzinfo=None), NOON.astimezone(NOWHERE), "noon")}
COUNTS = (True, 1.0, "1", None, 10**9 + 1)

BAD: dict[str, dict[str, tuple[object, ...]]] = {
    "set_on_hand": SKU | WHEN | {"location": ("", None), "quantity": (*COUNTS, -1)},
    "adjust": SKU | WHEN | {"location": ("", None), "quantity": (*COUNTS, 0, -(10**9) - 1)},
    "transfer": SKU | WHEN | {"source": ("", None), "destination": ("", "north"), "quantity": (*COUNTS, 0, -1)},
}
"""By verb and field what is refused, whatever the other fields say."""


def moving(ledger: StockLedger) -> SupportsMovements:
    """Return the ledger as one that takes movements; one that does not skips the law."""
    if not isinstance(ledger, SupportsMovements):
        pytest.skip("this ledger does not offer SupportsMovements")
    return ledger


class MovementLaws(LedgerContract):
    """L5: on-hand moves only by a movement with an id, and the same id twice changes nothing."""

    @law
    async def test_stocktake_sets_on_hand(self, ledger: StockLedger) -> None:
        """A stocktake makes on-hand what was counted, whatever it was before; reservations stay."""
        mover = moving(ledger)
        await ledger.reserve([make_claim("1001", {"MUG": 2})], at=NOON)
        for movement_id, counted in (("m1", 10), ("m2", 4), ("m3", 0), ("m4", 7)):
            await mover.set_on_hand("MUG", location="main", quantity=counted, movement_id=movement_id, at=NOON)
            assert await numbers(ledger) == {("MUG", "main"): (counted, 2)}

    @law
    async def test_stocktake_happens_once(self, ledger: StockLedger) -> None:
        """L5: a stocktake repeated under its id changes nothing, though goods have moved since."""
        mover = moving(ledger)
        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m1", at=NOON)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 3}, make_claim("1001", {}, revision=2)), at=NOON)

        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m1", at=NOON)
        await mover.set_on_hand("MUG", location="main", quantity=99, movement_id="m1", at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (7, 0)}

    @law
    async def test_stocktake_that_found_no_difference_happens_once(self, ledger: StockLedger) -> None:
        """L5: also a stocktake that moved nothing uses up its id."""
        mover = moving(ledger)
        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m1", at=NOON)
        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m2", at=NOON)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 3}, make_claim("1001", {}, revision=2)), at=NOON)

        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m2", at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (7, 0)}

    @law
    async def test_stocktake_is_news(self, ledger: StockLedger) -> None:
        """A stocktake that changed a level is announced, and one that found no difference is not."""
        mover = moving(ledger)
        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m1", at=NOON)
        shown = await news(ledger)
        assert set(shown) == {"MUG"}

        await ledger.acknowledge(shown)
        await mover.set_on_hand("MUG", location="main", quantity=10, movement_id="m2", at=NOON)
        assert await news(ledger) == {}

    @law
    async def test_adjustment_changes_on_hand_by_a_difference(self, ledger: StockLedger) -> None:
        """An adjustment adds to on-hand in its place, or takes off it also below zero; reservations stay."""
        mover = moving(ledger)
        await ledger.reserve([make_claim("1001", {"MUG": 2})], at=NOON)
        for movement_id, quantity, after in (("m1", 5, 5), ("m2", -3, 2), ("m3", -4, -2), ("m4", 1, -1)):
            await mover.adjust("MUG", location="main", quantity=quantity, movement_id=movement_id, at=NOON)
            assert await numbers(ledger) == {("MUG", "main"): (after, 2)}
        await mover.adjust("MUG", location="shop", quantity=6, movement_id="m5")
        assert await numbers(ledger) == {("MUG", "main"): (-1, 2), ("MUG", "shop"): (6, 0)}

    @law
    async def test_adjustment_happens_once(self, ledger: StockLedger) -> None:
        """L5: an adjustment repeated under its id changes nothing, also where it says something else."""
        mover = moving(ledger)
        for sku, location, quantity in (("MUG", "main", 5), ("MUG", "main", 5), ("MUG", "shop", 5), ("LID", "main", 9)):
            await mover.adjust(sku, location=location, quantity=quantity, movement_id="m1", at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (5, 0)}

    @law
    async def test_transfer_moves_pieces_to_another_place(self, ledger: StockLedger) -> None:
        """A transfer takes from one place what it puts into the other, also where that is more than there was."""
        mover = moving(ledger)
        await self.put_on_hand(ledger, "MUG", quantity=5)
        await ledger.reserve([make_claim("1001", {"MUG": 2})], at=NOON)

        await mover.transfer("MUG", source="main", destination="shop", quantity=3, movement_id="van 1", at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (2, 2), ("MUG", "shop"): (3, 0)}
        await mover.transfer("MUG", source="main", destination="shop", quantity=4, movement_id="van 2")
        assert await numbers(ledger) == {("MUG", "main"): (-2, 2), ("MUG", "shop"): (7, 0)}
        await mover.transfer("MUG", source="shop", destination="main", quantity=7, movement_id="van 3")
        assert await numbers(ledger) == {("MUG", "main"): (5, 2)}

    @law
    async def test_transfer_happens_once(self, ledger: StockLedger) -> None:
        """L5: a transfer repeated under its id moves nothing, in neither place, also where it says something else."""
        mover = moving(ledger)
        await self.put_on_hand(ledger, "MUG", quantity=5)
        for source, destination, quantity in (("main", "shop", 2), ("main", "shop", 2), ("shop", "main", 1)):
            await mover.transfer(
                "MUG", source=source, destination=destination, quantity=quantity, movement_id="van", at=NOON
            )

        assert await numbers(ledger) == {("MUG", "main"): (3, 0), ("MUG", "shop"): (2, 0)}

    @law
    async def test_ids_of_movements_are_shared(self, ledger: StockLedger) -> None:
        """L5: an id that any movement used stops every other one, whatever kind either is of."""
        mover = moving(ledger)
        deduction = make_deduction("1001", "p", {"MUG": 1}, make_claim("1001", {}, revision=2))
        parcel = make_key("1001").parcel_id("p")
        verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "count": lambda name: mover.set_on_hand("MUG", location="main", quantity=8, movement_id=name),
            "adjust": lambda name: mover.adjust("MUG", location="main", quantity=4, movement_id=name),
            "van": lambda name: mover.transfer("MUG", source="main", destination="b", quantity=2, movement_id=name),
        }
        await ledger.deduct(deduction, at=NOON)
        for name, verb in verbs.items():
            await verb(name)
        before = await numbers(ledger)
        for name in (*verbs, parcel):
            for verb in verbs.values():
                await verb(name)
        await ledger.deduct(deduction, at=NOON)

        assert await numbers(ledger) == before == {("MUG", "main"): (10, 0), ("MUG", "b"): (2, 0)}

    @law
    async def test_movements_are_news(self, ledger: StockLedger) -> None:
        """What was adjusted or transferred is announced, and a repeated movement is not."""
        mover = moving(ledger)
        for _ in range(2):
            await mover.adjust("MUG", location="main", quantity=4, movement_id="m1", at=NOON)
            await mover.transfer("LID", source="main", destination="shop", quantity=1, movement_id="m2", at=NOON)
            shown = await news(ledger)
            await ledger.acknowledge(shown)
        assert shown == {}

        for name, skus in (("m1", {"MUG"}), ("m2", {"LID"})):
            await mover.adjust(*skus, location="main", quantity=1, movement_id=f"{name} again")
            shown = await news(ledger)
            await ledger.acknowledge(shown)
            assert set(shown) == skus

    @law
    async def test_concurrent_movements_add_up(self, ledger: StockLedger) -> None:
        """Adjustments and transfers that are told at once all count, each once."""
        mover = moving(ledger)
        ids = [number // 2 for number in range(20)]
        await asyncio.gather(
            *(mover.adjust("MUG", location="main", quantity=3, movement_id=f"in {one}") for one in ids),
            *(
                mover.transfer("MUG", source="main", destination="shop", quantity=2, movement_id=f"van {one}")
                for one in ids
            ),
        )
        assert await numbers(ledger) == {("MUG", "main"): (10, 0), ("MUG", "shop"): (20, 0)}

    @law
    async def test_bad_movement_is_refused(self, ledger: StockLedger) -> None:
        """What no field can hold is refused with an error that names the field, and its id stays unused."""
        mover = moving(ledger)
        good: dict[str, dict[str, Any]] = {
            "set_on_hand": {"sku": "MUG", "location": "north", "quantity": 2},
            "adjust": {"sku": "MUG", "location": "north", "quantity": 3},
            "transfer": {"sku": "MUG", "source": "north", "destination": "south", "quantity": 1},
        }
        for verb, fields in BAD.items():
            for field, values in fields.items():
                for value in values:
                    with pytest.raises(ValueError, match=rf"\b{field}\b"):
                        await getattr(mover, verb)(**{**good[verb], "movement_id": verb, field: value})
                    assert await numbers(ledger) == {}, f"{verb} with {field}={value!r} was refused and had an effect"

        for verb, arguments in good.items():
            await getattr(mover, verb)(**arguments, movement_id=verb, at=NOON)
        assert await numbers(ledger) == {("MUG", "north"): (4, 0), ("MUG", "south"): (1, 0)}
