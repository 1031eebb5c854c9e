"""The reference names everything that there is: errors, codes, events, fields, words; and nothing that is not."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
import pytest

from ordersync import ChannelId, Explanation, OrderKey, errors
from ordersync.admission import ADMITTED, CHECKS, QUARANTINES
from ordersync.conflicts import BLOCKING, RESOLUTIONS
from ordersync.doctor.differences import RECONCILE_CODES
from ordersync.doctor.evidence import Question, gather
from ordersync.doctor.explanation import HERE, CheckResult
from ordersync.doctor.linting import LINT_CODES
from ordersync.doctor.quantities import QuantityCode
from ordersync.doctor.results import NEXT_STEPS
from ordersync.doctor.support_bundle import bundle_of
from ordersync.lifecycle import ARROWS, OrderEvent
from ordersync.model import events
from ordersync.model.audits import FindingCode
from ordersync.model.dispatch import NoteStatus
from ordersync.model.listings import StockOutcome
from ordersync.model.orders import ConflictCode, OrderState, Resolution
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.storage.memory import MemoryStorage
from ordersync.sync.report import ChannelReport, Remark, RunReport
from ordersync.testing import ManualClock

ROOT = Path(__file__).parents[1]
SYNC = sorted((ROOT / "src/ordersync/sync").glob("*.py"))
DOCTOR = ROOT / "src/ordersync/doctor"
MEANT_FOR_PEOPLE = (errors.OrderNotFoundError, errors.TransitionError, errors.ParcelConflictError)
REFUSED_NOTES = (NoteStatus.REJECTED, NoteStatus.UNKNOWN, NoteStatus.GAVE_UP)


def page(name: str) -> str:
    """Return a page of the documentation."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def sections(text: str, level: int) -> Mapping[str, str]:
    """Return what stands under each heading of a level."""
    parts = re.split(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str, column: int = 0) -> list[str]:
    """Return what stands in one column of the tables of a text, headers left out; words in code without the marks."""
    found = []
    for line in re.findall(r"^\| (.*) \|$", text, flags=re.MULTILINE):
        cell = line.split(" | ")[column]
        if cell.startswith("`"):
            found += re.findall(r"`([^`]+)`", cell)
    return found


def under(name: str, *headings: str) -> str:
    """Return a part of a page: below the second-level heading, and below a third-level one if given."""
    text = page(name)
    for level, heading in enumerate(headings, start=2):
        text = sections(text, level)[heading]
    return text


def all_errors() -> Mapping[str, type[errors.OrderSyncError]]:
    """Return every exception of ours by its name."""
    found = {name: thing for name, thing in vars(errors).items() if inspect.isclass(thing)}
    return {name: thing for name, thing in found.items() if issubclass(thing, errors.OrderSyncError)}


def test_every_error_has_its_section() -> None:
    """The page of errors has one section for each exception, with its code and, but for the base, what to do next."""
    told = sections(page("reference/errors"), 2)

    assert list(told) == list(all_errors())
    for name, text in told.items():
        assert f"Code `{all_errors()[name].code}`." in text
        assert "**Next:**" in text or name == "OrderSyncError"


