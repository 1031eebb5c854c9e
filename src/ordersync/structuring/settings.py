"""A channel's settings from a plain mapping, such as a table of a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cattrs import ForbiddenExtraKeysError

from ..errors import ConfigurationError
from ..model.settings import ChannelSettings, HostCheck
from .converting import strict_converter
from .explaining import MALFORMED, problems
from .primitives import UnexpectedValueError

MOST_SECONDS = 10 * 366 * 24 * 60 * 60
"""The longest duration that can be set: ten years, for decisions may be kept as long as books."""


def settings_from(mapping: Mapping[str, object]) -> ChannelSettings:
    """Make settings from plain values; raise ``ConfigurationError`` naming every field that is wrong.

    Names are those of ``ChannelSettings``, unknown ones are refused. Durations are in seconds, ``percentage``
    is text or a whole number, ``initial_from`` an ISO 8601 time with its zone. ``checks`` are code, and so
    given to ``ChannelSettings`` itself.
    """
    try:
        return _CONVERTER.structure(mapping, ChannelSettings)
    except MALFORMED as error:
        wrong = [line for path, problem in problems(error) for line in _lines(f"settings{path[1:]}", problem)]
    raise ConfigurationError(f"{'; '.join(wrong)}; correct the settings")


def _lines(path: str, problem: BaseException) -> Sequence[str]:
    if isinstance(problem, ForbiddenExtraKeysError):
        return [f"{path}.{name} does not exist" for name in sorted(problem.extra_fields)]
    return [f"{path}: {problem}"]


def _seconds(value: object, _kind: type) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_SECONDS:
        raise UnexpectedValueError("expected a number of seconds, at most ten years of them")
    return timedelta(seconds=value)


def _place(value: object, _kind: object) -> str | Mapping[str, str]:
    if isinstance(value, Mapping):
        return _CONVERTER.structure(value, dict[str, str])
    return _CONVERTER.structure(value, str)


def _no_code(_value: object, _kind: object) -> HostCheck:
    raise UnexpectedValueError("is code; pass it to ChannelSettings(checks=...) instead")


_CONVERTER = strict_converter(forbid_extra_keys=True)
_CONVERTER.register_structure_hook(timedelta, _seconds)
_CONVERTER.register_structure_hook(HostCheck, _no_code)
_CONVERTER.register_structure_hook_func(lambda kind: kind == str | Mapping[str, str], _place)
