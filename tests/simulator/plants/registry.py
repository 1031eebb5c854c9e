"""Planted bugs: each takes one rule out of the real library for as long as it is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import attrs

BOTH = ("memory", "sqlite")
MEMORY = ("memory",)

Patch = tuple[object, str, object]
"""What is put in the place of what: an owner, the name of its attribute, the wrong version."""


@attrs.frozen(kw_only=True)
class Plant:
    """One bug: the law that it must break, where the mistake was seen, and the schedule that finds it for sure.

    *masked*: the layer that hides the bug, so that nothing but that layer's absence would show it.
    """

    name: str
    law: str
    source: str
    patches: Callable[[], Sequence[Patch]] = attrs.field(repr=False)
    storages: tuple[str, ...] = BOTH
    directed: str = ""
    masked: str = ""

    def apply(self) -> AbstractContextManager[None]:
        """Return the context in which the bug is in force."""
        return in_force(self.patches())


_PLANTS: dict[str, Plant] = {}

PLANTS: Mapping[str, Plant] = _PLANTS
"""All plants by name, in the order in which they are written down."""


def plant(
    name: str,
    *,
    law: str,
    source: str,
    storages: tuple[str, ...] = BOTH,
    directed: str = "",
    masked: str = "",
) -> Callable[[Callable[[], Sequence[Patch]]], Callable[[], Sequence[Patch]]]:
    """Register what a function returns, patches, as a plant."""

    def register(patches: Callable[[], Sequence[Patch]]) -> Callable[[], Sequence[Patch]]:
        if name in _PLANTS:
            raise ValueError(f"two plants are called {name!r}")
        _PLANTS[name] = Plant(
            name=name,
            law=law,
            source=source,
            patches=patches,
            storages=storages,
            directed=directed,
            masked=masked,
        )
        return patches

    return register


def planted(name: str) -> AbstractContextManager[None]:
    """Return the context in which a plant is in force; ``KeyError`` names one that is not known."""
    return PLANTS[name].apply()


@contextmanager
def in_force(patches: Sequence[Patch]) -> Iterator[None]:
    """Put wrong versions in their places; what was there comes back whatever happens."""
    with ExitStack() as stack:
        for owner, name, wrong in patches:
            stack.enter_context(_patched(owner, name, wrong))
        yield


@contextmanager
def _patched(owner: object, name: str, wrong: object) -> Iterator[None]:
    getattr(owner, name)  # a name that is gone would plant nothing
    own, inherited = vars(owner).get(name), name not in vars(owner)
    setattr(owner, name, wrong)
    try:
        yield
    finally:
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
