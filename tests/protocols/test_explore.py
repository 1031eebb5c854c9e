"""The laws under schedules drawn by chance, and mistakes that such schedules must find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from ordersync import Listing, beliefs
from ordersync.model.listings import ListingId
from ordersync.model.stock import Sale
from ordersync.storage.memory import MemoryOrderStore
from ordersync.storage.memory.fences import Fences
from ordersync.sync import dispatch
from protocols.explore import explore, play
from protocols.schedule import LawBrokenError

MOST_SEEDS = 400

Mistake = Callable[[pytest.MonkeyPatch], None]


def broken(seeds: range) -> str:
    """Explore, and return what was found as text."""
    _, found = explore(seeds)
    return "\n\n".join(
        f"seed {seed}: {error}\n" + "\n".join(getattr(error, "__notes__", [])) for seed, error in found.items()
    )


def play_all(seeds: range) -> None:
    """Play one schedule after another until one breaks a law."""
    for seed in seeds:
        asyncio.run(play(seed))


def test_laws_hold_under_schedules_by_chance() -> None:
    """Whoever makes the next call, and whatever becomes of it, the laws hold."""
    assert broken(range(1, 61)) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_laws_hold_under_many_schedules_by_chance() -> None:
    """The same for thousands of others."""
    assert broken(range(1_000_000, 1_006_000)) == ""


def sends_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: a note of unknown fate is sent again at once."""
    monkeypatch.setattr(dispatch, "_look_first", dispatch._send)


def is_deaf_to_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: what the channel does to an order doubts no belief."""
    real = beliefs.account

    def deaf(sale: Sale, accounted: int | None, listings: dict[ListingId, Listing]) -> object:
        return real(attrs.evolve(sale, channel_revision=0), accounted, listings)

    monkeypatch.setattr(beliefs, "account", deaf)


def lets_overtaken_runners_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: no storage compares fences."""
    monkeypatch.setattr(Fences, "check", lambda _fences, _fence: None)


def lets_nothing_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: a WAITING note is no reason to wait for anything."""
    monkeypatch.setattr(MemoryOrderStore, "_has_waiting", lambda _store, _key: False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mistake", [sends_without_a_look, is_deaf_to_the_channel, lets_overtaken_runners_write, lets_nothing_wait]
)
def test_explorer_finds_planted_mistakes(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake that a rule forbids breaks a law within some hundred schedules."""
    mistake(monkeypatch)

    with pytest.raises((LawBrokenError, ExceptionGroup)):
        play_all(range(1, MOST_SEEDS))
