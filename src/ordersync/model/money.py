"""Amounts of money, carried exactly as the channel gave them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
from iso4217 import Currency

from .fields import complain, is_amount

CURRENCIES = frozenset(currency.code for currency in Currency)


def is_currency(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept an ISO 4217 code."""
    if not isinstance(value, str) or value not in CURRENCIES:
        raise complain(instance, attribute, "expected an ISO 4217 currency code", f", got {value!r}")


@attrs.frozen
class Money:
    """An amount in a currency; ordersync neither rounds nor converts it."""

    amount: Decimal = attrs.field(validator=is_amount)
    currency: str = attrs.field(validator=is_currency)

    def __str__(self) -> str:
        """Return the amount with the channel's own digits, such as ``12.50 EUR``."""
        return f"{self.amount} {self.currency}"
