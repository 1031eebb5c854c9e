"""What checkers are told of the simulated world's own doings: verbs that may have written, and calls that started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs

from ....model.ids import ChannelId, Fence

START_WINDOW = timedelta(seconds=20)
"""How long after its record an effect may start, or it does not at all: the give-up limit of rules 10 and 21."""


def _facts(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class Commit:
    """One verb of one port, once it may have written.

    ``at`` is the true time, ``process`` who called it, ``args`` and ``facts`` what it was given by position and by
    name. ``answer`` is what the port gave back, also where the caller never heard of it; None where it gave nothing.
    ``refused`` is the error by which the port itself refused the verb and changed nothing, such as ``LeaseLostError``.
    """

    at: datetime
    process: str
    port: str
    verb: str
    args: tuple[Any, ...] = ()
    facts: Mapping[str, Any] = attrs.field(factory=dict, converter=_facts)
    answer: Any = None
    refused: BaseException | None = None

    def argument(self, position: int, name: str) -> Any:  # noqa: ANN401 - of any verb
        """Return an argument, whether it was given by *position* or by *name*; None where it was not given."""
        return self.args[position] if position < len(self.args) else self.facts.get(name)

    @property
    def fence(self) -> Fence | None:
        """Return the proof that the verb was given; None where it took none."""
        given = self.facts.get("fence")
        return given if isinstance(given, Fence) else None


@attrs.frozen(kw_only=True)
class Started:
    """A call of a channel's method, as it departs. ``at`` is the true time; ``effect``: it changes the market.

    ``request`` is what it was given: a ``DispatchNote``, or the updates of a push; None for reads.
    """

    process: str
    channel: ChannelId
    method: str
    at: datetime
    effect: bool
    request: Any = None


@attrs.frozen(kw_only=True)
class Sold:
    """Pieces of a listing that are being sold: ``shown`` is what it shows before that, ``at`` the true time."""

    channel: ChannelId
    sku: str
    pieces: int
    shown: int
    at: datetime
