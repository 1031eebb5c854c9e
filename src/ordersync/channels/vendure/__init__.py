"""Vendure, driven through its admin API; also the example of how a channel is written.

``queries`` holds what is asked, ``documents`` the answers as records, ``reading``, ``stock``, ``parcels`` and
``scanning`` are pure and translate between the two worlds, ``channel`` puts them together.

The facts in here were seen on Vendure 3.7.3, on sql.js and on PostgreSQL, unless another source is named.
"""

from __future__ import annotations

from .channel import VendureChannel

__all__ = ["VendureChannel"]
