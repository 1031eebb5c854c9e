"""Health of what everything stands on: versions, the storage and its schema, the books of stock."""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Sequence
from importlib import metadata

from ..audit import audit
from ..model.audits import Audit, FindingCode
from ..model.health import Fact, HealthArea, HealthFinding, HealthLevel
from ..ports import Storage, SupportsAudit

LIBRARIES = (
    "ordersync",
    "aiohttp",
    "aiolimiter",
    "aiosqlite",
    "asyncpg",
    "attrs",
    "cattrs",
    "iso4217",
    "rich",
    "tenacity",
)

MOST_NAMED = 3
"""More faults of one kind than these are counted in a sentence, not named."""


async def versions() -> HealthFinding:
    """Say which Python and which libraries are at work."""
    found = await asyncio.to_thread(installed)
    told = ", ".join(f"{name} {version}" for name, version in found)
    return HealthFinding(
        area=HealthArea.VERSIONS, subject="installed", level=HealthLevel.OK, code="VERSIONS", sentence=told
    )


def installed() -> Sequence[tuple[str, str]]:
    """Return Python, ordersync and those of its libraries that are installed, each with its version; reads files."""
    found = [("python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found


async def facts(storage: Storage) -> Sequence[HealthFinding]:
    """Ask the storage about itself; the schema is a finding of its own."""
    told = await storage.inspect()
    name = type(storage).__name__
    if not told:
        return [_nothing_told(HealthArea.STORAGE, name), _nothing_told(HealthArea.SCHEMA, name)]
    schema = [fact for fact in told if fact.name == "schema"]
    return [
        _judged(HealthArea.STORAGE, name, [fact for fact in told if fact.name != "schema"]),
        *([_judged(HealthArea.SCHEMA, name, schema)] if schema else []),
    ]


def _judged(area: HealthArea, name: str, told: Sequence[Fact]) -> HealthFinding:
    well = all(fact.well for fact in told)
    step = {
        HealthArea.SCHEMA: "upgrade ordersync in every program that uses this storage",
        HealthArea.STORAGE: "stop the runs, keep a copy of the file, and restore the last backup that is whole",
    }[area]
    return HealthFinding(
        area=area,
        subject=name,
        level=HealthLevel.OK if well else HealthLevel.FAILING,
        code=area.upper() if well else f"{area.upper()}_DEFECT",
        sentence=", ".join(f"{fact.name} {fact.value}" for fact in told),
        next_step="" if well else step,
    )


def _nothing_told(area: HealthArea, name: str) -> HealthFinding:
    return HealthFinding(
        area=area,
        subject=name,
        level=HealthLevel.UNKNOWN,
        code="NOT_TOLD",
        sentence="it says nothing of itself",
        next_step="override Storage.inspect, or look with its own tools",
    )


async def books(storage: Storage) -> Sequence[HealthFinding]:
    """Audit the books: what orders and ledger disagree about fails, what is short is a warning."""
    if not isinstance(storage.stock, SupportsAudit):
        return [
            HealthFinding(
                area=HealthArea.LEDGER,
                subject=type(storage.stock).__name__,
                level=HealthLevel.UNKNOWN,
                code="NOT_AUDITABLE",
                sentence="this ledger cannot be audited",
                next_step="let it offer SupportsAudit, or compare its books with its own tools",
            )
        ]
    found = await audit(storage)
    return [_agreement(found), *([_shortage(found)] if found.short else [])]


def _agreement(found: Audit) -> HealthFinding:
    wrong = [finding for finding in found.findings if finding.code is not FindingCode.SHORT]
    counts = Counter(finding.code for finding in wrong)
    told = f"{found.compared} orders compared, {found.due} due"
    if not wrong:
        return _of_ledger(HealthLevel.OK, "LEDGER", f"{told}, orders and ledger agree")
    named = ", ".join(f"{code} {number}" for code, number in sorted(counts.items()))
    subjects = enumerated([finding.subject for finding in wrong])
    step = "look at the plan of ordersync.audit.audit(storage), then apply it"
    return _of_ledger(HealthLevel.FAILING, "LEDGER_DIFFERS", f"{told}; {named}: {subjects}", step)


def _shortage(found: Audit) -> HealthFinding:
    subjects = enumerated([f"{level.sku} at {level.location}" for level in found.short])
    step = "count the shelves, buy in, or cancel orders; the books themselves are right"
    return _of_ledger(HealthLevel.WARNING, "SHORT", f"more sold than there is of {subjects}", step)


def _of_ledger(level: HealthLevel, code: str, sentence: str, next_step: str = "") -> HealthFinding:
    return HealthFinding(
        area=HealthArea.LEDGER,
        subject="books",
        level=level,
        code=code,
        sentence=sentence,
        next_step=next_step,
    )


def enumerated(names: Sequence[str]) -> str:
    """Name the first few, and count the others."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
