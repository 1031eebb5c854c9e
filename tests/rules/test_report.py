"""The run report: counts that add up, text that fits, JSON with a documented schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.errors import ChannelRejectedError, ConfigurationError
from ordersync.model.ids import ChannelId
from ordersync.sync import report as module
from ordersync.sync.report import ChannelReport, Remark, RunReport
from ordersync.testing.builders import NOON

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "reference" / "report.md"
SHOP = ChannelId("Shop", "north")
PARTS = ("new", "changed", "same", "skipped", "quarantined")


def report(*channels: ChannelReport, **facts: Any) -> RunReport:  # noqa: ANN401 - fields of the record
    """Build the report of a run."""
    return RunReport(
        **{
            "run_id": "7f3c0a1b9d",
            "started_at": NOON,
            "finished_at": NOON + timedelta(seconds=3.4),
            "dry_run": False,
            "channels": {one.channel: one for one in channels},
            **facts,
        }
    )


texts = st.text(min_size=1, max_size=120).filter(lambda text: text.strip() != "")
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=80).filter(
    lambda text: text.strip() != ""
)
numbers = st.integers(0, 99_999)
remarks = st.builds(Remark, kind=st.sampled_from(["skipped", "failed"]), code=texts, subject=texts, sentence=texts)


@st.composite
def channel_reports(draw: st.DrawFn) -> ChannelReport:
    """Draw a channel's report whose sightings add up."""
    counts = {part: draw(st.integers(0, 19_999)) for part in PARTS}
    others = ("failed", "pages", "reserved", "pushed", "refused", "dispatched", "confirmed", "notes_waiting")
    return ChannelReport(
        channel=ChannelId(draw(names), draw(names)),
        status=draw(st.sampled_from(["done", "failed", "paused"])),
        seen=sum(counts.values()),
        unpublished_s=draw(st.none() | st.floats(0, 1e6)),
        waited_s=draw(st.floats(0, 1e6)),
        remarks=tuple(draw(st.lists(remarks, max_size=3))),
        more_remarks=draw(st.sampled_from([0, 12])),
        **counts,
        **{name: draw(numbers) for name in others},
    )


@given(st.lists(channel_reports(), max_size=4, unique_by=lambda one: one.channel))
def test_text_fits_and_adds_up(channels: list[ChannelReport]) -> None:
    """Whatever the names are, no line is longer than 80 columns, and the sum line is an exact sum."""
    lines = str(report(*channels)).split("\n")

    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    total = next(line for line in lines if line.startswith("sum "))
    seen, *parts = map(int, re.findall(r"\d+", total))
    assert seen == sum(parts) == sum(one.seen for one in channels)
    assert parts == [sum(getattr(one, part) for one in channels) for part in PARTS]


@given(st.lists(channel_reports(), max_size=3, unique_by=lambda one: one.channel))
def test_json_says_the_same(channels: list[ChannelReport]) -> None:
    """The JSON has every number under its own name, and reads back as what was written."""
    found = report(*channels, errors=(ChannelRejectedError("no"),))

    document = json.loads(found.to_json())

    assert document == json.loads(json.dumps(found.to_dict()))
    assert document["errors"] == [{"code": "channel-rejected", "message": "no"}]
    for one, told in zip(channels, document["channels"], strict=True):
        assert ChannelId(told.pop("source"), told.pop("subsource")) == one.channel
        assert [Remark(**remark) for remark in told.pop("remarks")] == list(one.remarks)
        assert told == {name: getattr(one, name) for name in told}


