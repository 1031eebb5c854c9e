"""When a campaign ends before its last seed: its time is up, or somebody pressed Ctrl-C."""

from __future__ import annotations

from types import FrameType

from ....clock import Clock


class Ending:
    """Says whether it is enough. A second Ctrl-C does not wait for what is under way."""

    def __init__(self, clock: Clock, *, minutes: float | None = None) -> None:
        """Let so many *minutes* pass from now on; without them, any time."""
        self._clock = clock
        self._until = None if minutes is None else clock.monotonic() + minutes * 60
        self.interrupted = False

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """End it: the handler of SIGINT."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True

    def __call__(self) -> bool:
        """Say whether it is enough."""
        return self.interrupted or (self._until is not None and self._clock.monotonic() >= self._until)