def test_tree_of_errors_is_the_real_one() -> None:
    """The tree that the page draws is that of the module."""
    drawn = re.findall(r"^([│├└─ ]*)(\w+Error)$", page("reference/errors"), flags=re.MULTILINE)
    depth = {name: len(branch) // 4 for branch, name in drawn}

    assert list(depth) == list(all_errors())
    for name, kind in all_errors().items():
        parents = [one.__name__ for one in kind.__mro__[1:] if one.__name__ in depth]
        assert depth[name] == len(parents), name


def test_every_decision_has_its_entry() -> None:
    """Each code of admission has an entry, in the order of the checks, with cause, evidence and cure."""
    told = sections(under("reference/decision-codes", "Decisions"), 3)

    assert list(told) == [ADMITTED, *(check.code for check in CHECKS)]
    for code, text in told.items():
        assert all(f"**{word}.**" in text for word in ("Cause", "Evidence", "Cure")), code
        assert ("quarantined" in text) == (code in QUARANTINES), code


def test_every_conflict_has_its_entry() -> None:
    """Each conflict has an entry in the reference and a section in the guide, which names what it leaves to choose."""
    told = sections(under("reference/decision-codes", "Conflicts"), 3)
    guide = sections(under("howto/handle-conflicts", "Each conflict"), 3)

    assert list(told) == list(ConflictCode)
    assert guide.keys() == told.keys()
    for code in ConflictCode:
        for text in (told[code], guide[code]):
            assert {str(one) for one in Resolution if f"`{one}`" in text} == RESOLUTIONS[code], code
        assert ("cannot be processed" in told[code]) == ("cannot be processed" in guide[code]) == (code in BLOCKING)


@pytest.mark.parametrize(
    ("name", "heading", "words"),
    [
        ("reference/decision-codes", "Resolutions", Resolution),
        ("reference/decision-codes", "Dispatch notes", NoteStatus),
        ("reference/decision-codes", "Audit findings", FindingCode),
        ("howto/handle-conflicts", "Decide one", Resolution),
    ],
)
def test_every_word_has_its_row(name: str, heading: str, words: type[StrEnum]) -> None:
    """The tables of resolutions, note statuses and audit findings have a row for each, and no other."""
    assert sorted(rows(under(name, heading))) == sorted(words)


def remarks_made() -> Iterator[tuple[ast.expr, ast.expr, ast.AST]]:
    """Find every call that makes a remark: its kind, its code, and the function that it is made in."""
    for path in SYNC:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                for call in calls:
                    if isinstance(call.func, ast.Attribute) and call.func.attr == "remark":
                        yield call.args[0], call.args[1], function


def texts_of(node: ast.expr, function: ast.AST) -> set[str]:
    """Return the texts that an expression may be, as far as its function says."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, function) | texts_of(node.orelse, function)
    assigned = [one for one in ast.walk(function) if isinstance(one, ast.Assign)]
    values = [one.value for one in assigned if ast.unparse(one.targets[0]) == ast.unparse(node)]
    return {text for value in values for text in texts_of(value, function)}


def test_every_remark_has_its_row() -> None:
    """Each kind of remark has its rows in report and codes and is named by its record, and so is each code."""
    made = [(texts_of(kind, where), texts_of(code, where)) for kind, code, where in remarks_made()]
    kinds = {kind for found, _ in made for kind in found}
    codes = {code for _, found in made for code in found}
    dispatch = {f"DISPATCH_{status.name}" for status in REFUSED_NOTES}
    others = {"NO_ORDER_YET", StockOutcome.REJECTED.value, StockOutcome.UNKNOWN_SKU.value, *QUARANTINES, *dispatch}
    told = under("reference/decision-codes", "Remarks of a run")

    assert len(kinds) > 10
    assert {"OVERSOLD", "SHADOW_DEMAND", "PAUSED"} < codes
    assert set(rows(told)) == kinds
    assert set(rows(told, column=1)) == codes | others
    assert set(rows(under("reference/report", "A remark"))) == kinds | {field.name for field in attrs.fields(Remark)}
    assert kinds == set(re.findall(r"``(\w+)``", inspect.getdoc(Remark) or "")) - {"kind"}


def test_every_field_of_the_report_has_its_row() -> None:
    """The page of the report has a row for each field of the report, of a channel, and for each status."""
    channel = {field.name for field in attrs.fields(ChannelReport)} - {"channel"} | {"source", "subsource"}
    statuses = set(re.findall(r"``(done|failed|paused|disabled|busy|lost)``", inspect.getdoc(ChannelReport) or ""))

    assert set(rows(under("reference/report", "The report"))) == {
        "schema",
        *(field.name for field in attrs.fields(RunReport)),
    }
    assert len(statuses) == 6
    assert set(rows(under("reference/report", "A channel"))) == channel | statuses
    assert rows(under("reference/report", "An error")) == ["code", "message"]


def all_events() -> Mapping[str, Any]:
    """Return the record of every event by its name."""
    bases = (events.Event, events.ChannelEvent)
    found = {name: thing for name, thing in vars(events).items() if inspect.isclass(thing)}
    return {name: thing for name, thing in found.items() if issubclass(thing, events.Event) and thing not in bases}


def test_every_event_has_its_section() -> None:
    """The page of events has one section for each record, with a row for each of its own fields."""
    told = sections(under("reference/events", "Events of a run"), 3)
    common = {field.name for field in attrs.fields(events.ChannelEvent)}

    assert list(told) == list(all_events())
    for name, text in told.items():
        assert rows(text) == [one.name for one in attrs.fields(all_events()[name]) if one.name not in common], name


def test_every_phase_is_named() -> None:
    """The phases that a run goes through are those that the page of events names."""
    code = "".join(path.read_text(encoding="utf-8") for path in SYNC)
    phases = set(re.findall(r'(?:_phase|network)\((?:run, )?"([a-z ]+)"', code))

    assert len(phases) > 8
    assert set(re.findall(r"`([a-z ]+)`", under("reference/events", "Events of a run", "PhaseStarted"))) == phases | {
        "phase"
    }


def test_every_arrow_is_in_the_table() -> None:
    """The table of an order's history is that of the lifecycle: each event, from where, and where it leads."""
    text = under("reference/events", "Events of a history")
    table = [line.split(" | ") for line in re.findall(r"^\| (`.*) \|$", text, flags=re.MULTILINE)]
    told = {
        (OrderState(state), OrderEvent(event.strip("`"))): OrderState(state if to == "the same" else to)
        for event, states, to, _ in table
        for state in states.split(", ")
    }

    assert [line[0].strip("`") for line in table if line] != []
    assert told == ARROWS


@pytest.mark.parametrize(
    "words",
    [
        {"conflict", "resolution", "watch list", "vanished", "suspicious sweep", "revived", "shadow demand", "kit"},
        {"tombstone", "parked", "on hold", "dispatch note", "quarantine", "hint", "sweep"},
        {"doctor", "verdict", "cause", "check", "view", "gap", "reading", "seen", "never seen"},
        {"erasure", "replay", "reconcile", "simulation", "lint", "finding"},
    ],
)
def test_words_are_in_the_glossary(words: Collection[str]) -> None:
    """The words that the pages rely on are explained, in the order of the alphabet."""
    terms = re.findall(r"^([a-z][\w -]+)$", page("glossary"), flags=re.MULTILINE)

    assert set(words) <= set(terms)
    assert terms == sorted(terms)


def test_every_verdict_has_its_entry() -> None:
    """Each code of the doctor has its entry in the order of the checks: its own, or a way to the decision it is."""
    told = sections(under("reference/verdicts", "Codes"), 3)
    admission = {check.code for check in CHECKS} - {"CHANNEL_DISABLED"}

    assert list(told) == [HERE, *NEXT_STEPS]
    for code, text in told.items():
        if code in admission:
            assert f"[{code}](decision-codes.md#{code.lower()})" in text
        else:
            assert all(f"**{word}.**" in text for word in ("Cause", "Evidence", "Cure")), code


def test_every_verdict_stands_beside_its_check() -> None:
    """The table of checks names each code once, and the doctor's checks fail with no other."""
    calls = [
        call
        for name in ("checks", "readings")
        for call in ast.walk(ast.parse((DOCTOR / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "failed"
    ]
    codes = {code.value for call in calls for code in call.args[1:2] if isinstance(code, ast.Constant)}

    assert sorted(rows(under("reference/verdicts", "Codes"), column=1)) == sorted(NEXT_STEPS)
    assert {"OTHER_LOCATION", "NOT_READ_YET"} < codes <= NEXT_STEPS.keys()


async def test_every_field_of_an_explanation_has_its_row() -> None:
    """The page of verdicts has a row for each field of an explanation's JSON, of a check, and of the bundle."""
    storage, clock = MemoryStorage(clock=ManualClock()), ManualClock()
    key = OrderKey(ChannelId("Shop", "north"), "1001")
    answer = Explanation(
        key=key, at=clock.now(), live=False, stored=False, code="", sentence="", next_step="", checks=()
    )
    bundle = await bundle_of(storage, await gather(storage, Question(key=key, now=clock.now())))

    text = under("reference/verdicts", "The answer as JSON")
    assert rows(text.partition("### ")[0]) == list(answer.to_dict())
    assert sorted(rows(sections(text, 3)["A check"])) == sorted(field.name for field in attrs.fields(CheckResult))
    assert rows(sections(text, 3)["The bundle"]) == list(bundle)


@pytest.mark.parametrize(
    ("name", "heading", "codes"),
    [
        ("howto/try-a-mapping", "Find out what is wrong", LINT_CODES),
        ("howto/replay-and-reconcile", "Reconcile", RECONCILE_CODES),
        ("howto/explain-a-quantity", "Why a listing shows what it shows", QuantityCode),
    ],
)
def test_every_answer_of_the_doctor_has_its_row(name: str, heading: str, codes: Collection[str]) -> None:
    """The tables of findings about settings, differences and quantities have a row for each code, in their order."""
    assert rows(under(name, heading)) == list(codes)


def test_every_finding_about_health_is_named() -> None:
    """The page of health names each code that a check can find, and no other."""
    found = [
        node.value
        for path in DOCTOR.glob("health*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    codes = {text for text in found if re.fullmatch(r"[A-Z][A-Z_]+[A-Z]", text)}
    made = {"STORAGE", "SCHEMA", "STORAGE_DEFECT", "SCHEMA_DEFECT", "NO_QUARANTINED", "NO_CONFLICTS"}
    told = set(re.findall(r"`([A-Z_]+)`", under("howto/check-health", "What is judged, and how")))

    assert {"CLOCK_OFF", "READINGS_FAIL", "TROUBLE_AUTH"} < codes
    assert told == codes | made


def facts_written() -> Mapping[str, set[str]]:
    """Return the facts of each kind of entry that a run writes."""
    found: dict[str, set[str]] = {}
    for path in SYNC:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and call.args and ast.unparse(call.args[0]).startswith("EntryKind."):
                names = {keyword.arg for keyword in call.keywords if keyword.arg} - {"code", "message", "order"}
                found.setdefault(EntryKind[ast.unparse(call.args[0]).partition(".")[2]], set()).update(names)
    return found


def test_every_kind_of_entry_has_its_row() -> None:
    """The page of the journal has a row for each field and each kind of entry, with the facts that runs write."""
    kinds = under("reference/journal", "Kinds")
    facts = {
        line.split("`")[1]: set(re.findall(r"`(\w+)`", line.split(" | ")[2]))
        for line in kinds.splitlines()
        if line.startswith("| `")
    }
    by_people: dict[str, set[str]] = {EntryKind.CHANNEL_SWITCHED: {"by"}, EntryKind.ERASED: {"by"}}

    assert rows(under("reference/journal", "An entry")) == [field.name for field in attrs.fields(JournalEntry)]
    assert rows(kinds) == list(EntryKind)
    assert facts == {**facts_written(), **by_people}
    assert set(rows(under("reference/journal", "A reading"))) == facts[EntryKind.WINDOW_READ]


def test_every_error_of_a_run_is_sorted() -> None:
    """The page of sync errors says who acts on each error that a run can meet."""
    kinds = [kind for kind in all_errors().values() if kind is not errors.OrderSyncError]

    assert set(rows(page("explanation/common-sync-errors"))) == {
        kind.code for kind in kinds if not issubclass(kind, MEANT_FOR_PEOPLE)
    }
