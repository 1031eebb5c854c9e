"""Years of faults in minutes: the real engine in a simulated world that one seed decides.

``simulate(draw(7))`` plays one seed, ``python -m ordersync.testing.simulator`` plays many. For the author of a channel
there is ``ordersync.testing.simulator.authors.ChannelSimulation``.
"""

from __future__ import annotations

from .drawing import draw
from .options import Options
from .simulation import Outcome, simulate

__all__ = ["Options", "Outcome", "draw", "simulate"]
