"""The command of the simulator, with simulations that take no time."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from ordersync.clock import SystemClock
from ordersync.testing.simulator.campaigns.command import Subject, main
from ordersync.testing.simulator.campaigns.runs import Play
from simulator import toys

ROOT = Path(__file__).parents[2]


@attrs.frozen
class Told:
    """What a command said: its results, and what it noted beside them."""

    code: int
    said: str
    noted: str


def run(play: Play, *arguments: str) -> Told:
    """Run the command in this process."""
    said: list[str] = []
    noted: list[str] = []
    subject = Subject(play=play, drawn=toys.drawn, clock=SystemClock(), say=said.append, note=noted.append)
    code = main(["--processes", "1", *arguments], subject)
    return Told(code, "\n".join(said), "\n".join(noted))


def test_all_is_well() -> None:
    """Where every law holds the command says what was done, and succeeds."""
    told = run(toys.sound, "--seeds", "12")

    assert told.code == 0
    assert "seeds           12, " in told.said
    assert "violations      none" in told.said


def test_failure_and_its_replay(tmp_path: Path) -> None:
    """The command that a failure prints shows the same failure in its smallest form."""
    report = tmp_path / "report.json"
    failed = run(toys.flawed, "--seeds", "20", "--first", "10", "--report", str(report))
    words = shlex.split(failed.said.split("replay:\n")[1].splitlines()[0])
    again = run(toys.flawed, *words[3:])

    assert failed.code == 1
    assert "seed 17 breaks P4" in failed.noted
    assert [one["seed"] for one in json.loads(report.read_text())["violations"]] == [17, 27]
    assert again.code == 1
    assert again.said.startswith("seed 17 breaks P4: sold what was not there")
    assert '"net": {"late": 0.2}' in again.said


def test_one_seed() -> None:
    """One seed alone is told with its options, its digest and its last events."""
    told = run(toys.sound, "--seed", "4", "--storage", "sqlite")

    assert told.code == 0
    assert f"seed 4 breaks no law; digest {toys.digest(toys.drawn(4, 'sqlite'))}" in told.said
    assert json.dumps(toys.drawn(4, "sqlite")) in told.said
    assert "1.000 began 4" in told.said


def test_some_options() -> None:
    """Options that are given replace the drawn ones, and the others stay."""
    assert run(toys.flawed, "--seed", "7", "--options", '{"runners": 1}').code == 0
    assert run(toys.flawed, "--options", '{"runners": 2, "seed": 7}').code == 1


def test_kept_cases(tmp_path: Path) -> None:
    """Kept cases are played from their file."""
    file = tmp_path / "kept.txt"
    file.write_text(f"# found P4\n{json.dumps(toys.drawn(7))}\n\n{json.dumps(toys.drawn(8))}\n", encoding="utf-8")
    told = run(toys.flawed, "--regressions", str(file))

    assert told.code == 1
    assert "seeds           2, " in told.said


def test_no_time() -> None:
    """A time budget ends the campaign."""
    told = run(toys.sound, "--minutes", "0")

    assert told.code == 0
    assert "seeds           0, " in told.said
    assert "ended early" in told.said


def test_interrupted_campaign_reports(tmp_path: Path) -> None:
    """A campaign that is interrupted reports what it did, and leaves Ctrl-C as it was."""
    before = signal.getsignal(signal.SIGINT)
    report = tmp_path / "report.json"
    told = run(toys.interrupted, "--seeds", "50", "--report", str(report))

    assert told.code == 130
    assert json.loads(report.read_text())["seeds"] == 3
    assert json.loads(report.read_text())["stopped"] is True
    assert "ended early" in told.said
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--options", "{"), "--options is no JSON; write one JSON object"),
        (("--options", "[]"), "--options is no JSON object"),
        (("--options", "{}"), "--options is no JSON object with a seed"),
        (("--regressions", "no/such/file"), "the kept cases in no/such/file cannot be read"),
        (("--report", "no/such/folder/report.json"), "cannot be written to no/such/folder/report.json"),
    ],
)
def test_misunderstood(arguments: tuple[str, ...], says: str) -> None:
    """What cannot be carried out is told in one sentence with the way out, before anything is played."""
    told = run(toys.flawed, *arguments)

    assert told.code == 2
    assert says in told.noted
    assert told.said == ""


def test_kept_line_that_is_none(tmp_path: Path) -> None:
    """A line that is no case is named by its number."""
    file = tmp_path / "kept.txt"
    file.write_text("# found P4\nseed 7\n", encoding="utf-8")

    assert f"{file}, line 2 is no JSON" in run(toys.flawed, "--regressions", str(file)).noted


def test_module_runs() -> None:
    """The module plays the real simulation, here one of a moment in an empty world."""
    calm = {"chaos_s": 10.0, "net": {}, "storage_faults": {}, "accidents": {}, "market_deeds": {}, "desk_deeds": {}}
    command = [sys.executable, "-m", "ordersync.testing.simulator", "--seed", "1", "--options", json.dumps(calm)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert "seed 1 breaks no law" in done.stdout
    assert '"chaos_s": 10.0' in done.stdout
