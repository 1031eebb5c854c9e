"""Everything that a person can do at the desk, each with when it is allowed and what is so afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from operator import contains
from typing import Any

import attrs

from ordersync import Order, OrderDesk, OrderKey, OrderState, Parcel
from ordersync.conflicts import possible
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.orders import ConflictCode, Resolution

from .erasures import is_left
from .life_laws import LIVE
from .new_life import WHY, key_of
from .verbs import Verb, attempt, erase
from .world import World

BOB = "Bob"
PROCESSED = ("processed", "processed in part")

Allowed = Callable[[Order, Sequence[Note]], bool]
Lasting = Callable[[Order, Sequence[Note]], bool]


@attrs.frozen(kw_only=True)
class Deed:
    """One verb for one order: when it is allowed, by which names the history may tell it, and what lasts of it.

    One that *erases* the order lasts whatever is done to it afterwards, and nothing else about the order changes.
    """

    key: OrderKey
    verb: Verb
    allowed: Allowed
    lasts: Lasting
    told: Collection[str] = ()
    erases: bool = False


async def is_allowed(world: World, deed: Deed) -> bool:
    """Say whether it is allowed now."""
    order, notes = await world.storage.orders.get(deed.key), await world.storage.orders.notes(deed.key)
    return deed.allowed(order, notes)


@attrs.frozen
class Done:
    """A deed, whether it was allowed at its moment, and how it was answered; nothing when it was done."""

    deed: Deed
    was_allowed: bool
    answer: str


async def do(world: World, deeds: Iterable[Deed]) -> list[Done]:
    """Let a person do all this, one after the other, at once."""
    return [await _done(world, deed) for deed in deeds]


async def _done(world: World, deed: Deed) -> Done:
    """Do one thing; where a run that goes on beside it touched the order meanwhile, its answer is as good as any."""
    before = await _others_doing(world, deed.key)
    allowed, answer = await is_allowed(world, deed), await attempt(world.desk, deed.verb)
    if await _others_doing(world, deed.key) != before:
        allowed = answer == ""
    return Done(deed, allowed, answer)


async def _others_doing(world: World, key: OrderKey) -> Sequence[object]:
    return [entry for entry in await world.storage.orders.history(key) if entry.who != BOB]


async def what_is_wrong(world: World, done: Iterable[Done]) -> list[str]:
    """Say which answers are wrong, and what is left of the last thing that was done to each order."""
    wrong: list[str] = []
    of_order: dict[OrderKey, list[Deed]] = {}
    for one in done:
        of_order.setdefault(one.deed.key, []).extend([one.deed] if one.was_allowed else [])
        if one.answer != ("" if one.was_allowed else "TransitionError"):
            wrong.append(
                f"{one.deed.key}: {one.answer!r} was the answer to {one.deed.told}, allowed: {one.was_allowed}"
            )
    for key, deeds in of_order.items():
        told = [deed.told for deed in deeds if deed.told]
        history = [entry.event for entry in await world.storage.orders.history(key) if entry.who == BOB]
        if len(history) != len(told) or not all(map(contains, told, history)):
            wrong.append(f"{key}: the history tells {history}, done was {told}")
        wrong += await is_left(world, key) if any(deed.erases for deed in deeds) else []
        wrong += await _does_not_last(world, key, [deed for deed in deeds if not deed.erases])
    return wrong


async def _does_not_last(world: World, key: OrderKey, deeds: Sequence[Deed]) -> list[str]:
    order, notes = await world.storage.orders.get(key), await world.storage.orders.notes(key)
    if not deeds or deeds[-1].lasts(order, notes):
        return []
    conflict = order.conflict and order.conflict.code
    return [f"{key}: nothing is left of what was done last, {deeds[-1].told}: {order.state}, {conflict}"]


def _is_live(order: Order, _notes: Sequence[Note]) -> bool:
    return order.state in LIVE


def _may_leave(pieces: int | None = None) -> Allowed:
    def allowed(order: Order, notes: Sequence[Note]) -> bool:
        blocked = order.held or order.parked or order.set_aside or order.fulfilled_by_channel
        asked = order.conflict is not None and order.conflict.code in ("SHIPPED_ELSEWHERE", "VANISHED")
        left = sum(line.open for line in order.lines)
        return _is_live(order, notes) and not blocked and not asked and left >= (pieces or 1)

    return allowed


def _process(reference: str, pieces: int | None = None) -> Deed:
    lines = None if pieces is None else {"L1": pieces}
    parcel = Parcel(id="bobs", lines=lines, carrier="DHL", tracking_number=f"B{reference}")
    left = {NoteStatus.CONFIRMED, NoteStatus.REJECTED}  # refused is what its channel cancelled or sent meanwhile
    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.process(key_of(reference), parcel, who=BOB),
        allowed=_may_leave(pieces),
        lasts=lambda _, notes: any(one.parcel_id == "bobs" and one.status in left for one in notes),
        told=PROCESSED,
    )


def _resolve(reference: str, resolution: Resolution, code: ConflictCode) -> Deed:
    def lasts(order: Order, notes: Sequence[Note]) -> bool:
        match resolution:
            case Resolution.FOLLOW:
                return order.state is OrderState.OPEN
            case Resolution.CANCEL:
                return order.state is OrderState.CANCELLED
            case Resolution.PROCESS:
                return any(one.ready is NoteStatus.CONFIRMED for one in notes)
        return order.reviewed is not None and order.conflict is None

    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.resolve(key_of(reference), resolution, who=BOB, why=WHY),
        allowed=lambda order, _: (
            order.conflict is not None and order.conflict.code is code and resolution in possible(order)
        ),
        lasts=lasts,
        told=PROCESSED if resolution is Resolution.PROCESS else ["resolved"],
    )


def _deed(reference: str, event: str, lasts: Callable[[Order], bool], *, allowed: Allowed = _is_live) -> Deed:
    """Return a verb that is called like its event, or nearly so."""
    name = {"cancelled": "cancel", "held": "hold", "resumed": "resume", "parked": "park", "unparked": "unpark"}
    name |= {"relinked": "relink", "deleted": "delete", "restored": "restore"}

    def verb(desk: OrderDesk) -> Awaitable[Any]:
        done: Awaitable[Any] = getattr(desk, name[event])(key_of(reference), who=BOB, why=WHY)
        return done

    return Deed(key=key_of(reference), verb=verb, allowed=allowed, lasts=lambda order, _: lasts(order), told=[event])


def _move(reference: str, location: str) -> Deed:
    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.move(key_of(reference), location, who=BOB),
        allowed=_is_live,
        lasts=lambda order, _: order.location == location,
        told=["moved"],
    )


def _set_tracking(reference: str) -> Deed:
    free = (NoteStatus.WAITING, NoteStatus.QUEUED)
    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.set_tracking(key_of(reference), carrier="GLS", tracking_number="B-GLS"),
        allowed=lambda _, notes: any(one.status in free and not one.tries for one in notes),
        lasts=lambda _, notes: [(one.status, one.note.carrier) for one in notes] == [(NoteStatus.CONFIRMED, "GLS")],
    )


def _requeue(reference: str) -> Deed:
    stuck = (NoteStatus.REJECTED, NoteStatus.GAVE_UP, NoteStatus.UNKNOWN)
    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.requeue(key_of(reference)),
        allowed=lambda _, notes: any(one.status in stuck for one in notes),
        lasts=lambda _, notes: all(one.status is NoteStatus.CONFIRMED for one in notes),
    )


def _always(_order: Order, _notes: Sequence[Note]) -> bool:
    return True


def _erase(reference: str) -> Deed:
    return Deed(key=key_of(reference), verb=erase(reference), allowed=_always, lasts=_always, erases=True)


def _purge(reference: str, older_than: timedelta) -> Deed:
    """Return the erasure of all that ended long ago, as something done to one such order."""
    return Deed(
        key=key_of(reference),
        verb=lambda desk: desk.purge(older_than=older_than, who=BOB),
        allowed=_always,
        lasts=_always,
        erases=True,
    )


def _not_held(order: Order, notes: Sequence[Note]) -> bool:
    return _is_live(order, notes) and order.held is None


def _held(order: Order, notes: Sequence[Note]) -> bool:
    return _is_live(order, notes) and order.held is not None


def _set_aside(order: Order, notes: Sequence[Note]) -> bool:
    return _is_live(order, notes) and order.set_aside is not None


def _free(order: Order, notes: Sequence[Note]) -> bool:
    return _is_live(order, notes) and order.set_aside is None


def _deleted(order: Order, _notes: Sequence[Note]) -> bool:
    return order.state is OrderState.DELETED


DEEDS: Mapping[str, Deed] = {
    "process what loses a piece": _process("1108"),
    "process a part of what others send too": _process("2102", 1),
    "process what reserves anew": _process("2105"),
    "process what is held": _process("1101"),
    "process what is parked": _process("1103"),
    "process what the channel sends itself": _process("2901"),
    "cancel what others send in part": _deed("1110", "cancelled", lambda order: order.state is OrderState.CANCELLED),
    "hold what loses a piece": _deed("1108", "held", lambda order: order.held is not None, allowed=_not_held),
    "hold what is revived": _deed("1111", "held", lambda order: order.held is not None, allowed=_not_held),
    "hold what others have sent": _deed("2101", "held", lambda order: order.held is not None, allowed=_not_held),
    "resume": _deed("1101", "resumed", lambda order: order.held is None, allowed=_held),
    "resume what was held at another desk": _deed("2001", "resumed", lambda order: order.held is None, allowed=_held),
    "park what was paid just now": _deed("1104", "parked", lambda order: order.set_aside is not None, allowed=_free),
    "park once more": _deed("1103", "parked", lambda order: order.set_aside is not None, allowed=_free),
    "unpark": _deed("1103", "unparked", lambda order: order.set_aside is None, allowed=_set_aside),
    "move": _move("1102", "depot"),
    "move back what moves": _move("1104", "main"),
    "move what others have sent": _move("2101", "main"),
    "relink a kit": _deed("1113", "relinked", lambda order: order.lines[0].components == {"MUG": 1, "LID": 2}),
    "relink what is linked just now": _deed("1105", "relinked", lambda order: not order.unlinked),
    "delete what others have sent": _deed("1109", "deleted", lambda order: order.state is OrderState.DELETED),
    "delete what loses a piece": _deed("1108", "deleted", lambda order: order.state is OrderState.DELETED),
    "delete what the channel sends itself": _deed("2901", "deleted", lambda order: order.state is OrderState.DELETED),
    "restore what its channel cancels": _deed(
        "1106", "restored", lambda order: order.state is OrderState.CANCELLED, allowed=_deleted
    ),
    "restore what is deleted just now": _deed(
        "2104", "restored", lambda order: order.state is OrderState.CANCELLED, allowed=_deleted
    ),
    "restore what others have sent": _deed(
        "1115", "restored", lambda order: order.state is OrderState.PROCESSED, allowed=_deleted
    ),
    "delete what is revived": _deed("1111", "deleted", lambda order: order.state is OrderState.DELETED),
    "follow an edit": _resolve("1112", Resolution.FOLLOW, ConflictCode.EDITED_AFTER_PROCESSING),
    "keep in spite of an edit": _resolve("2106", Resolution.KEEP, ConflictCode.EDITED_AFTER_PROCESSING),
    "take off what others have sent": _resolve("1110", Resolution.PROCESS, ConflictCode.SHIPPED_ELSEWHERE),
    "cancel what has vanished": _resolve("1114", Resolution.CANCEL, ConflictCode.VANISHED),
    "take off what has vanished": _resolve("1114", Resolution.PROCESS, ConflictCode.VANISHED),
    "take off what the channel does not show any more and sent itself": _resolve(
        "1903", Resolution.PROCESS, ConflictCode.VANISHED
    ),
    "set the tracking": _set_tracking("2003"),
    "requeue": _requeue("2006"),
    "erase what loses a piece": _erase("1108"),
    "erase what is held": _erase("1101"),
    "erase what others have sent": _erase("2101"),
    "erase a tombstone": _erase("1106"),
    "erase what is in conflict": _erase("1112"),
    "purge": _purge("2106", timedelta(minutes=30)),
}
"""Every verb of the desk, for orders to which something else happens on the strange day."""
