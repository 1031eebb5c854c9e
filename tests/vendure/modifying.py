"""Change a placed order as its seller does: modify it, arrange what more is to pay, give money back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendure.seller import Seller

MOVE = """mutation ($id: ID!, $state: String!) {
  transitionOrderToState(id: $id, state: $state) {
    __typename
    ... on Order { state }
    ... on ErrorResult { errorCode message }
    ... on OrderStateTransitionError { transitionError }
  }
}"""

MODIFY = """mutation ($input: ModifyOrderInput!) {
  modifyOrder(input: $input) { __typename ... on Order { totalWithTax } ... on ErrorResult { errorCode message } }
}"""

PAY_MORE = """mutation ($order: ID!) {
  addManualPaymentToOrder(input: {orderId: $order, method: "by hand", transactionId: "1", metadata: {}}) {
    __typename ... on ErrorResult { errorCode message }
  }
}"""

# The server of 3.7.3 fails without the fields that its documentation calls deprecated.
REFUND = """mutation ($payment: ID!, $amount: Money!) {
  refundOrder(input: {
    paymentId: $payment, amount: $amount, lines: [], shipping: 0, adjustment: 0, reason: "test"
  }) { __typename ... on ErrorResult { errorCode message } }
}"""

SETTLE_REFUND = """mutation ($id: ID!) {
  settleRefund(input: {id: $id, transactionId: "1"}) { __typename ... on ErrorResult { errorCode message } }
}"""


async def move_order(seller: Seller, code: str, state: str) -> None:
    """Bring an order to another state."""
    await seller.admin.ask(MOVE, id=(await seller.order_facts(code)).id, state=state)


async def edit(seller: Seller, code: str, lines: Mapping[str, int], *, add: Mapping[str, int] | None = None) -> None:
    """Change an order that is Modifying: so many pieces of these lines, and new lines; it stays Modifying.

    What it costs less is refunded to its first payment.
    """
    order = await seller.order_facts(code)
    changes: dict[str, Any] = {
        "orderId": order.id,
        "adjustOrderLines": [
            {"orderLineId": order.lines[sku].id, "quantity": quantity} for sku, quantity in lines.items()
        ],
        "addItems": [
            {"productVariantId": seller.shop.variants[sku], "quantity": quantity}
            for sku, quantity in (add or {}).items()
        ],
    }
    tried = await seller.admin.ask(MODIFY, input={**changes, "dryRun": True})
    less = order.total - tried["modifyOrder"]["totalWithTax"]
    refunds = [{"paymentId": min(order.payments, key=int), "amount": less}] if less > 0 else []
    await seller.admin.ask(MODIFY, input={**changes, "dryRun": False, "refunds": refunds})
    await settle_refunds(seller, code)


async def modify(seller: Seller, code: str, lines: Mapping[str, int], *, then: str = "PaymentSettled") -> None:
    """Modify an order from beginning to end, what more it costs paid and what less it costs given back."""
    before = (await seller.order_facts(code)).total
    await move_order(seller, code, "Modifying")
    await edit(seller, code, lines)
    if (await seller.order_facts(code)).total > before:
        await move_order(seller, code, "ArrangingAdditionalPayment")
        await pay_more(seller, code)
    await move_order(seller, code, then)


async def pay_more(seller: Seller, code: str) -> None:
    """Note that the buyer has paid what a modified order costs more; its state waits to be moved by hand."""
    await seller.admin.ask(PAY_MORE, order=(await seller.order_facts(code)).id)


async def refund(seller: Seller, code: str, amount: int) -> None:
    """Give some of an order's money back, in cents, and change nothing else of it."""
    order = await seller.order_facts(code)
    await seller.admin.ask(REFUND, payment=min(order.payments, key=int), amount=amount)
    await settle_refunds(seller, code)


async def settle_refunds(seller: Seller, code: str) -> None:
    """Note that the money has arrived; until then the refunds are Pending."""
    for known, state in (await seller.order_facts(code)).refunds.items():
        if state == "Pending":
            await seller.admin.ask(SETTLE_REFUND, id=known)
