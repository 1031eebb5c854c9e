"""What the doctor says at the end of a simulation of every order that ever was, held against the truth."""

from __future__ import annotations

from typing import Literal

from ...doctor import Doctor
from ...model.channel_orders import ChannelOrder, UnreadableOrder
from ...model.ids import ChannelId, OrderKey
from .checkers.explanations import OrderFacts, Told, check_told, should_be_stored
from .market import Shown
from .stage import Stage
from .trace import Violation


async def ask_doctor(stage: Stage) -> None:
    """Let the doctor explain each order of each market, asking the channel for some; what is not true breaks O6."""
    doctor = Doctor(stage.channels(stage.last_process), stage.storage, clock=stage.clock)
    chance = stage.chances.child("doctor")
    for channel, market in stage.markets.items():
        for reference in list(market.orders):
            live = chance.random() < 0.15
            told = await doctor.explain(reference, source=channel.source, subsource=channel.subsource, live=live)
            facts = _facts(stage, channel, reference)
            answer = Told(code=told.code, causes=told.causes, stored=told.stored, live=live)
            stage.trace.event("explained", str(facts.key), told.code)
            stage.referee.judge(lambda answer=answer, facts=facts: _check(answer, facts))  # type: ignore[misc]
            stage.referee.heard(told.to_json())


def _check(told: Told, facts: OrderFacts) -> None:
    check_told(told, facts)
    if should_be_stored(facts):
        raise Violation("O2", f"{facts.key} was shown as it is, nothing keeps it out, and it is not here")


def _facts(stage: Stage, channel: ChannelId, reference: str) -> OrderFacts:
    key, market = OrderKey(channel, reference), stage.markets[channel]
    order, life, traits = stage.reader.order(key), stage.reader.life(channel), market.traits
    now, shown = market.read_order(reference), market.last_shown(reference)
    refused = channel in stage.broken_channels and stage.options.ending == "refused"
    connection: Literal["well", "refused"] = "refused" if refused else "well"
    return OrderFacts(
        key=key,
        state=None if order is None else order.state,
        now=None if now is None else now.document,
        shown=None if shown is None else shown.document,
        settings=stage.settings[channel],
        channel_state=life.state,
        failures=life.failures,
        resting=life.paused_until is not None and life.paused_until > stage.clock.now(),
        connection=connection,
        can_look_up=traits.can_look_up,
        needs_mapping=traits.words_only,
        settled=_is_settled(stage, key, now),
        left_out=channel in stage.broken_channels,
    )


def _is_settled(stage: Stage, key: OrderKey, now: Shown | None) -> bool:
    """Say whether what was answered of an order last is known here under its reference.

    A run may have died with it, or it was a connection test; and an order that had left the lists by then is answered
    no more.
    """
    if key.channel in stage.broken_channels or now is None or _is_anonymous(now.document):
        return False
    return not now.done or (stage.markets[key.channel].traits.moves_stamps and stage.reader.decision(key) is not None)


def _is_anonymous(document: ChannelOrder | UnreadableOrder) -> bool:
    return isinstance(document, UnreadableOrder) and document.reference is None
