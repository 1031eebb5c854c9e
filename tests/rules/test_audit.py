"""What an audit makes of an order and its hold, and what it shows before anything is done."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import audit
from ordersync.model.audits import Audit, FindingCode, LevelFinding, Mend, Release, Rewant
from ordersync.model.orders import Order, OrderState
from ordersync.model.stock import StockLevel
from ordersync.testing.builders import ByPlace, make_claim, make_key, make_order

KEY = make_key("1001")
PLACES = [(sku, location) for sku in ("MUG", "LID") for location in ("main", "shop")]

quantities = st.dictionaries(st.sampled_from(PLACES), st.integers(1, 6), max_size=4)


def settled(wanted: ByPlace, *, revision: int = 3) -> Order:
    """Build an order that the ledger is known to hold under a revision."""
    claim = make_claim(KEY, wanted)
    return make_order(
        KEY, state=OrderState.OPEN, stock_revision=revision, reserved_revision=revision, wanted=claim.wanted
    )


@pytest.mark.parametrize(
    ("wanted", "held", "code"),
    [
        ({"MUG": 2}, {"MUG": 2}, None),
        ({}, {}, None),
        ({}, {"MUG": 2}, FindingCode.LEAKED),
        ({"MUG": 2}, {"MUG": 3}, FindingCode.LEAKED),
        ({"MUG": 2}, {"MUG": 2, "LID": 1}, FindingCode.LEAKED),
        ({"MUG": 2}, {"MUG": 1, "LID": 1}, FindingCode.LEAKED),
        ({"MUG": 2}, {("MUG", "main"): 2, ("MUG", "shop"): 2}, FindingCode.LEAKED),
        ({"MUG": 2}, {}, FindingCode.MISSING),
        ({"MUG": 2, "LID": 1}, {"MUG": 2}, FindingCode.MISSING),
        ({"MUG": 2}, {("MUG", "shop"): 2}, FindingCode.WRONG_PLACE),
        ({"MUG": 2}, {("MUG", "shop"): 1, ("MUG", "main"): 1}, FindingCode.WRONG_PLACE),
        ({"MUG": 2, "LID": 1}, {"MUG": 4, "LID": 2}, FindingCode.DOUBLED),
        ({"MUG": 2, "LID": 1}, {"MUG": 6, "LID": 3}, FindingCode.DOUBLED),
        ({"MUG": 2, "LID": 2}, {"MUG": 4, "LID": 2}, FindingCode.LEAKED),
        ({"MUG": 2, "LID": 1}, {"MUG": 5, "LID": 1}, FindingCode.LEAKED),
    ],
)
def test_hold_is_compared_with_what_is_wanted(wanted: ByPlace, held: ByPlace, code: FindingCode | None) -> None:
    """A hold under the order's own revision is right, or there is one name for what is wrong with it."""
    found = audit.judge(KEY, settled(wanted), make_claim(KEY, held, revision=3))

    assert (found and found.code) == code


@pytest.mark.parametrize("held", [{}, {"MUG": 2}, {"MUG": 5}])
@pytest.mark.parametrize(("revision", "code"), [(2, FindingCode.LEDGER_BEHIND), (4, FindingCode.LEDGER_AHEAD)])
def test_hold_of_another_revision_is_wrong(held: ByPlace, revision: int, code: FindingCode) -> None:
    """A settled order whose hold has another revision is wrong, whatever that holds."""
    found = audit.judge(KEY, settled({"MUG": 2}), make_claim(KEY, held, revision=revision))

    assert found is not None
    assert found.code is code


def test_settled_order_without_a_hold_is_wrong_if_it_wants_something() -> None:
    """A ledger that never heard of a settled order is behind, unless there is nothing to hold."""
    found = audit.judge(KEY, settled({"MUG": 2}), None)

    assert found is not None
    assert found.code is FindingCode.LEDGER_BEHIND
    assert audit.judge(KEY, settled({}), None) is None


@given(wanted=quantities, held=st.none() | quantities, of_hold=st.integers(1, 6), reserved=st.integers(0, 2))
def test_due_order_is_no_fault(wanted: ByPlace, held: ByPlace | None, of_hold: int, reserved: int) -> None:
    """L4: whatever the ledger holds for an order that is due, the next run settles it."""
    order = attrs.evolve(settled(wanted), reserved_revision=reserved)
    claim = None if held is None else make_claim(KEY, held, revision=of_hold)

    assert audit.is_due(order)
    assert audit.judge(KEY, order, claim) is None


