"""The end of a simulation: runs until nothing is due, then runs that must do nothing."""

from __future__ import annotations

import asyncio

from ...sync.report import RunReport
from .runners import run_in
from .stage import Stage

PAUSES_MIN = (2, 15, 65, 75, 300)
"""Minutes between the runs that bring everything to rest: past each lease, window, sweep, watch and note."""

MORE_PAUSES_MIN = (300,) * 8
IDLE_PAUSES_MIN = (3, 400)

DONE = ("new", "changed", "reserved", "pushed", "dispatched", "confirmed", "failed")
"""What an idle run has none of."""


async def come_to_rest(stage: Stage) -> None:
    """Run until nothing is due any more; a world that never comes to rest breaks L9."""
    for pause in PAUSES_MIN:
        await _run(stage, pause)
    for pause in MORE_PAUSES_MIN:
        if _is_idle(stage, await _run(stage, pause)):
            return
    stage.referee.found("L9", "undisturbed runs never come to an end of what is due")


async def stay_idle(stage: Stage) -> None:
    """Run on; nothing is written to any market."""
    stage.referee.idle()
    for pause in IDLE_PAUSES_MIN:
        await _run(stage, pause)


async def _run(stage: Stage, pause_min: int) -> RunReport | None:
    await asyncio.sleep(pause_min * 60)
    stage.referee.rests(stage.clock.now())
    report = await run_in(stage.last_process, stage.last_runner, stage)
    if report is not None:
        stage.referee.rested(report)
        for channel, share in report.channels.items():
            if share.status == "lost":
                stage.referee.found("L9", f"an undisturbed run lost {channel}, and nobody took it over")
    return report


def _is_idle(stage: Stage, report: RunReport | None) -> bool:
    if report is None:
        return False
    shares = [share for channel, share in report.channels.items() if channel not in stage.broken_channels]
    return not any(getattr(share, name) for share in shares for name in DONE)
