"""What is wrong with a class that somebody writes for one of our bases, told when the class is made.

A verb of the wrong kind or under a wrong name would otherwise fail in the middle of a run, or be passed over in
silence. All of it is looked at once per class; calls cost nothing more.
"""

from __future__ import annotations

import difflib
import inspect
from abc import ABC
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .model.ids import OrderKey

LIKENESS = 0.9
"""Names that are at least so much alike, underscores and case aside, are taken for one misspelt."""

LIKENESS_OF_MISSING = 0.85
"""The same, where the verb that is meant must be there and is not."""

Verb = Callable[..., Any]


def check_class(cls: type, *, base: type, offers: Sequence[type] = ()) -> None:
    """Raise ``TypeError`` when *cls*, written for *base*, has a verb that is misspelt, of the wrong kind or shape.

    *offers* are protocols whose verbs a subclass may have. A public name that is far from every verb and class
    attribute of these, and any name with an underscore before it, is the author's own business.
    """
    shelf = (base, *offers)
    verbs = {name: verb for kind in shelf for name, verb in _verbs(kind).items()}
    written = {name: _written(cls, name, shelf) for name in (*verbs, *_traits(base))}
    _check_names(cls, base, verbs, written)
    for name, verb in verbs.items():
        told = _wrong_kind(name, written[name], verb) or _wrong_shape(written[name], verb)
        if told:
            raise TypeError(f"{cls.__name__}.{name} {told}; write: {_shape(name, verb)}")


def check_port(argument: str, given: object, port: type) -> None:
    """Raise ``TypeError`` unless what was given for *argument* has every verb that *port* needs."""
    if isinstance(given, type):
        raise TypeError(f"{argument}: {given.__name__} is a class; give an instance of it: {given.__name__}(...)")
    lacking = [name for name in _needed(port) if not hasattr(given, name)]
    if lacking:
        raise TypeError(
            f"{argument}: {type(given).__name__} is no {port.__name__}, it lacks {', '.join(lacking)}; "
            f"give an instance of a class derived from ordersync.{port.__name__}"
        )


def answered(ledger: object, held: Mapping[OrderKey, int]) -> Mapping[OrderKey, int]:
    """Return what a ledger's ``reserve`` answered; ``TypeError`` when it is no answer, such as None."""
    if not isinstance(held, Mapping):
        told = "nothing" if held is None else f"a {type(held).__name__}"
        raise TypeError(
            f"{type(ledger).__name__}.reserve returned {told}; "
            "return the revision that is held for each order: {claim.order_key: revision}"
        )
    return held


def _verbs(kind: type) -> Mapping[str, Verb]:
    return {name: value for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"}


def _traits(base: type) -> Sequence[str]:
    return [name for name in vars(base).get("__annotations__", ()) if name[0] != "_"]


def _needed(base: type) -> Sequence[str]:
    return [name for name, verb in _verbs(base).items() if getattr(verb, "__isabstractmethod__", False)]


def _written(cls: type, name: str, shelf: Sequence[type]) -> object:
    """Return what *cls* has under a name, unless that is what the base itself has; then None."""
    owner = next((kind for kind in cls.__mro__ if name in vars(kind)), None)
    return None if owner is None or owner in shelf else vars(owner)[name]


def _check_names(cls: type, base: type, verbs: Mapping[str, Verb], written: Mapping[str, object]) -> None:
    free = [name for name, value in written.items() if value is None]
    missing = [name for name in _needed(base) if name in free]
    for name in vars(cls):
        if name in verbs:
            meant = _near(name, missing, LIKENESS_OF_MISSING)
            if meant and meant != name and _stands_for(cls, written[name], verbs[name], missing):
                raise TypeError(f"{cls.__name__}.{name}: {meant} is missing, and this is not it{_asking(meant, base)}")
        elif name[0] != "_" and not any(name in vars(kind) for kind in cls.__mro__[1:]):
            meant = _near(name, missing, LIKENESS_OF_MISSING) or _near(name, free, LIKENESS)
            if meant:
                raise TypeError(f"{cls.__name__}.{name} is unknown to {base.__name__}{_asking(meant, base)}")


def _stands_for(cls: type, value: object, verb: Verb, missing: Sequence[str]) -> bool:
    """Say whether a verb that a class may have was written for the one that it must have and has not.

    It was if it does not fit its own name, or if nothing else is missing. A class that names ``ABC`` among its
    bases leaves verbs to others on purpose.
    """
    return _wrong_shape(value, verb) is not None or (len(missing) == 1 and ABC not in cls.__bases__)


def _near(name: str, known: Iterable[str], likeness: float) -> str | None:
    plain = {_plain(one): one for one in known}
    found = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=likeness)
    if not found or name.startswith(f"{plain[found[0]]}_"):
        return None
    return plain[found[0]]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _asking(meant: str, base: type) -> str:
    needed = _needed(base)
    needs = f" {base.__name__} needs: {', '.join(needed)};" if meant in needed else ""
    return f"; did you mean {meant}?{needs} put an underscore before a name of your own"


