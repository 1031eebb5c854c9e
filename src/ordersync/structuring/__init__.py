"""From documents to records, at the border: strict, and silent about what the documents say."""

from __future__ import annotations

from .converting import camel_case, strict_converter
from .explaining import MALFORMED, explain
from .orders import Document, read_order, read_orders, read_payload
from .primitives import UnexpectedValueError
from .settings import settings_from
from .wire import dump_json, parse_json

__all__ = [
    "MALFORMED",
    "Document",
    "UnexpectedValueError",
    "camel_case",
    "dump_json",
    "explain",
    "parse_json",
    "read_order",
    "read_orders",
    "read_payload",
    "settings_from",
    "strict_converter",
]
