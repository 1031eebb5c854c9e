"""All chance of one simulation, from one seed."""

from __future__ import annotations

import hashlib
import random

import attrs


@attrs.frozen
class Chances:
    """Named generators of one seed: one more draw from one of them reshuffles none of the others."""

    seed: int

    def child(self, name: str) -> random.Random:
        """Return a new generator that depends on nothing but the seed and *name*."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - no secret hangs on it
