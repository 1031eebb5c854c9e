"""One simulation of a campaign: played, repeated, and brought into a form that travels between processes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from .elsewhere import digest_elsewhere

Case = Mapping[str, Any]
"""The options of one simulation as plain JSON values; ``seed`` is one of them."""

UNREPEATABLE = "DIGEST"
"""The law that the same options always do the same."""


class Broken(Protocol):
    """A law that did not hold."""

    @property
    def law(self) -> str:
        """Its name."""

    @property
    def text(self) -> str:
        """What broke it, in one sentence."""


class Result(Protocol):
    """What a simulation says of itself."""

    @property
    def violation(self) -> Broken | None:
        """The first law that did not hold."""

    @property
    def digest(self) -> str:
        """The fingerprint of everything that happened."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each kind of event occurred."""

    @property
    def last(self) -> Sequence[str]:
        """The last events, as text."""

    @property
    def orders(self) -> int:
        """How many orders were placed."""

    @property
    def virtual_s(self) -> float:
        """How many seconds passed in there."""


Play = Callable[[Case], Result]
"""A simulation. A function of a module, so that other processes find it too."""


@attrs.frozen(kw_only=True)
class Turn:
    """One case of a campaign, at its place in it; some are played more than once, to compare the digests.

    ``hash_seed``: it is also played in another process with this PYTHONHASHSEED.
    """

    place: int
    case: Case
    repeat: bool = False
    hash_seed: int | None = None


@attrs.frozen(kw_only=True)
class Run:
    """What became of one case. ``law`` is the first that broke, or an error's class; empty where all held."""

    place: int = 0
    case: Case
    law: str = ""
    text: str = ""
    digest: str = ""
    counts: Mapping[str, int] = attrs.field(factory=dict)
    last: Sequence[str] = ()
    orders: int = 0
    virtual_s: float = 0.0
    repeats: int = 0

    @property
    def seed(self) -> int:
        """The seed that decided everything."""
        return int(self.case["seed"])


def take_turn(play: Play, turn: Turn) -> Run:
    """Play a case, and once more where its turn says so: another digest is a failure of its own."""
    run = attrs.evolve(play_once(play, turn.case), place=turn.place)
    if run.law:
        return run
    if not turn.repeat:
        return attrs.evolve(run, last=())
    again = {"a second time": play_once(play, turn.case).digest}
    if turn.hash_seed is not None:
        again[f"with PYTHONHASHSEED={turn.hash_seed}"] = digest_elsewhere(play, turn.case, hash_seed=turn.hash_seed)
    return _compared(run, again)


def play_once(play: Play, case: Case) -> Run:
    """Play a case once; an error that comes out of it is a failure under the name of its class."""
    try:
        result = play(case)
    except Exception as error:  # noqa: BLE001 - a simulation must end in a result, so whatever comes out is a finding
        told = traceback.format_exception(error)
        return Run(case=case, law=type(error).__name__, text=str(error), last="".join(told).splitlines())
    broken = result.violation
    return Run(
        case=case,
        law=broken.law if broken else "",
        text=broken.text if broken else "",
        digest=result.digest,
        counts=dict(result.counts),
        last=tuple(result.last),
        orders=result.orders,
        virtual_s=result.virtual_s,
    )


def _compared(run: Run, again: Mapping[str, str]) -> Run:
    others = {how: digest for how, digest in again.items() if digest != run.digest}
    run = attrs.evolve(run, repeats=len(again))
    if not others:
        return attrs.evolve(run, last=())
    told = ", ".join(f"{how} {digest}" for how, digest in others.items())
    return attrs.evolve(run, law=UNREPEATABLE, text=f"the same options gave the digest {run.digest}, but {told}")