def test_text_of_a_run() -> None:
    """The text has one line a channel, one for the sum, the effects, and what a person should know."""
    seen: dict[str, Any] = {"seen": 41, "new": 6, "changed": 2, "same": 31, "skipped": 1, "quarantined": 1, "pages": 3}
    shop = ChannelReport(
        channel=SHOP,
        **seen,
        reserved=8,
        pushed=4,
        remarks=(
            Remark(kind="quarantined", code="UNREADABLE", subject="1042", sentence="lines[0].quantity: expected text"),
        ),
        more_remarks=2,
        unpublished_s=61.2,
    )
    market = ChannelReport(
        channel=ChannelId("A marketplace with a long name", "uk"),
        status="failed",
        failed=1,
        refused=1,
        dispatched=2,
        confirmed=1,
        notes_waiting=3,
        unpublished_s=4.0,
    )

    assert str(report(shop, market, dry_run=True)) == (
        "run 7f3c0a1b  2024-05-06 12:00:00Z  3.4 s  dry-run: yes\n"
        "channel             seen   new changed   same skipped quarantined failed pages\n"
        "Shop/north            41     6       2     31       1           1      0     3\n"
        "A market…g name/uk     0     0       0      0       0           0      1     0\n"
        "sum                   41 =   6 +     2 +   31 +     1 +         1\n"
        "stock: 8 orders settled, 4 levels pushed to 1 channels, 1 refused\n"
        "dispatch notes: 2 sent, 1 confirmed, 3 waiting\n"
        "oversell window: the other channels were told after 61 s at most\n"
        "A marketplace with a long name/uk: failed\n"
        "quarantined Shop/north 1042  lines[0].quantity: expected text\n"
        "            Shop/north: and 2 more"
    )


def test_text_cannot_steer_a_terminal() -> None:
    """Control characters in a reference are shown as blanks."""
    remark = Remark(kind="skipped", code="NOT_PAID", subject="\x1b[2J1001", sentence="first\nsecond")

    lines = str(report(ChannelReport(channel=SHOP, remarks=(remark,)))).split("\n")

    assert lines[-1] == "skipped     Shop/north  [2J1001  first second"


def test_errors_come_out_when_asked() -> None:
    """A report raises nothing by itself; asked to, it raises all of its errors as a group."""
    errors = (ChannelRejectedError("no"), ConfigurationError("never"))
    report().raise_for_errors()

    with pytest.raises(ExceptionGroup, match="run 7f3c0a1b") as caught:
        report(errors=errors).raise_for_errors()

    assert caught.value.exceptions == errors


def _tables() -> Mapping[str, list[str]]:
    """Return the first column of each table of the page, by heading and kind of table."""
    tables: dict[str, list[str]] = {}
    for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOC.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for first, rows in re.findall(r"^\| (\w+) \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", body, re.MULTILINE):
            tables[f"{heading}: {first}"] = re.findall(r"^\| `(\w+)` \| [A-Z`].*\. \|$", rows, re.MULTILINE)
            assert len(tables[f"{heading}: {first}"]) == len(rows.splitlines()), f"a row of {heading!r} is no sentence"
    return tables


def test_schema_is_documented() -> None:
    """The page lists every key of the JSON in its order, with one sentence each, and no other."""
    remark = Remark(kind="skipped", code="C", subject="s", sentence="t")
    found = report(ChannelReport(channel=SHOP, remarks=(remark,)), errors=(ConfigurationError("x"),)).to_dict()
    tables = _tables()

    assert tables["The report: field"] == list(found)
    assert tables["A channel: field"] == list(found["channels"][0])
    assert tables["A remark: field"] == list(found["channels"][0]["remarks"][0])
    assert tables["An error: field"] == list(found["errors"][0])
    assert found["schema"] == module.JSON_SCHEMA == "ordersync.run-report/1"
    assert module.JSON_SCHEMA in DOC.read_text("utf-8")


def test_kinds_and_statuses_are_documented() -> None:
    """Every kind of remark and every status that a run gives is on the page."""
    code = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src/ordersync/sync").glob("*.py")))
    kinds = {*re.findall(r'remark\(\s*"(\w+)"', code), "skipped", "quarantined"}
    statuses = set(re.findall(r'status="(\w+)"|\.status = "(\w+)"', code))
    tables = _tables()

    assert set(tables["A remark: kind"]) == kinds
    assert set(tables["A channel: status"]) == {one or other for one, other in statuses} | {"done"}
    assert all(f"``{kind}``" in (Remark.__doc__ or "") for kind in kinds)


def test_every_count_of_a_channel_is_in_the_json() -> None:
    """No field of a channel's report is left out of its JSON."""
    fields = {field.name for field in attrs.fields(ChannelReport)} - {"channel"}

    assert fields <= report(ChannelReport(channel=SHOP)).to_dict()["channels"][0].keys()
