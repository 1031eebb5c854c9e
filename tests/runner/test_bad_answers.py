"""A whole answer that is wrong: a named error, the other channel goes on, and the next run loses nothing."""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Mapping

import attrs
import pytest
from aiohttp import web

from ordersync import RunReport
from ordersync.model.runs import EntryKind
from runner.bad_shop import Answer, BadShop, bad_shop, compact
from runner.world import MARKET, SHOP, World, counts, sightings

NONSENSE = "channel-response"
UNAVAILABLE = "channel-unavailable"
NEXT_STEP = re.compile("; (check|the next run) ")


@attrs.frozen
class Wrong:
    """One answer in a page's place, and what is said of it."""

    answer: Answer
    told: str
    code: str = NONSENSE


def saying(body: bytes, *, kind: str = "application/json", **headers: str) -> Answer:
    """Return what answers with these bytes."""
    named = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda _request, _body: web.Response(body=body, headers=named)


def document(shown: object) -> Answer:
    """Return what answers with another document."""
    return saying(compact(shown))


def changed(old: bytes, new: bytes) -> Answer:
    """Return what answers with the right page, but for one thing in it."""

    def answer(_request: web.Request, body: bytes) -> web.StreamResponse:
        assert old in body
        return web.Response(body=body.replace(old, new, 1), content_type="application/json")

    return answer


def cut(_request: web.Request, body: bytes) -> web.StreamResponse:
    """Answer with the first half of the page."""
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


