"""The doctor: why an order is missing, and everything that helps to find out."""

from __future__ import annotations

from .doctor import Doctor
from .explanation import CheckOutcome, CheckResult, Explanation, View

__all__ = ["CheckOutcome", "CheckResult", "Doctor", "Explanation", "View"]
