"""The run: one file a phase."""

from __future__ import annotations
