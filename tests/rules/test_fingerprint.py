"""The fingerprint of what admission looks at: it changes with that, in no process by chance, and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import attrs
import pytest

from ordersync.admission import admission_fingerprint
from ordersync.model.settings import ChannelSettings, HostCheck, StatusMapping
from ordersync.model.stock import StockRule
from ordersync.testing.builders import NOON

EKM = StatusMapping(version="1", paid=["Processing"], unpaid=["Pending"], confirm_payment=True)
MAGENTO = StatusMapping(version="1", by="state", paid=["processing"], shipped=["complete"], cancelled=["closed"])
WITH_PENDING = attrs.evolve(MAGENTO, pending=["new"], payment_methods=["checkmo", "banktransfer"])
CHECK = HostCheck(code="MINE", refuses=lambda _: None)
PLACES = ChannelSettings(location={"north": "hall", "south": "depot"})
SAME: list[tuple[ChannelSettings, ChannelSettings]] = [
    (ChannelSettings(), ChannelSettings(download_unpaid=False)),
    (ChannelSettings(), ChannelSettings(stock_rule=StockRule(buffer=2), overlap=timedelta(1), link_by_sku=True)),
    (ChannelSettings(), ChannelSettings(watch_for=timedelta(1), vanished="keep", keep_decisions=timedelta(1))),
    (PLACES, ChannelSettings(location={"south": "depot", "north": "hall"})),
    (ChannelSettings(checks=[CHECK]), ChannelSettings(checks=[attrs.evolve(CHECK, refuses=lambda _: "no")])),
    (
        ChannelSettings(status_mapping=MAGENTO),
        ChannelSettings(status_mapping=attrs.evolve(MAGENTO, paid=["Processing", "PROCESSING "])),
    ),
]
MAPPINGS = [
    EKM,
    MAGENTO,
    WITH_PENDING,
    attrs.evolve(EKM, version="2"),
    attrs.evolve(EKM, confirm_payment=False),
    attrs.evolve(MAGENTO, by="status"),
    attrs.evolve(WITH_PENDING, payment_methods=["checkmo"]),
    attrs.evolve(MAGENTO, ignored=["fraud"]),
    attrs.evolve(MAGENTO, cancelled=[], shipped=["complete", "closed"]),
]
OTHERS = [
    ChannelSettings(),
    ChannelSettings(download_unpaid=True),
    ChannelSettings(initial_from=NOON),
    ChannelSettings(initial_from=NOON + timedelta(microseconds=1)),
    ChannelSettings(import_shipped=True),
    ChannelSettings(import_cancelled=True),
    ChannelSettings(location="hall"),
    PLACES,
    ChannelSettings(location={"north": "hall", "south": "hall"}),
    ChannelSettings(checks=[CHECK]),
    ChannelSettings(checks=[attrs.evolve(CHECK, version="2")]),
    ChannelSettings(checks=[attrs.evolve(CHECK, code="YOURS")]),
    *(ChannelSettings(status_mapping=mapping) for mapping in MAPPINGS),
]
"""Settings of which no two admit the same orders for sure."""


def test_fingerprint_changes_with_what_admission_looks_at() -> None:
    """Any two settings that may admit different orders have different fingerprints."""
    assert len({admission_fingerprint(settings) for settings in OTHERS}) == len(OTHERS)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_fingerprint_changes_with_nothing_else(one: ChannelSettings, other: ChannelSettings) -> None:
    """What no admission looks at, and how a word is spelled, leaves the fingerprint as it is."""
    assert admission_fingerprint(one) == admission_fingerprint(other)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (ChannelSettings(), "05bdae51dc467ff9"),
        (
            ChannelSettings(
                status_mapping=WITH_PENDING,
                download_unpaid=True,
                initial_from=NOON,
                location={"n": "hall"},
                checks=[CHECK],
                import_shipped=True,
            ),
            "8d30c7825643b560",
        ),
    ],
)
def test_fingerprint_is_the_same_in_every_release(settings: ChannelSettings, expected: str) -> None:
    """A fingerprint is stored: one that a release changes by chance would let every order be decided anew."""
    assert admission_fingerprint(settings) == expected


def test_every_setting_is_thought_of() -> None:
    """A new setting must be decided here: it is part of the fingerprint, or no admission looks at it."""
    looked_at = {
        "download_unpaid", "status_mapping", "location", "initial_from", "checks", "import_shipped", "import_cancelled",
    }  # fmt: skip
    not_looked_at = {
        "stock_rule", "link_by_sku", "carriers", "overlap", "sweep_every", "drift_check_every", "dispatch_window",
        "shipped_elsewhere", "vanished", "watch_for", "fulfillment_location", "fulfillment_reserves",
        "keep_decisions", "unknown_dispatch",
    }  # fmt: skip

    assert {field.name for field in attrs.fields(ChannelSettings)} == looked_at | not_looked_at


def test_fingerprint_is_the_same_in_every_process() -> None:
    """Sets have another order in each process, and the fingerprint does not show it."""
    text = (
        "from ordersync.admission import admission_fingerprint as told\n"
        "from ordersync.model.settings import ChannelSettings, StatusMapping\n"
        "words = [chr(97 + number) * 3 for number in range(20)]\n"
        "print(told(ChannelSettings(status_mapping=StatusMapping(version='1', paid=words))), end='')"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", text], env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip

    assert len(answers) == 1
    assert len(answers.pop()) == 16