def test_hold_of_nobody_is_orphaned() -> None:
    """What is held for an order that is not stored is orphaned, and a hold of nothing is no fault."""
    found = audit.judge(KEY, None, make_claim(KEY, {"MUG": 2}, revision=7))

    assert found is not None
    assert (found.code, found.order_key) == (FindingCode.ORPHANED, KEY)
    assert audit.judge(KEY, None, make_claim(KEY, {}, revision=7)) is None
    assert audit.judge(KEY, None, None) is None


@given(wanted=quantities, held=quantities)
def test_every_difference_has_a_name(wanted: ByPlace, held: ByPlace) -> None:
    """Equal lists are no finding, and any other pair is one whose sentence names a place that differs."""
    found = audit.judge(KEY, settled(wanted), make_claim(KEY, held, revision=3))

    assert (found is None) == (wanted == held)
    if found is not None:
        assert any(f"of {sku} at {location}" in found.sentence for sku, location in PLACES)


FOUND = Audit(
    compared=7,
    due=2,
    orders=tuple(
        finding
        for finding in (
            audit.judge(KEY, settled({"MUG": 2}), make_claim(KEY, {"MUG": 4}, revision=3)),
            audit.judge(make_key("#9"), None, make_claim("#9", {"LID": 1}, revision=5)),
        )
        if finding
    ),
    levels=(LevelFinding(sku="MUG", location="main", on_hand=9, moved=5, reserved=4, held=4),),
    short=(StockLevel(sku="LID", location="shop", on_hand=-1, reserved=2),),
)


def test_plan_answers_every_fault() -> None:
    """Each fault has one step, levels first; what is short has none."""
    mend, rewant, release = FOUND.plan

    assert mend == Mend(level=FOUND.levels[0])
    assert rewant == Rewant(order_key=KEY, revision=3)
    assert release == Release(claim=make_claim("#9", {}, revision=6))
    assert not FOUND.clean


def test_audit_is_readable() -> None:
    """Findings and plan are shown line by line, in words."""
    assert str(FOUND).splitlines() == [
        "audit: 7 orders compared, 2 due, 4 findings",
        "  DOUBLED       Shop/one/1001: holds 4 and wants 2 of MUG at main",
        "  ORPHANED      Shop/one/#9: no such order is stored, but the ledger holds 1 LID at main for it",
        "  ON_HAND_OFF   MUG at main: on-hand is 9, and the movements add up to 5",
        "  SHORT         LID at shop: 3 more sold than there are, 1 more left than were there",
        "plan: 3 steps",
        "  set MUG at main: on-hand from 9 to 5",
        "  make Shop/one/1001 due again while it is at revision 3",
        "  release all that is held for Shop/one/#9, under revision 6",
    ]


def test_audit_is_json() -> None:
    """The same findings and steps are in the JSON, with the facts that a program needs."""
    told = json.loads(FOUND.to_json())

    assert (told["compared"], told["due"], told["clean"]) == (7, 2, False)
    assert [finding["code"] for finding in told["findings"]] == ["DOUBLED", "ORPHANED", "ON_HAND_OFF", "SHORT"]
    mend, rewant, release = told["plan"]
    assert (mend["step"], mend["sku"], mend["on_hand"], mend["moved"]) == ("mend", "MUG", 9, 5)
    assert (rewant["step"], rewant["reference"], rewant["revision"]) == ("rewant", "1001", 3)
    assert (release["step"], release["source"], release["reference"]) == ("release", "Shop", "#9")


def test_clean_audit_is_short() -> None:
    """Nothing found is one line and no plan; what is short alone needs a person, not a plan."""
    assert str(Audit(compared=3, due=1)) == "audit: 3 orders compared, 1 due, 0 findings"
    only_short = Audit(compared=3, due=0, short=FOUND.short)
    assert only_short.clean
    assert only_short.plan == ()


def test_long_list_is_cut() -> None:
    """An order that differs in many places is told in one line all the same."""
    wanted = {f"SKU-{number}": 1 for number in range(50)}
    found = audit.judge(KEY, settled(wanted), make_claim(KEY, {}, revision=3))

    assert found is not None
    assert found.sentence.count("SKU-") == 3
    assert found.sentence.endswith("and 47 more")


def test_names_cannot_steer_a_terminal() -> None:
    """What a SKU or a location is called is shown without what a terminal would obey."""
    level = LevelFinding(sku="MUG\x1b[2J", location="ma\nin", on_hand=1, moved=2, reserved=0, held=0)
    told = str(Audit(compared=0, due=0, levels=(level,)))

    assert all(line.isprintable() for line in told.splitlines())
    assert len(told.splitlines()) == 4