def _wrong_kind(name: str, value: object, verb: Verb) -> str | None:
    if not inspect.isfunction(value):
        return None
    function = inspect.unwrap(value)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return f"has a yield, which makes it a generator; it must return {_returned(verb)}, once a call"
    awaited = inspect.iscoroutinefunction(verb)
    if awaited == inspect.iscoroutinefunction(function):
        return None
    if not awaited:
        return "is an async def, and nobody awaits it"
    # A wrapper made without functools.wraps hides what it wraps; only what is a def in its own name is one for sure.
    return "is a def, and must be an async def" if function.__code__.co_name == name else None


def _wrong_shape(value: object, verb: Verb) -> str | None:
    """Say why a verb could not be called as its base says; None when it can."""
    if not inspect.isfunction(value):
        return None
    wanted, has = _Parameters(verb), _Parameters(value)
    if has.lacks(wanted):
        return f"takes no {', '.join(has.lacks(wanted))}"
    if has.misses(wanted):
        return f"asks for {', '.join(has.misses(wanted))}, which nobody gives it"
    if has.demands(wanted):
        return f"has no default for {', '.join(has.demands(wanted))}"
    return None


class _Parameters:
    """How a verb may be called: what it takes by position, and what by name."""

    def __init__(self, verb: Verb) -> None:
        taken = inspect.signature(verb).parameters.values()
        kinds = {one.kind for one in taken}
        self.any_place = inspect.Parameter.VAR_POSITIONAL in kinds
        self.any_name = inspect.Parameter.VAR_KEYWORD in kinds
        self.placed = [one for one in taken if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        self.named = {one.name: one for one in taken if one.kind is one.KEYWORD_ONLY}
        self.by_name = {one.name: one for one in self.placed if one.kind is one.POSITIONAL_OR_KEYWORD} | self.named

    def lacks(self, given: _Parameters) -> Sequence[str]:
        """Return what is *given* and not taken."""
        placed = [] if self.any_place else [one.name for one in given.placed[len(self.placed) :]]
        named = [] if self.any_name else [name for name in given.named if name not in self.by_name]
        return [*placed, *named]

    def misses(self, given: _Parameters) -> Sequence[str]:
        """Return what is needed and never *given*."""
        wanted = [*self.placed[len(given.placed) :], *self.named.values()]
        return [one.name for one in wanted if one.default is one.empty and one.name not in given.named]

    def demands(self, given: _Parameters) -> Sequence[str]:
        """Return what is needed and only sometimes *given*."""
        pairs = [*zip(self.placed, given.placed, strict=False)]
        pairs += [(self.by_name[name], one) for name, one in given.named.items() if name in self.by_name]
        return [one.name for one, like in pairs if one.default is one.empty and like.default is not like.empty]


def _returned(verb: Verb) -> str:
    return str(verb.__annotations__.get("return"))


def _shape(name: str, verb: Verb) -> str:
    """Return the line that defines a verb, without the types of its parameters."""
    signature = inspect.signature(verb)
    bare = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    taken = signature.replace(parameters=bare, return_annotation=signature.empty)
    keyword = "async def" if inspect.iscoroutinefunction(verb) else "def"
    return f"{keyword} {name}{taken} -> {_returned(verb)}"
