"""The highest lease token seen per channel."""

from __future__ import annotations

from ...errors import LeaseLostError
from ...model.ids import ChannelId, Fence


class Fences:
    """Refuses what comes from an overtaken runner."""

    def __init__(self) -> None:
        self._highest: dict[ChannelId, int] = {}

    def check(self, fence: Fence | None) -> None:
        """Compare and raise; None is a call of nobody's run and always passes."""
        if fence is None:
            return
        highest = self._highest.get(fence.channel, 0)
        if fence.token < highest:
            raise LeaseLostError(
                f"{fence.channel}: lease {fence.token} was overtaken by {highest}; this run leaves the channel alone"
            )
        self._highest[fence.channel] = fence.token
