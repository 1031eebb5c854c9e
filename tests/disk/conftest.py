"""A run that nothing cuts, and a word of how much is not tried where no process can be traced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from disk.sweep import Uncut, uncut
from disk.tracing import why_not

NOT_HERE = why_not()


def need_tracing(moments: int, *, of: str = "points") -> None:
    """Skip a test where no process can be traced, and say how much was not tried."""
    if NOT_HERE is not None:
        pytest.skip(f"{moments} {of} NOT RUN: {NOT_HERE}")


@pytest.fixture(scope="session")
def uncut_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Awaitable[Uncut]]:
    """Return a function that runs a scenario without a fault, once."""
    known: dict[str, Uncut] = {}

    async def run(scenario: str) -> Uncut:
        if scenario not in known:
            folder: Path = tmp_path_factory.mktemp(scenario)
            known[scenario] = await uncut(scenario, folder)
        return known[scenario]

    return run
