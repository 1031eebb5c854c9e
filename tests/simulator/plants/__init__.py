"""Planted bugs by name: what the simulator, and the directed schedules beside it, must find."""

from __future__ import annotations

from . import dispatching, ingesting, laws, leases, orders, parcels, promises, publishing, pushes, scanning
from .registry import PLANTS, Plant, planted

__all__ = ["PLANTS", "Plant", "planted"]

_MODULES = (dispatching, ingesting, laws, leases, orders, parcels, promises, publishing, pushes, scanning)
"""Importing these has registered their plants."""
