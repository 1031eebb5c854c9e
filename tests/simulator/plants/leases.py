"""Leases and fences taken out, one layer at a time and together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ordersync import ChannelId
from ordersync.model.ids import Fence
from ordersync.model.runs import Lease
from ordersync.storage.memory import MemoryJournal
from ordersync.storage.memory.fences import Fences
from ordersync.storage.sqlite import journal as journal_tables
from ordersync.storage.sqlite import parts
from ordersync.storage.sqlite.connection import Connection
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.lease import HeldLease

from .registry import Patch, plant

LATE = "tests/sweeps/test_late_runners.py"
RUNNERS = "tests/runner/test_many_runners.py"


def no_fences() -> Sequence[Patch]:
    """Return what lets every token pass, on both storages."""

    def check(_fences: Fences, _fence: Fence | None) -> None:
        pass

    def check_row(_db: Connection, _port: str, _fence: Fence | None) -> None:
        pass

    return [(Fences, "check", check), (parts, "check_fence", check_row)]


@plant(
    "no fencing",
    law="L11",
    source="reliability 3.7 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_overtaken_runner_writes_nothing",
)
def nobody_is_fenced() -> Sequence[Patch]:
    """Let an overtaken runner write."""
    return no_fences()


async def _never_renewed(_lease: HeldLease) -> None:
    pass


@plant(
    "lease not renewed",
    law="L9",
    source="reliability 3.7 and 4.3",
    directed=f"{RUNNERS}::test_lease_is_renewed_in_time_and_found_lost",
)
def never_renewed() -> Sequence[Patch]:
    """Never ask for more time: a scan that is longer than the lease comes to nothing."""
    return [(HeldLease, "keep", _never_renewed)]


@plant(
    "lease not renewed, and nobody looks at its end",
    law="L11",
    source="reliability 3.7 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_runner_calls_nothing_past_its_lease",
)
def never_renewed_nor_noticed() -> Sequence[Patch]:
    """Go on when the lease has ended; the fence alone keeps an overtaken runner from writing."""
    return [(HeldLease, "keep", _never_renewed), (HeldLease, "lasts", lambda _lease: True)]


@plant(
    "lease not renewed, nobody looks at its end, no fencing",
    law="L11",
    source="reliability 3.7 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_runner_calls_nothing_past_its_lease",
)
def never_renewed_nor_noticed_nor_fenced() -> Sequence[Patch]:
    """Go on when the lease has ended, and write."""
    return [*never_renewed_nor_noticed(), *no_fences()]


@plant(
    "a call may start at any time after the lease's end",
    law="L11",
    source="PROTOCOLS 12",
    directed="tests/simulator/test_directed_scans.py::test_slow_renewal_lets_no_call_start",
)
def lease_lasts_for_ever() -> Sequence[Patch]:
    """Renew in time, and never look at the lease's end."""
    return [(HeldLease, "lasts", lambda _lease: True)]


def _leased_twice() -> Sequence[Patch]:
    real = MemoryJournal.lease

    async def lease(journal: MemoryJournal, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        journal._leases.pop(channel, None)
        return await real(journal, channel, holder=holder, duration=duration)

    nobody = journal_tables.FIND_LEASE.replace("expires_at FROM", "NULL FROM")
    return [(MemoryJournal, "lease", lease), (journal_tables, "FIND_LEASE", nobody)]


@plant(
    "a channel is leased to two runners at once",
    law="L11",
    source="DESIGN L11",
    directed=f"{RUNNERS}::test_busy_channel_is_left_to_its_runner",
)
def leased_twice() -> Sequence[Patch]:
    """Give a channel to whoever asks; the fence keeps the first from writing."""
    return _leased_twice()


@plant(
    "a channel is leased to two runners at once, no fencing",
    law="L11",
    source="DESIGN L11",
    directed=f"{RUNNERS}::test_busy_channel_is_left_to_its_runner",
)
def leased_twice_unfenced() -> Sequence[Patch]:
    """Give a channel to whoever asks, and let all of them write."""
    return [*_leased_twice(), *no_fences()]


@plant(
    "a lease is held by name, not by token",
    law="L11",
    source="reliability 3.7",
    directed=f"{RUNNERS}::test_lease_is_renewed_in_time_and_found_lost",
)
def renews_what_it_lost() -> Sequence[Patch]:
    """Renew a lease that another has taken over meanwhile."""
    real = MemoryJournal.renew

    async def renew(journal: MemoryJournal, lease: Lease, *, duration: timedelta) -> bool:
        held = journal._leases.get(lease.channel)
        if held is not None:
            lease = held[0]
        return await real(journal, lease, duration=duration)

    anybody = "UPDATE leases SET expires_at = ? WHERE channel_id = ? AND ? IS NOT NULL AND ? IS NOT NULL"
    return [(MemoryJournal, "renew", renew), (journal_tables, "RENEW_LEASE", anybody)]


@plant(
    "an overtaken runner gives its successor's lease back",
    law="L11",
    source="reliability 3.7",
    directed="tests/simulator/test_directed_scans.py::test_overtaken_runner_gives_nothing_back",
)
def releases_what_it_lost() -> Sequence[Patch]:
    """Give back whatever lease there is."""

    async def release(journal: MemoryJournal, lease: Lease) -> None:
        journal._leases.pop(lease.channel, None)

    anybody = """
    UPDATE leases SET holder = NULL, expires_at = NULL WHERE channel_id = ? AND ? IS NOT NULL AND ? IS NOT NULL
    """
    return [(MemoryJournal, "release", release), (journal_tables, "RELEASE_LEASE", anybody)]


@plant(
    "a run takes its time from its own machine",
    law="L7",
    source="found by the simulator",
    directed="tests/simulator/test_directed_scans.py::test_two_machines_agree_on_the_time",
)
def time_of_the_machine() -> Sequence[Patch]:
    """Write this machine's wall clock into the rows that another machine reads."""
    return [(ChannelRun, "now", lambda run: run.clock.now()), (HeldLease, "now", lambda lease: lease._clock.now())]
