"""What removes each cause, as steps of a script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import attrs

from ordersync import PaymentStatus

from .law_steps import Act, Decide, Desk, Hint, Link, Run, Switch, Wait
from .law_world import WORDS, Step, World

LONGER_THAN_ANY_WAIT = Wait(13 * 60)
"""After so long every sweep and every look is due, and no channel rests any more."""

PLACES = frozenset({"north", "south"})

LEFT_BY_NOT_RUNNING = frozenset({"CHANNEL_DRAFT", "NOT_READ_YET"})
CANNOT_BE_LEFT = LEFT_BY_NOT_RUNNING | {"NOT_SHOWN", "NOT_ON_CHANNEL"}
"""Another order may make the same stretch be read again, and what is not there can be shown by nobody."""


@attrs.frozen(kw_only=True)
class Patient:
    """An order as it is when its causes are to be removed.

    One that no scan shows ``may_be_read_beside``: since another, that other settings accept, is read again, or since
    somebody has asked for it in vain, and the look is still due. One that is ``out_of_sight`` has ended at a shop whose
    stamps do not move and that cannot be asked for it: what is done to it there is seen by nobody.
    """

    number: int
    word: str
    place: str | None
    refunded: bool
    words: Mapping[str, str] | None
    fixed: bool
    may_be_read_beside: bool
    out_of_sight: bool

    @classmethod
    def of(cls, world: World, number: int) -> Patient:
        """Look at an order."""
        order = list(world.shop.orders.values())[number]
        return cls(
            number=number,
            word=order.status,
            place=order.location,
            refunded=order.payment is PaymentStatus.REFUNDED,
            words=world.wishes.words,
            fixed=not world.setup.words,
            out_of_sight=order.done and not world.setup.lookup and world.setup.scan != "updated",
            may_be_read_beside=order.done and (order.reference in world.asked_for or len(world.shop.orders) > 1),
        )


def cure(patient: Patient, causes: Collection[str]) -> Sequence[Step]:
    """Return the steps that remove these causes, and no other."""
    steps = [step for code in sorted({*causes} & {*CURES}) for step in CURES[code](patient)]
    return [*_words(patient, causes), *steps]


def next_run(patient: Patient, causes: Collection[str], *, rested: bool = True) -> Sequence[Step]:
    """Return the run that must store the order once these causes are removed."""
    hint = [Hint(patient.number, told=True)] if "NOT_SHOWN" in causes else []
    return [*([LONGER_THAN_ANY_WAIT] if rested else []), *hint, Run()]


def _words(patient: Patient, causes: Collection[str]) -> Sequence[Step]:
    """Map words; where there was no mapping, the word of this order is left out of it if nobody is to know it."""
    unknown = not {"STATUS_UNKNOWN", "STATUS_IGNORED"}.isdisjoint(causes)
    if patient.fixed:
        return [Act(patient.number, "say ready")] if unknown else []
    if patient.words is None and "STATUS_MAPPING_MISSING" not in causes:
        return []
    words = dict(WORDS if patient.words is None else patient.words)
    if patient.words is None:
        words.pop(patient.word, None)
    if unknown:
        words[patient.word] = "paid"
    return [Decide("words", words)]


def _pay(patient: Patient) -> Sequence[Step]:
    return [Act(patient.number, "pay") if patient.refunded and patient.fixed else Decide("unpaid", value=True)]


def _find_place(patient: Patient) -> Sequence[Step]:
    return [Decide("places", None if patient.place is None else PLACES)]


CURES: Mapping[str, Callable[[Patient], Sequence[Step]]] = {
    "CHANNEL_DISABLED": lambda _: [Switch(on=True)],
    "NOT_CONNECTED": lambda _: [Link("up")],
    "AUTH_FAILED": lambda _: [Link("up")],
    "DELETED_HERE": lambda patient: [Desk(patient.number, "restore")],
    "NOT_PAID": _pay,
    "SHIPPED_BEFORE_DOWNLOAD": lambda _: [Decide("shipped", value=True)],
    "CANCELLED_ON_CHANNEL": lambda _: [Decide("cancelled", value=True)],
    "BEFORE_INITIAL_FROM": lambda _: [Decide("late", value=False)],
    "NO_LOCATION": _find_place,
    "NO_BOXES": lambda _: [Decide("boxes", value=True)],
    "UNREADABLE": lambda patient: [Act(patient.number, "mend")],
    "UNEXPLAINED": lambda patient: [Act(patient.number, "show")],
}
"""What a person does about each cause. A draft, a rest and what was not read yet need time and a run alone."""
