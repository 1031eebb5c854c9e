"""The guard over what tests say: what it finds, and what it leaves alone."""

from __future__ import annotations

import base64
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import aiohttp.log
import aiosqlite
import pytest

from canaries import KINDS, LOGGERS, SECRET, Words

HERE = Path(__file__).parent

SPEAKING = """
import asyncio
import logging
import sys

import aiohttp.log
import pytest

log = logging.getLogger("ordersync")
NAME, TOKEN, STREET = "Grete Findewirth", "CANARY-1", "Verborgene Gasse 7"


class Shown:
    def __repr__(self):
        return STREET

    def __str__(self):
        return "an address"


def test_leak_message():
    log.debug("sent to %s", NAME)


def test_leak_argument():
    log.info("sent to %s", Shown())


def test_leak_mapping():
    log.info("sent to %(where)s", {"where": "nobody", "who": NAME})


def test_leak_extra():
    log.debug("sent", extra={"ordersync.token": [TOKEN]})


def test_leak_cause():
    try:
        try:
            raise KeyError(TOKEN)
        except KeyError as exc:
            raise ValueError("refused") from exc
    except ValueError:
        log.exception("failed")


def test_leak_client():
    aiohttp.log.client_logger.debug("with %s", TOKEN)


def test_leak_loop():
    logging.getLogger("asyncio").debug("with %s", TOKEN)


def test_leak_database():
    logging.getLogger("aiosqlite").debug("executing %s", STREET)


def test_leak_chatter():
    for number in range(1000):
        logging.getLogger("aiosqlite").debug("executing %s", number)
    logging.getLogger("aiosqlite").info("executed %s", STREET)


def test_leak_output():
    print(NAME)


def test_leak_error_output():
    print(STREET, file=sys.stderr)


def test_leak_taken_output(capsys):
    print(NAME)
    assert capsys.readouterr().out


@pytest.fixture
def parting():
    yield
    log.debug("good-bye %s", NAME)


def test_leak_afterwards(parting):
    pass


@pytest.mark.speaks("")
def test_leak_without_reason():
    print(NAME)


@pytest.mark.speaks("it shows what may be shown")
def test_fine_with_reason():
    print(NAME)


def test_fine_silence():
    log.debug("saved %s", "1001", extra={"ordersync.orders": 2})
    print("saved 1001 in Berlin")


def test_fine_caplog(caplog):
    log.debug("finest")
    log.warning("a warning")
    assert caplog.messages == ["a warning"]
    with caplog.at_level(logging.INFO, logger="ordersync"):
        log.debug("finest")
        log.info("a fact")
    assert caplog.messages == ["a warning", "a fact"]


async def test_fine_loop():
    await asyncio.sleep(0)
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_guard_fails_what_leaks(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A canary in a message, an argument, an extra, an error or an output fails its test; nothing else is disturbed."""
    if options:
        pytest.importorskip("xdist")
    shutil.copy(HERE / "conftest.py", tmp_path)
    (tmp_path / "test_speaking.py").write_text(SPEAKING, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", "-rA", "--strict-markers", "-p", "no:cacheprovider", *options]
    path = os.pathsep.join([str(HERE), *sys.path])
    done = subprocess.run(
        [*command, f"{tmp_path}"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip

    outcomes = set(re.findall(r"^(PASSED|FAILED|ERROR) test_speaking.py::(test_\w+)", done.stdout, re.MULTILINE))
    expected = {("PASSED" if "fine" in name else "FAILED", name) for name in re.findall(r"test_\w+(?=\()", SPEAKING)}
    afterwards = "test_leak_afterwards"
    assert outcomes == expected - {("FAILED", afterwards)} | {("PASSED", afterwards), ("ERROR", afterwards)}
    assert "the logger aiohttp.client holds a canary of kind secret" in done.stdout
    assert "Captured stdout call holds a canary of kind buyer" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_found_in_every_form(kind: str) -> None:
    """A word is found as it is, in other case, reversed, percent-encoded, in hex, and in base64 behind anything."""
    words = Words(KINDS)
    for word in KINDS[kind]:
        told = [word, word[::-1], quote(word), quote(f"a {word}@b"), word.encode().hex()]
        told += [] if word.isupper() else [word.lower(), word.upper()]
        codes = [base64.b64encode(f"{'x' * before}{word} yz".encode()).decode() for before in range(6)]
        assert [text for text in told + codes if words.found(f"said {text}.") != [kind]] == []


def test_other_words_are_not_found() -> None:
    """What has nothing to do with a canary is none."""
    told = "Berlin 10999, +49 30 1234567, greet, regret, Gasse, a secret token, a canary, canaries: " + "Q0FOQ" * 3
    assert Words(KINDS).found(told) == []


def test_every_logger_is_heard() -> None:
    """No logger of ordersync or of a library that it uses is missing from the list."""
    roots = {aiohttp.log.client_logger.name.partition(".")[0], aiosqlite.__name__, "asyncio", "ordersync"}
    there = {name for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    assert {name for name in there if name.partition(".")[0] in roots} <= {*LOGGERS}


def test_guard_is_on(request: pytest.FixtureRequest) -> None:
    """The guard listens in this very run, unless it was switched off by hand."""
    assert request.config.pluginmanager.has_plugin("canaries")
    assert SECRET in KINDS["secret"]
