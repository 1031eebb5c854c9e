"""What every test needs: budgets for Hypothesis, and an aioresponses that works."""

from __future__ import annotations

from functools import partial
from unittest.mock import Mock

import aiohttp
from aioresponses import core
from hypothesis import settings

# Machines are shared, so no example has a deadline. With CI set, Hypothesis itself draws the same examples
# in every run.
settings.register_profile("quick", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000, stateful_step_count=100)
settings.load_profile("quick")

# aiohttp 3.14 builds no response without a stream_writer, and aioresponses 0.7.9 passes none.
core.ClientResponse = partial(aiohttp.ClientResponse, stream_writer=Mock(output_size=0))  # type: ignore[assignment, attr-defined]
