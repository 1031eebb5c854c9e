"""The simulated world for the author of a channel: their channel and its fake server in it."""

from __future__ import annotations

from .channel_simulation import ChannelSimulation, told

__all__ = ["ChannelSimulation", "told"]
