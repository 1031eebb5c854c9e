"""What the ports of one database have in common: how a verb becomes a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from ...model.ids import Fence
from .connection import Connection, Database, Work
from .keys import check_fence

T = TypeVar("T")


class FencedPart:
    """Verbs that compare the highest token seen, which each port keeps for itself under its name."""

    port: ClassVar[str]

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fence(self, fence: Fence) -> None:
        """Let no lower token of this channel take effect from now on."""
        await self._write(lambda _: None, fence)

    async def _read(self, work: Work[T], fence: Fence | None = None) -> T:
        return await self._database.read(self._behind(fence, work))

    async def _write(self, work: Work[T], fence: Fence | None = None) -> T:
        return await self._database.write(self._behind(fence, work))

    def _behind(self, fence: Fence | None, work: Work[T]) -> Callable[[Connection], T]:
        def fenced(db: Connection) -> T:
            check_fence(db, self.port, fence)
            return work(db)

        return fenced
