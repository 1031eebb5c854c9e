"""Where a dispatch note may go from where it stands: an independent table of DESIGN.md's section 7. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ....model.dispatch import Note, NoteStatus, ParcelRecord
from ..trace import Violation
from .commits import Commit

WAITING, QUEUED, CLAIMED = NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED
SENT, CONFIRMED, REJECTED = NoteStatus.SENT, NoteStatus.CONFIRMED, NoteStatus.REJECTED
UNKNOWN, GAVE_UP = NoteStatus.UNKNOWN, NoteStatus.GAVE_UP

RUNS, PEOPLE, PACKING = "a run", "a person", "queue"

ARROWS: Mapping[tuple[NoteStatus, NoteStatus], frozenset[str]] = {
    (WAITING, QUEUED): frozenset({PACKING}),
    (WAITING, CONFIRMED): frozenset({PACKING}),
    (WAITING, WAITING): frozenset({PEOPLE}),
    (QUEUED, QUEUED): frozenset({PEOPLE, RUNS}),
    (QUEUED, CLAIMED): frozenset({RUNS}),
    (QUEUED, SENT): frozenset({RUNS}),
    (QUEUED, REJECTED): frozenset({RUNS}),
    (QUEUED, GAVE_UP): frozenset({RUNS}),
    (CLAIMED, QUEUED): frozenset({RUNS}),
    (CLAIMED, CLAIMED): frozenset({RUNS}),
    (CLAIMED, SENT): frozenset({RUNS}),
    (CLAIMED, REJECTED): frozenset({RUNS}),
    (CLAIMED, UNKNOWN): frozenset({RUNS}),
    (CLAIMED, GAVE_UP): frozenset({RUNS}),
    (SENT, SENT): frozenset({RUNS}),
    (SENT, CONFIRMED): frozenset({RUNS}),
    (REJECTED, QUEUED): frozenset({PEOPLE}),
    (UNKNOWN, QUEUED): frozenset({PEOPLE}),
    (GAVE_UP, QUEUED): frozenset({PEOPLE}),
}
"""Who may take a note from one status to another; ``queue`` leaves alone what is not WAITING."""

ENDS = frozenset({REJECTED, UNKNOWN, GAVE_UP})
"""Where a note waits for a person, and says why."""

TOLD = frozenset({SENT, CONFIRMED})


def recorded(note: Note, parcel: ParcelRecord) -> None:
    """Check a note as it is recorded with its parcel."""
    if note.status is not WAITING or note.tries or note.claimed_at is not None:
        raise Violation("L8", f"{note.note.id} is {note.status} although its goods have not moved")
    if note.ready not in (QUEUED, CONFIRMED):
        raise Violation("L8", f"{note.note.id} is to be {note.ready} once its goods have moved")
    if (note.note.carrier, note.note.tracking_number) != (parcel.asked.carrier, parcel.asked.tracking_number):
        raise Violation("D4", f"{note.note.id} has another carrier or tracking than its parcel was asked with")
    if not parcel.lines or any(quantity < 1 for quantity in parcel.lines.values()):
        raise Violation("D4", f"parcel {parcel.id!r} of {parcel.order_key} holds nothing")


def moved(before: Note, after: Note, commit: Commit) -> None:
    """Check what one commit made of a note."""
    who = PACKING if commit.verb == "queue" else PEOPLE if commit.fence is None else RUNS
    name = after.note.id
    if after != before and who not in ARROWS.get((before.status, after.status), frozenset()):
        raise Violation("L8", f"{name} went from {before.status} to {after.status} through {who}")
    if (after.parcel_id, after.ready, after.note.id) != (before.parcel_id, before.ready, before.note.id):
        raise Violation("D4", f"{name} became a note of another parcel")
    was, is_now = before.note, after.note
    if (was.carrier, was.tracking_number) != (is_now.carrier, is_now.tracking_number):
        early = before.status in (WAITING, QUEUED) and not before.tries
        if not early or who != PEOPLE:
            raise Violation("D4", f"{name} was given other tracking by {who} when it was {before.status}")
    if after.status in ENDS and not after.message:
        raise Violation("D2", f"{name} is {after.status}, and nobody is told why")
    if after.status is CLAIMED and before.status is not CLAIMED and (not after.tries or after.claimed_at is None):
        raise Violation("D3", f"{name} is claimed, and nobody knows when")
