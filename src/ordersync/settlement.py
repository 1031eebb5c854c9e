"""Making the ledger hold what orders want: what the desk and every run have in common.

Nothing here decides anything: parcels and claims are read from the order store, where they were
frozen, so whoever comes late or twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .authoring import answered
from .model.dispatch import ParcelRecord
from .model.ids import Fence
from .model.stock import Due
from .ports import Storage


async def settle(storage: Storage, dues: Sequence[Due], *, at: datetime, fence: Fence | None = None) -> None:
    """Let the ledger hold what these orders want, account for their sales, and note both.

    The sale is told before the order counts as settled: whoever is cut in between is followed by
    someone who still finds the order due. It is told after the ledger, so that a level that has not
    fallen yet is not taken for a channel that shows too little.
    """
    held = answered(storage.stock, await storage.stock.reserve([due.claim for due in dues], at=at))
    await storage.listings.sold([due.sale for due in dues], fence=fence)
    revisions = {due.claim.order_key: due.claim.revision for due in dues}
    await storage.orders.reserved(revisions, held=held, fence=fence)


async def finish(storage: Storage, parcel: ParcelRecord, *, at: datetime, fence: Fence | None = None) -> None:
    """Deduct a recorded parcel, then let its note go out."""
    await storage.stock.deduct(parcel.deduction, at=at)
    await storage.orders.queue(parcel.order_key, parcel.id, fence=fence)
