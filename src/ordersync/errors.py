"""Every exception that ordersync raises on purpose, grouped by what the catcher does next.

OrderSyncError
├── ChannelError                  the outside world misbehaved; .channel .applied
│   ├── ChannelUnavailableError   temporary: try the same call later; .retry_after
│   ├── ChannelAuthError          a person must authorize again
│   ├── ChannelRejectedError      skip this item, report it
│   └── ChannelResponseError      the answer makes no sense to us: our mapping is wrong
├── StorageError                  the storage cannot do its work
│   ├── StorageUnavailableError   temporary: run again later
│   └── SchemaVersionError        the storage was written by a newer ordersync
├── OrderNotFoundError            no order has this key (also a LookupError)
├── TransitionError               the step is no arrow of the lifecycle
├── ParcelConflictError           this parcel id was used for another parcel
├── LeaseLostError                another runner has taken the channel over
└── ConfigurationError            settings contradict each other or the channel

Each has a stable ``code`` and says in one sentence what happened and what to do next.
Misuse by the programmer raises ``ValueError``, ``TypeError`` or ``RuntimeError`` instead.
"""

from __future__ import annotations

from typing import ClassVar


class OrderSyncError(Exception):
    """The base of everything that ordersync raises on purpose."""

    code: ClassVar[str] = "ordersync-error"


class ChannelError(OrderSyncError):
    """A channel could not do what it was asked.

    ``applied`` says whether an effect took place: False only where that is certain
    (connection refused, 429, a documented refusal), None where nobody can know.
    """

    code = "channel-error"

    def __init__(self, message: str, *, applied: bool | None = None) -> None:
        super().__init__(message)
        self.applied = applied


class ChannelUnavailableError(ChannelError):
    """The channel does not answer now; the same call may succeed later.

    ``retry_after`` is the number of seconds that the channel asked us to wait, if it said so.
    """

    code = "channel-unavailable"

    def __init__(self, message: str, *, applied: bool | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, applied=applied)
        self.retry_after = retry_after


class ChannelAuthError(ChannelError):
    """The channel refuses our credentials; a person must authorize again."""

    code = "channel-auth"

    def __init__(self, message: str, *, applied: bool | None = False) -> None:
        super().__init__(message, applied=applied)


class ChannelRejectedError(ChannelError):
    """The channel understood the request and refuses it for good."""

    code = "channel-rejected"

    def __init__(self, message: str, *, applied: bool | None = False) -> None:
        super().__init__(message, applied=applied)


class ChannelResponseError(ChannelError):
    """The channel's answer could not be understood; nothing is known about an effect."""

    code = "channel-response"


class StorageError(OrderSyncError):
    """The storage cannot do its work."""

    code = "storage-error"


class StorageUnavailableError(StorageError):
    """The storage is busy, full or unreachable; run again later."""

    code = "storage-unavailable"


class SchemaVersionError(StorageError):
    """The storage was written by a newer ordersync than this one."""

    code = "schema-version"


class OrderNotFoundError(OrderSyncError, LookupError):
    """No order with this key is stored."""

    code = "order-not-found"


class TransitionError(OrderSyncError):
    """The step that was asked for is no arrow from the order's state."""

    code = "no-such-arrow"


class ParcelConflictError(OrderSyncError):
    """The same parcel id was used before with other content."""

    code = "parcel-conflict"


class LeaseLostError(OrderSyncError):
    """Another runner holds this channel now; nothing of this runner takes effect any more."""

    code = "lease-lost"


class ConfigurationError(OrderSyncError):
    """Settings contradict each other or what the channel can do."""

    code = "configuration"
