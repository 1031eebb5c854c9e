"""Every schedule with two switches in a tiny world: chance rarely meets what hangs on one pair of moments."""

from __future__ import annotations

import pytest

from ordersync.storage.memory.fences import Fences
from protocols.schedule import LawBrokenError
from protocols.tiny import play_all

PAIRS = [
    ("run", "run", 0),
    ("run", "run", 21),  # just too late to start what was claimed
    ("run", "run", 400),  # past a lease and every late copy
    ("run", "process", 0),
    ("run", "process", 400),
    ("run", "cancel", 0),
    ("process", "run", 0),
    ("process", "run", 400),
    ("cancel", "run", 0),
    ("process", "cancel", 0),
    ("cancel", "process", 0),
    ("process", "process", 0),
]


async def test_laws_hold_in_some_tiny_worlds() -> None:
    """Where a run is stopped at some moments, and the one that takes its place as well, the laws hold."""
    assert await play_all("run", "run", 400, every=40) > 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("first", "second", "pause_s"), PAIRS)
async def test_laws_hold_in_every_tiny_world(first: str, second: str, pause_s: float) -> None:
    """Whoever is stopped anywhere, and whoever is stopped meanwhile, the laws hold."""
    assert await play_all(first, second, pause_s) > 1


async def test_tiny_worlds_find_that_overtaken_runners_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage that compares no fences lets a runner write that was overtaken."""
    monkeypatch.setattr(Fences, "check", lambda _fences, _fence: None)

    with pytest.raises((LawBrokenError, ExceptionGroup)):
        await play_all("run", "run", 400, every=5)
