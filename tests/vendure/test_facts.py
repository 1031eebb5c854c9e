"""What a Vendure server does, as far as VendureChannel relies on it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from vendure.busy_day import BusyShop
from vendure.graphql import Answer, Api
from vendure.seller import FULFIL, LOG_IN, MOVE_FULFILMENT, SET_STOCK, Seller

pytestmark = pytest.mark.vendure

# In memory Vendure cuts updatedAt to whole seconds: a move can only be seen after one.
ONE_TICK_S = 1.1


def result_of(answer: Answer) -> dict[str, Any]:
    """Give the only result of an answer, whether it is good or an error in the union."""
    (result,) = answer.body["data"].values()
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_a_missing_or_wrong_token_is_forbidden_with_status_200(seller: Seller, token: str | None) -> None:
    """Nobody sees orders without a session, and HTTP says 200 all the same."""
    async with aiohttp.ClientSession() as http:
        answer = await Api(http, seller.admin.url, token).answer("{ orders { totalItems } }")

    assert (answer.status, answer.code) == (200, "FORBIDDEN")
    # A wrong token is taken away: the header is there, and empty.
    assert answer.token == (None if token is None else "")


async def test_a_wrong_password_is_an_error_inside_the_result(seller: Seller) -> None:
    """A refused login has no errors at the top and no token in the header."""
    async with aiohttp.ClientSession() as http:
        api = Api(http, seller.admin.url)
        answer = await api.answer(LOG_IN, user="superadmin", password="wrong")

    assert (answer.status, answer.code, answer.token) == (200, None, None)
    assert result_of(answer)["errorCode"] == "INVALID_CREDENTIALS_ERROR"


async def test_a_body_over_100_kb_is_answered_with_500(seller: Seller) -> None:
    """Batches must stay small: the refusal looks like a broken server."""
    answer = await seller.admin.answer("{ orders { totalItems } }", padding="x" * 110_000)

    assert answer.status == 500


async def test_payment_places_an_order_and_does_not_move_updated_at(seller: Seller) -> None:
    """An order that is paid later keeps its old updatedAt, which lies before orderPlacedAt."""
    code = await seller.place_order({"MUG": 1}, pay=False)
    unpaid = await seller.order_facts(code)
    await asyncio.sleep(ONE_TICK_S)
    await seller.authorize(code)
    promised = await seller.order_facts(code)
    await seller.settle(code)
    paid = await seller.order_facts(code)

    assert (unpaid.state, unpaid.active, unpaid.placed_at) == ("ArrangingPayment", True, None)
    assert unpaid.lines["MUG"].placed_quantity == 0
    assert (promised.state, promised.active) == ("PaymentAuthorized", False)
    assert paid.state == "PaymentSettled"
    assert paid.updated_at == unpaid.updated_at
    assert paid.placed_at is not None
    assert paid.updated_at < paid.placed_at


async def test_payment_allocates_and_leaves_on_hand_alone(seller: Seller) -> None:
    """A promise to pay already takes from what can be sold; an unpaid order takes nothing."""
    on_hand, allocated = (await seller.stock_facts())["MUG"]["main"]
    code = await seller.place_order({"MUG": 2}, pay=False)
    unpaid = (await seller.stock_facts())["MUG"]["main"]
    await seller.authorize(code)
    promised = (await seller.stock_facts())["MUG"]["main"]
    await seller.settle(code)

    assert unpaid == (on_hand, allocated)
    assert promised == (on_hand, allocated + 2)
    assert (await seller.stock_facts())["MUG"]["main"] == promised


async def test_a_fulfillment_is_born_pending_and_takes_the_stock_at_once(seller: Seller) -> None:
    """On-hand falls when the fulfillment is made; when it is shipped, only the states move."""
    code = await seller.place_order({"TEE": 3})
    on_hand, allocated = (await seller.stock_facts())["TEE"]["main"]

    parcel = await seller.fulfill(code, {"TEE": 2}, "T-1")
    made, taken = await seller.order_facts(code), (await seller.stock_facts())["TEE"]["main"]
    await seller.move(parcel, "Shipped")
    sent, left = await seller.order_facts(code), (await seller.stock_facts())["TEE"]["main"]

    assert (made.state, made.fulfillments[0].state) == ("PaymentSettled", "Pending")
    assert (sent.state, sent.fulfillments[0].state) == ("PartiallyShipped", "Shipped")
    assert sent.fulfillments[0].tracking_code == "T-1"
    assert sent.fulfillments[0].lines == {"TEE": 2}
    assert taken == (on_hand - 2, allocated - 2)
    assert left == taken
    assert sent.updated_at == made.updated_at

    await seller.ship_by_hand(code, {"TEE": 1}, "T-2")
    assert (await seller.order_facts(code)).state == "Shipped"


async def test_cancelling_a_pending_fulfillment_undoes_it(seller: Seller) -> None:
    """The stock comes back, is allocated again, and the pieces can be fulfilled once more."""
    code = await seller.place_order({"TEE": 2})
    before = (await seller.stock_facts())["TEE"]["main"]

    await seller.move(await seller.fulfill(code, {"TEE": 2}, "WRONG"), "Cancelled")

    assert (await seller.stock_facts())["TEE"]["main"] == before
    await seller.ship_by_hand(code, {"TEE": 2}, "RIGHT")
    order = await seller.order_facts(code)
    assert order.state == "Shipped"
    assert [one.state for one in order.fulfillments] == ["Cancelled", "Shipped"]
    assert await seller.count_fulfillments(code) == 1


async def test_the_same_pieces_once_more_are_refused(seller: Seller) -> None:
    """One request after the other: a pending fulfillment counts, and so does a shipped one."""
    code = await seller.place_order({"LID": 2})
    request = await seller.fulfillment_request(code, {"LID": 2}, "ONCE")
    parcel = result_of(await seller.admin.answer(FULFIL, input=request))["id"]

    pending = await seller.admin.answer(FULFIL, input=request)
    await seller.move(parcel, "Shipped")
    shipped = await seller.admin.answer(FULFIL, input=request)
    moved = await seller.admin.answer(MOVE_FULFILMENT, id=parcel, state="Shipped")

    assert result_of(pending)["errorCode"] == "ITEMS_ALREADY_FULFILLED_ERROR"
    assert result_of(shipped)["errorCode"] == "ITEMS_ALREADY_FULFILLED_ERROR"
    assert result_of(moved)["errorCode"] == "FULFILLMENT_STATE_TRANSITION_ERROR"
    assert (result_of(moved)["fromState"], moved.code) == ("Shipped", None)


async def test_the_same_pieces_at_once_are_fulfilled_once_in_memory_only(busy_shop: BusyShop, seller: Seller) -> None:
    """On PostgreSQL the server lets identical requests through together; the channel must not."""
    made = 0
    for _ in range(5):
        code = await seller.place_order({"LID": 2})
        request = await seller.fulfillment_request(code, {"LID": 2}, "DOUBLE")
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(seller.admin.answer(FULFIL, input=request))
        made = max(made, await seller.count_fulfillments(code))
        # The doubles go back, so that the other tests find honest stock.
        for double in (await seller.order_facts(code)).fulfillments[1:]:
            await seller.move(double.id, "Cancelled")

    assert made == 1 if busy_shop.database == "memory" else made > 1


async def test_an_authorized_order_never_says_that_it_is_shipped(seller: Seller) -> None:
    """Its fulfillment is, but the order waits for the money and afterwards stays as settled."""
    code = await seller.place_order({"MUG": 1}, pay=False)
    await seller.authorize(code)

    await seller.ship_by_hand(code, {"MUG": 1}, "TRUST")

    order = await seller.order_facts(code)
    assert (order.state, order.fulfillments[0].state) == ("PaymentAuthorized", "Shipped")
    await seller.settle(code)
    assert (await seller.order_facts(code)).state == "PaymentSettled"


async def test_a_cancelled_line_stays_with_fewer_or_no_pieces(seller: Seller) -> None:
    """What was ordered is orderPlacedQuantity, what is left is quantity; updatedAt moves."""
    code = await seller.place_order({"TEE": 3, "LID": 2})
    placed = await seller.order_facts(code)
    await asyncio.sleep(ONE_TICK_S)
    await seller.cancel_line(code, "TEE", 1)
    await seller.cancel_line(code, "LID", 2)
    order = await seller.order_facts(code)

    lines = {sku: (line.quantity, line.placed_quantity) for sku, line in order.lines.items()}
    assert lines == {"TEE": (2, 3), "LID": (0, 2)}
    assert order.state == "PaymentSettled"
    assert order.updated_at > placed.updated_at

    await seller.ship_by_hand(code, {"TEE": 1}, "SOME")
    await seller.cancel_line(code, "TEE", 1)
    # Nothing is left to ship, and the order says PartiallyShipped for ever.
    assert (await seller.order_facts(code)).state == "PartiallyShipped"


async def test_a_cancelled_order_keeps_its_pending_fulfillment(seller: Seller) -> None:
    """A parcel that was half made when the order was cancelled can still be shipped."""
    code = await seller.place_order({"BAG": 1})
    parcel = await seller.fulfill(code, {"BAG": 1}, "LOST")
    await seller.cancel_order(code)

    assert (await seller.order_facts(code)).fulfillments[0].state == "Pending"
    await seller.move(parcel, "Shipped")
    order = await seller.order_facts(code)
    assert (order.state, order.fulfillments[0].state) == ("Cancelled", "Shipped")


async def test_a_line_over_two_locations_is_allocated_twice(seller: Seller) -> None:
    """Four of three and three: both locations are emptied, six are allocated."""
    code = await seller.place_order({"RUG": 4})
    stock = (await seller.stock_facts())["RUG"]
    await seller.cancel_order(code)

    assert stock == {"main": (3, 3), "back": (3, 3)}


async def test_cancelling_the_unshipped_rest_also_returns_what_was_shipped(seller: Seller) -> None:
    """One of two is gone, the other is cancelled: on-hand says that both are on the shelf."""
    on_hand, allocated = (await seller.stock_facts())["TEE"]["main"]
    code = await seller.place_order({"TEE": 2})
    await seller.ship_by_hand(code, {"TEE": 1}, "GONE")
    await seller.cancel_line(code, "TEE", 1)
    stock = (await seller.stock_facts())["TEE"]["main"]
    await seller.set_stock("TEE", "main", on_hand - 1)

    assert stock == (on_hand, allocated)


async def test_too_little_on_hand_refuses_the_fulfillment(seller: Seller) -> None:
    """On-hand is compared over all locations: a level pushed too low stops the seller's hand."""
    code = await seller.place_order({"BAG": 2})
    request = await seller.fulfillment_request(code, {"BAG": 2}, "SHORT")
    levels = {place: on_hand for place, (on_hand, _) in (await seller.stock_facts())["BAG"].items()}

    for place in levels:
        await seller.set_stock("BAG", place, 0)
    refused = await seller.admin.answer(FULFIL, input=request)
    for place, on_hand in levels.items():
        await seller.set_stock("BAG", place, on_hand)

    assert result_of(refused)["errorCode"] == "INSUFFICIENT_STOCK_ON_HAND_ERROR"


async def test_one_bad_row_refuses_the_whole_batch_of_levels(seller: Seller) -> None:
    """An unknown variant is named, an unknown location is not; the good row is not written."""
    before = (await seller.stock_facts())["LID"]
    main, lid = seller.shop.locations["main"], seller.shop.variants["LID"]
    good = {"id": lid, "stockLevels": [{"stockLocationId": main, "stockOnHand": 1}]}
    nobody = {"id": "9999", "stockLevels": [{"stockLocationId": main, "stockOnHand": 1}]}
    nowhere = {"id": lid, "stockLevels": [{"stockLocationId": "9999", "stockOnHand": 1}]}

    unknown_variant = await seller.admin.answer(SET_STOCK, input=[good, nobody])
    unknown_location = await seller.admin.answer(SET_STOCK, input=[good, nowhere])

    assert (unknown_variant.status, unknown_variant.code) == (200, "ENTITY_NOT_FOUND")
    assert '"9999"' in unknown_variant.body["errors"][0]["message"]
    assert (unknown_location.status, unknown_location.code) == (200, None)
    assert unknown_location.body["errors"]
    assert (await seller.stock_facts())["LID"] == before