def broken(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise the whole page, send half of it, and hang up."""
    assert request.transport is not None
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request.transport.write(head.encode() + body[: len(body) // 2])
    request.transport.close()
    return web.Response()


def not_fitting(what: str) -> str:
    """Return what is said of a document of another shape."""
    return f"the answer does not fit ({what})"


def page(orders: object, after: object = None) -> Mapping[str, object]:
    """Return a page."""
    return {"orders": orders, "next": after}


QUANTITY = b'"quantity": 1'
NOT_JSON = "is not JSON (at character 0)"
BROKEN = "the connection broke before the answer was complete"

WRONG = {
    "not JSON": Wrong(saying(b"CANARY"), NOT_JSON),
    "empty": Wrong(saying(b""), NOT_JSON),
    "blank": Wrong(saying(b"  \n"), "is not JSON (at character 3)"),
    "HTML that says it is JSON": Wrong(saying(b"<html>CANARY</html>"), NOT_JSON),
    "HTML": Wrong(saying(b"<html>CANARY</html>", kind="text/html"), "is not JSON by its content type"),
    "JSON that says it is text": Wrong(
        saying(b'{"orders":[],"next":null}', kind="text/plain"), "is not JSON by its content type"
    ),
    "cut in half": Wrong(cut, "is not JSON (at character "),
    "hung up in the middle": Wrong(broken, BROKEN, UNAVAILABLE),
    "no gzip": Wrong(saying(b'{"orders":[],"next":null}', Content_Encoding="gzip"), BROKEN, UNAVAILABLE),
    "gzip cut short": Wrong(
        saying(gzip.compress(b'{"orders":[],"next":null}')[:12], Content_Encoding="gzip"),
        "is not JSON (at character ",
    ),
    "gzip of 11 MB": Wrong(
        saying(gzip.compress(b" " * 11 * 2**20), Content_Encoding="gzip"),
        "is larger than 10485760 bytes",
    ),
    "UTF-16": Wrong(saying('{"orders":[],"next":null}'.encode("utf-16")), "is not UTF-8"),
    "list": Wrong(document([]), not_fitting("$: expected an object")),
    "null": Wrong(document(None), not_fitting("$: expected an object")),
    "number": Wrong(document(7), not_fitting("$: expected an object")),
    "text": Wrong(document("CANARY"), not_fitting("$: expected an object")),
    "true": Wrong(document(shown=True), not_fitting("$: expected an object")),
    "empty object": Wrong(document({}), not_fitting("$.orders: is missing; $.next: is missing")),
    "error object": Wrong(document({"error": "CANARY"}), not_fitting("$.orders: is missing; $.next: is missing")),
    "orders text": Wrong(document(page("none")), not_fitting("$.orders: expected a list")),
    "orders null": Wrong(document(page(None)), not_fitting("$.orders: expected a list")),
    "orders an object": Wrong(document(page({"CANARY": {}})), not_fitting("$.orders: expected a list")),
    "no next": Wrong(document({"orders": []}), not_fitting("$.next: is missing")),
    "next a number": Wrong(document(page([], 2)), not_fitting("$.next: expected text")),
    "10,001 orders": Wrong(document(page([None] * 10_001)), "holds more than 10000 items"),
    "NaN in an order": Wrong(changed(QUANTITY, b'"quantity": NaN'), "holds NaN or Infinity, which are no JSON"),
    "name twice in an order": Wrong(
        changed(QUANTITY, QUANTITY + b', "quantity": 2'), "holds an object with the same name twice"
    ),
    "order nested too deep": Wrong(
        changed(QUANTITY, b'"quantity": ' + b"[" * 60 + b"]" * 60), "is nested deeper than 64 levels"
    ),
    "order nested 100,000 deep": Wrong(
        changed(QUANTITY, b'"quantity": ' + b"[" * 100_000 + b"]" * 100_000),
        "is nested deeper than 64 levels",
    ),
    "number of 5,000 digits in an order": Wrong(
        changed(QUANTITY, b'"quantity": ' + b"9" * 5000), "holds a number that is too long"
    ),
    "number with a huge exponent in an order": Wrong(
        changed(QUANTITY, b'"quantity": 1e9999999999999999999'), "holds a number that is too large"
    ),
}
"""Every wrong answer by its name."""


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_wrong_answer(memory_world: World, wrong: Wrong, caplog: pytest.LogCaptureFixture) -> None:
    """It fails this channel alone, by name and in the journal, and is made up for once the shop is well again."""
    caplog.set_level(logging.DEBUG, "ordersync")
    world = memory_world
    async with bad_shop(world) as shop:
        await shop.run()
        before = await shop.watermark()
        world.clock.advance(minutes=1)
        shop.place("1", "2")
        world.market.place("2001", lines={"MUG": 1})
        shop.answer(wrong.answer)

        report = await shop.run()

        assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("failed", "done")
        assert counts(report.channels[SHOP]) == {"failed": 1} | ({"pushed": 1} if wrong.code == NONSENSE else {})
        assert sightings(report.channels[MARKET]) == {"new": 1}
        assert await shop.watermark() == before
        await is_told(shop, report, wrong)
        told = (caplog.text, str(report), report.to_json(), repr(await world.journal()))
        assert not [text for text in told if "CANARY" in text or "Grete" in text]

        shop.answer_well()
        await catches_up(shop, minutes=5)


async def is_told(shop: BadShop, report: RunReport, wrong: Wrong) -> None:
    """See that a run's one error names channel, defect and next step, in report and journal alike."""
    (error,) = report.errors
    assert error.code == wrong.code
    assert str(error).startswith("Shop/north: ")
    assert wrong.told in str(error)
    assert NEXT_STEP.search(str(error))
    assert (error.__cause__, error.__context__) == (None, None)
    (entry,) = await shop.world.journal(SHOP, EntryKind.ERROR)
    assert (entry.code, entry.message, entry.facts["phase"]) == (error.code, str(error), "download")


async def catches_up(shop: BadShop, *, minutes: float) -> None:
    """See that the next run of a mended shop loses nothing."""
    report = await shop.run_later(minutes=minutes)
    assert (report.channels[SHOP].status, report.errors) == ("done", ())
    assert sorted(await shop.stored()) == ["1", "2"]
    assert await shop.quarantined() == []
    assert (await shop.world.level()).reserved == 3


async def test_all_wrong_answers_in_a_row(world: World) -> None:
    """After every wrong answer there is, from the very first connection on, a well shop is read to its end."""
    async with bad_shop(world) as shop:
        shop.place("1", "2")
        world.market.place("2001", lines={"MUG": 1})
        for wrong in WRONG.values():
            shop.answer(wrong.answer)
            report = await shop.run_later(minutes=120)
            assert {error.code for error in report.errors} == {wrong.code}
            assert report.channels[MARKET].status == "done"
        assert await shop.stored() == {}

        shop.answer_well()
        await catches_up(shop, minutes=120)
