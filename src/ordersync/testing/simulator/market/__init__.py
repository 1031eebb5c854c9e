"""A marketplace of the simulated world, written without the library's own code."""

from __future__ import annotations

from .crowd import WEIGHTS, Crowd
from .documents import MEANINGS
from .facts import Applied, AppliedNote, MarketFacts
from .market import Answer, Document, TrueMarket
from .orders import Shown, TrueLine, TrueOrder, TrueShipment
from .shelf import AppliedLevel
from .traits import MarketTraits

__all__ = [
    "MEANINGS",
    "WEIGHTS",
    "Answer",
    "Applied",
    "AppliedLevel",
    "AppliedNote",
    "Crowd",
    "Document",
    "MarketFacts",
    "MarketTraits",
    "Shown",
    "TrueLine",
    "TrueMarket",
    "TrueOrder",
    "TrueShipment",
]
