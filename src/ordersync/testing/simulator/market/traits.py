"""What kind of marketplace one is."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class MarketTraits:
    """The habits of one marketplace, and what its channel may say of them.

    * ``lag``: a change shows in lists, look-ups and read-backs at any time up to this long after it was made, each
      order's and each listing's changes in their order;
    * ``granularity``: to what its stamps are rounded down; zero keeps them exact;
    * ``moves_stamps``: a change moves ``updated_at``; without it the channel scans by state;
    * ``words_only``: its orders say nothing of payment and fulfillment but by their status word;
    * ``refuses_overshipping``: it refuses a note for more pieces than are open; else it ships six of four;
    * ``knows_note_ids``: a note that took effect has none when it comes again;
    * ``paging``: ``keyset`` goes on behind the last order, ``token`` likewise with tokens that say nothing and expire,
      ``offset`` goes on behind so many orders, and so skips some when others leave the list meanwhile;
    * ``in_update_order``: lists show the oldest update first, both kinds;
    * ``repeats``: how often a page shows one of its orders twice, from 0 to 1;
    * ``strange_words``: its staff invents status words that nobody else knows;
    * ``refuses_batches``: it refuses all levels of a call for one listing that is blocked;
    * ``skew``: how far its clock is ahead of true time; ``now`` of the market has it in it already;
    * ``placing``: how far ``placed_at`` lies from the moment its own level fell, at most, in either direction;
    * ``slowness``: what part of ``call_timeout`` an ordinary answer may take;
    * ``undo_pause``: how long after its form was answered people wait before they take a change back.
    """

    decrements_on_sale: bool = True
    compare_and_set: bool = False
    requires_tracking: bool = False
    whole_order_dispatch: bool = False
    refuses_overshipping: bool = True
    knows_note_ids: bool = False
    paging: Literal["keyset", "offset", "token"] = "offset"
    page_size: int = 5
    in_update_order: bool = False
    lag: timedelta = timedelta(0)
    granularity: timedelta = timedelta(seconds=1)
    moves_stamps: bool = True
    words_only: bool = False
    can_look_up: bool = True
    can_read_listings: bool = True
    stock_batch_size: int = 100
    repeats: float = 0.0
    refuses_batches: bool = False
    strange_words: bool = True
    skew: timedelta = timedelta(0)
    placing: timedelta = timedelta(0)
    call_timeout: timedelta = timedelta(seconds=60)
    late_window: timedelta = timedelta(minutes=10)
    slowness: float = 0.0
    undo_pause: timedelta = timedelta(minutes=30)
