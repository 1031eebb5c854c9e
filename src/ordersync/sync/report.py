"""What a run tells: counts that add up, and why orders are not here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ..columns import wrapped
from ..errors import OrderSyncError
from ..model.ids import ChannelId

JSON_SCHEMA = "ordersync.run-report/1"
"""Raised when a field of the JSON report changes its meaning; fields may be added."""

NAME = 18


@attrs.frozen(kw_only=True)
class Remark:
    """One thing of a run that a person may want to know: an order skipped, a call failed, stock short.

    ``kind`` is ``skipped``, ``quarantined``, ``failed``, ``refused``, ``lacking``, ``conflict``, ``resolved``,
    ``suspicious``, ``unlinked``, ``short`` or ``warning``; of a dry run also ``due``.
    """

    kind: str
    code: str
    subject: str
    sentence: str


@attrs.frozen(kw_only=True)
class ChannelReport:
    """One channel's share of a run.

    Sightings add up: ``seen = new + changed + same + skipped + quarantined``. ``failed`` counts calls to the
    channel, not orders. ``status`` is ``done``, ``failed``, ``paused``, ``disabled``, ``busy`` (another runner holds
    it) or ``lost``. ``unpublished_s``: the longest that a sale seen in this run had been unknown to the
    other channels when they were told.
    """

    channel: ChannelId
    status: str = "done"
    seen: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    skipped: int = 0
    quarantined: int = 0
    failed: int = 0
    pages: int = 0
    looked_up: int = 0
    waited_s: float = 0.0
    reserved: int = 0
    pushed: int = 0
    refused: int = 0
    dispatched: int = 0
    confirmed: int = 0
    notes_waiting: int = 0
    unpublished_s: float | None = None
    remarks: tuple[Remark, ...] = ()
    more_remarks: int = 0


@attrs.frozen(kw_only=True)
class RunReport:
    """What one run did, channel by channel.

    ``str()`` is plain text of at most 80 columns; ``to_json()`` has the same numbers under the same names.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    dry_run: bool
    channels: Mapping[ChannelId, ChannelReport]
    errors: tuple[OrderSyncError, ...] = ()

    def raise_for_errors(self) -> None:
        """Raise an ``ExceptionGroup`` of what went wrong, if anything did."""
        if self.errors:
            raise ExceptionGroup(f"run {self.run_id[:8]}", list(self.errors))

    def to_json(self) -> str:
        """Return the report as JSON (schema ``ordersync.run-report/1``, see the reference)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "run_id": self.run_id,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "dry_run": self.dry_run,
            "channels": [_channel(report) for report in self.channels.values()],
            "errors": [{"code": error.code, "message": str(error)} for error in self.errors],
        }

    def __str__(self) -> str:
        """Return the report as text."""
        return "\n".join([*self._head(), *self._table(), *self._effects(), *self._remarks()])

    def _head(self) -> list[str]:
        seconds = (self.finished_at - self.started_at).total_seconds()
        dry = "yes" if self.dry_run else "no"
        return [f"run {self.run_id[:8]}  {self.started_at:%Y-%m-%d %H:%M:%SZ}  {seconds:.1f} s  dry-run: {dry}"]

    def _table(self) -> list[str]:
        names = ("seen", "new", "changed", "same", "skipped", "quarantined")
        head = "channel".ljust(NAME) + "  seen   new changed   same skipped quarantined failed pages"
        rows = [_row(_short(str(one.channel)), one) for one in self.channels.values()]
        sums = {name: sum(getattr(one, name) for one in self.channels.values()) for name in names}
        total = "{seen:>6} ={new:>4} +{changed:>6} +{same:>5} +{skipped:>6} +{quarantined:>10}".format(**sums)
        return [head, *rows, "sum".ljust(NAME) + total]

    def _effects(self) -> list[str]:
        reports = self.channels.values()
        pushed, refused = sum(one.pushed for one in reports), sum(one.refused for one in reports)
        told = sum(1 for one in reports if one.pushed)
        sent, confirmed = sum(one.dispatched for one in reports), sum(one.confirmed for one in reports)
        waiting, reserved = sum(one.notes_waiting for one in reports), sum(one.reserved for one in reports)
        late = max((one.unpublished_s for one in reports if one.unpublished_s is not None), default=None)
        stopped = [one for one in reports if one.status != "done"]
        window = [] if late is None else [f"oversell window: the other channels were told after {late:.0f} s at most"]
        return [
            f"stock: {reserved} orders settled, {pushed} levels pushed to {told} channels, {refused} refused",
            f"dispatch notes: {sent} sent, {confirmed} confirmed, {waiting} waiting",
            *window,
            *(line for one in stopped for line in wrapped(f"{one.channel}: {one.status}", margin=12)),
        ]

    def _remarks(self) -> list[str]:
        lines: list[str] = []
        for one in self.channels.values():
            for remark in one.remarks:
                lines += wrapped(f"{remark.kind:<11} {one.channel} {remark.subject}  {remark.sentence}", margin=12)
            if one.more_remarks:
                lines += wrapped(f"{'':<11} {one.channel}: and {one.more_remarks} more", margin=12)
        return lines


def _row(name: str, one: ChannelReport) -> str:
    return (
        f"{name:<{NAME}}{one.seen:>6}{one.new:>6}{one.changed:>8}{one.same:>7}"
        f"{one.skipped:>8}{one.quarantined:>12}{one.failed:>7}{one.pages:>6}"
    )


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[:8]}…{name[9 - NAME :]}"


def _channel(report: ChannelReport) -> dict[str, Any]:
    facts = attrs.asdict(report, recurse=False, filter=lambda field, _: field.name not in ("channel", "remarks"))
    return {
        "source": report.channel.source,
        "subsource": report.channel.subsource,
        **facts,
        "remarks": [attrs.asdict(remark) for remark in report.remarks],
    }
