"""What every test needs: budgets for Hypothesis, an aioresponses that works, and a guard over what is said."""

from __future__ import annotations

import gc
from functools import partial
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import core
from hypothesis import settings

from canaries import Guard

GUARD = Guard()

# Machines are shared, so no example has a deadline. With CI set, Hypothesis itself draws the same examples
# in every run.
settings.register_profile("quick", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000, stateful_step_count=100)
settings.load_profile("quick")

# aiohttp 3.14 builds no response without a stream_writer, and aioresponses 0.7.9 passes none.
core.ClientResponse = partial(aiohttp.ClientResponse, stream_writer=Mock(output_size=0))  # type: ignore[assignment, attr-defined]


def pytest_configure(config: pytest.Config) -> None:
    """Search what every test logs and prints for buyers and secrets."""
    config.pluginmanager.register(GUARD, "canaries")


@pytest.fixture
def capsys(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> pytest.CaptureFixture[str]:
    """Let the guard hear what a test takes out of the captured output."""
    readouterr = capsys.readouterr

    def overheard() -> Any:  # noqa: ANN401 - pytest does not show the type
        said = readouterr()
        GUARD.hear("Captured stdout", said.out)
        GUARD.hear("Captured stderr", said.err)
        return said

    monkeypatch.setattr(capsys, "readouterr", overheard)
    return capsys


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests and modules that stay until the end: it looks at each again."""
    gc.collect()
    gc.freeze()
