"""Rules 10 to 15 taken out: when a note is sent, and what a look at the channel says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import attrs

from ordersync import ChannelOrder, FulfillmentStatus, OrderDesk, OrderKey
from ordersync.errors import ChannelRejectedError
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.sync import confirm, dispatch, retry, shipments
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.lease import START_WINDOW_S, HeldLease
from ordersync.sync.retry import Caller
from ordersync.sync.shipments import Look

from .registry import Patch, plant

T = TypeVar("T")

CLAIMS = "tests/protocols/test_dispatch_claims.py"
LOOKS = "tests/protocols/test_dispatch_looks.py"

FOR_EVER = float("inf")


def _forgets_its_claim() -> Sequence[Patch]:
    call = dispatch._call

    async def called(run: ChannelRun, note: Note, claim: Note, _claimed_at: float) -> None:
        await call(run, note, claim, FOR_EVER)

    return [(dispatch, "_call", called)]


@plant(
    "rule 10: a note is sent however old its claim is",
    law="L8",
    source="PROTOCOLS 10",
    directed="tests/simulator/test_directed.py::test_note_is_not_sent_under_an_old_claim",
)
def note_of_an_old_claim() -> Sequence[Patch]:
    """Look at the lease before a note is sent, and not at the claim."""
    return _forgets_its_claim()


@plant(
    "rule 10: a note is sent however old its claim is, lease forgotten too",
    law="L8",
    source="PROTOCOLS 10",
    directed=f"{CLAIMS}::test_rule_10_paused_claimer_does_not_send",
)
def note_of_an_old_claim_and_lease() -> Sequence[Patch]:
    """Look at nothing before a note is sent."""
    return [*_forgets_its_claim(), (HeldLease, "lasts", lambda _lease: True)]


@plant(
    "rule 10: a note of unknown fate is looked for at once",
    law="L8",
    source="PROTOCOLS 10",
    directed=f"{CLAIMS}::test_rule_10_look_waits_for_late_copies",
)
def looks_at_once() -> Sequence[Patch]:
    """Wait for no late copy of a note."""
    real = dispatch._write

    async def written(run: ChannelRun, note: Note, changed: Note) -> bool:
        if changed.status is NoteStatus.CLAIMED and changed.tries > note.tries:
            changed = attrs.evolve(changed, look_at=changed.claimed_at)
        return await real(run, note, changed)

    return [(dispatch, "_write", written)]


@plant(
    "claim time read back from the row",
    law="L8",
    source="reliability 3.6 and 4.3",
    directed=f"{CLAIMS}::test_rule_10_paused_claimer_does_not_send",
)
def claim_time_of_the_row() -> Sequence[Patch]:
    """Take whatever claim stands in the row for one's own; the lease's end is not looked at either."""

    async def called(run: ChannelRun, note: Note, claim: Note, _claimed_at: float) -> None:
        notes = await run.storage.orders.notes(claim.note.order_key)
        row = next((one for one in notes if one.parcel_id == claim.parcel_id), claim)
        age = (run.now() - (row.claimed_at or run.now())).total_seconds()
        await call(run, note, claim, run.clock.monotonic() - age)

    call = dispatch._call
    return [(dispatch, "_call", called), (HeldLease, "lasts", lambda _lease: True)]


@plant(
    "rule 11: only the first try is held against the claim",
    law="L8",
    source="PROTOCOLS 11",
    directed=f"{CLAIMS}::test_rule_11_every_try_is_held_against_the_claim",
)
def checks_once() -> Sequence[Patch]:
    """Look at the time once, and then try again and again."""

    async def effect(caller: Caller, call: Callable[[], Awaitable[T]], *, may_start: Callable[[], bool]) -> T:
        allowed = may_start()
        return await caller._retrying(call, again=retry._is_unapplied, may_start=lambda: allowed, within_s=FOR_EVER)

    return [(Caller, "effect", effect)]


@plant(
    "rule 11: an effect waits longer than its claim lasts",
    law="L8",
    source="PROTOCOLS 11",
    directed=f"{CLAIMS}::test_rule_11_wait_that_outlasts_the_claim_is_not_begun",
    masked="the check before each try: the wait was for nothing, and nothing is sent after it",
)
def waits_too_long() -> Sequence[Patch]:
    """Begin waits that outlast the claim."""
    return [(retry, "START_WINDOW_S", 3600.0)]


@plant(
    "an effect of unknown outcome is tried again",
    law="L8",
    source="reliability 1.1 F02",
    directed="tests/simulator/test_directed.py::test_note_that_may_have_arrived_is_not_tried_again",
)
def retries_what_may_have_arrived() -> Sequence[Patch]:
    """Try an effect again where nobody knows whether it took place."""
    return [(retry, "_is_unapplied", retry._is_unavailable)]


@plant(
    "rule 12: an effect starts after its lease has ended",
    law="L11",
    source="PROTOCOLS 12",
    directed=f"{CLAIMS}::test_rule_12_nothing_starts_that_may_outlive_the_lease",
)
def outlives_the_lease() -> Sequence[Patch]:
    """Look at the claim and not at the lease."""

    def may_start(lease: HeldLease, claimed_at: float) -> bool:
        return lease._clock.monotonic() - claimed_at < START_WINDOW_S

    return [(HeldLease, "may_start", may_start)]


@plant(
    "rule 12: a lease is counted from when its answer came",
    law="L11",
    source="PROTOCOLS 12",
    directed="tests/simulator/test_directed.py::test_lease_is_counted_from_when_it_was_asked_for",
)
def lease_counts_from_its_answer() -> Sequence[Patch]:
    """Take a lease for fresh whose answer was long on its way."""
    init, keep = HeldLease.__init__, HeldLease.keep

    def made(lease: HeldLease, *args: object, **facts: object) -> None:
        init(lease, *args, **facts)  # type: ignore[arg-type]
        lease._asked_at = lease._clock.monotonic()

    async def kept(lease: HeldLease) -> None:
        before = lease._asked_at
        await keep(lease)
        if lease._asked_at != before:
            lease._asked_at = lease._clock.monotonic()

    return [(HeldLease, "__init__", made), (HeldLease, "keep", kept)]


@plant(
    "rule 13: a requeued note forgets that it was tried",
    law="L8",
    source="PROTOCOLS 13",
    directed=f"{LOOKS}::test_rule_13_requeued_note_is_looked_for_first",
)
def requeued_like_new() -> Sequence[Patch]:
    """Send a requeued note without a look."""

    async def requeue(desk: OrderDesk, key: OrderKey, *, parcel_id: str = "all") -> None:
        await desk._change_note(
            key,
            parcel_id,
            lambda note: attrs.evolve(
                note, status=NoteStatus.QUEUED, tries=0, claimed_at=None, first_tried_at=None, look_at=None
            ),
            allowed=lambda note: note.status in (NoteStatus.REJECTED, NoteStatus.UNKNOWN, NoteStatus.GAVE_UP),
            verb="requeued",
        )

    return [(OrderDesk, "requeue", requeue)]


@plant(
    "resend dispatch without probe",
    law="L8",
    source="reliability 3.6 and 4.3",
    directed="tests/simulator/test_directed.py::test_note_whose_answer_was_lost_is_looked_for",
)
def resends_without_a_look() -> Sequence[Patch]:
    """Send a claimed note again without looking at the channel."""

    async def look_first(run: ChannelRun, note: Note) -> None:
        await dispatch._send(run, note)

    return [(dispatch, "_look_first", look_first)]


@plant(
    "rule 14: one shipment answers for every note",
    law="L8",
    source="PROTOCOLS 14",
    directed=f"{LOOKS}::test_rule_14_one_shipment_answers_for_one_note",
)
def one_shipment_for_all() -> Sequence[Patch]:
    """Take no shipment of a note away that has arrived."""
    return [(shipments, "ARRIVED", frozenset())]


@plant(
    "rule 14: two notes of an order are under way at once",
    law="L8",
    source="PROTOCOLS 14",
    directed=f"{LOOKS}::test_rule_14_no_two_notes_of_an_order_are_under_way",
)
def two_notes_at_once() -> Sequence[Patch]:
    """Send a note while a copy of another may still land."""

    async def never(_run: ChannelRun, _note: Note) -> bool:
        return False

    return [(dispatch, "_another_under_way", never)]


@plant(
    "rule 15: a look does not wait for what the channel shows late",
    law="L8",
    source="PROTOCOLS 15",
    directed=f"{LOOKS}::test_rule_15_look_waits_for_what_the_channel_shows_late",
)
def looks_before_the_lag() -> Sequence[Patch]:
    """Count the late window alone, and not how late the channel shows things."""
    real = dispatch._write

    async def written(run: ChannelRun, note: Note, changed: Note) -> bool:
        if changed.status is NoteStatus.CLAIMED and changed.look_at is not None:
            changed = attrs.evolve(changed, look_at=changed.look_at - run.channel.listing_lag)
        return await real(run, note, changed)

    return [(dispatch, "_write", written)]


@plant(
    "a note counts as confirmed though nobody saw it",
    law="L8",
    source="DESIGN 7",
    directed="tests/simulator/test_directed.py::test_note_is_confirmed_by_what_the_channel_shows",
)
def confirms_unseen() -> Sequence[Patch]:
    """Confirm what was sent without a look at the channel."""

    async def seen(_run: ChannelRun, _notes: Sequence[Note]) -> bool:
        return True

    return [(confirm, "_looked_up", seen), (confirm, "_from_feed", seen)]


@plant(
    "a refused note counts as sent",
    law="L8",
    source="reliability 1.1 F09",
    directed="tests/simulator/test_directed.py::test_refused_note_is_not_sent",
)
def refusal_is_success() -> Sequence[Patch]:
    """Take a refusal for an order that is shipped already."""

    async def refused(run: ChannelRun, claim: Note, _error: ChannelRejectedError) -> None:
        await dispatch._move(run, claim, NoteStatus.SENT, message="the channel had it already")

    return [(dispatch, "_refused", refused)]


@plant(
    "a look goes by lines alone",
    law="L8",
    source="DESIGN 7",
    directed="tests/simulator/test_directed.py::test_shipment_of_other_hands_is_not_ours",
)
def look_by_lines() -> Sequence[Patch]:
    """Take any shipment of the same lines for ours, whatever its number."""

    def look_for(note: Note, order: ChannelOrder, _notes: Iterable[Note], *, shipped: FulfillmentStatus) -> Look:
        same = any(one.lines == note.note.lines for one in order.shipments)
        whole = shipped is FulfillmentStatus.SHIPPED
        return Look.ARRIVED if same or whole else Look.NOT_THERE

    return [(dispatch, "look_for", look_for)]


@plant(
    "a note goes out without a look where the channel cannot be looked at",
    law="L8",
    source="PROTOCOLS 13",
    directed="tests/simulator/test_directed.py::test_note_of_unknown_fate_is_left_to_a_person",
)
def resends_where_nobody_can_look() -> Sequence[Patch]:
    """Repeat a note of unknown fate on a channel without look-ups, whatever the settings say."""

    async def without_look(run: ChannelRun, note: Note) -> None:
        await dispatch._send(run, note)

    return [(dispatch, "_without_look", without_look)]
