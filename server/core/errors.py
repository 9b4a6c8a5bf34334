"""Everything the hub refuses or cannot do, as one family with stable codes."""

from typing import Any


class HubError(Exception):
    """A refusal that a client can act on.

    `code` is stable and machine-readable, `detail` is for people, `extra` adds members to the answer
    (`field`, `retryAfter` in seconds, …).
    """

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extra = extra


class Malformed(HubError):
    """The request cannot be read at all: not JSON, not UTF-8, a cursor of another shape."""


class Invalid(HubError):
    """The request can be read but a value is wrong; `field` names it."""

    def __init__(self, field: str, detail: str, code: str = "invalid_field") -> None:
        super().__init__(code, detail, field=field)


class Unauthorized(HubError):
    """Nobody is known by these credentials."""


class Forbidden(HubError):
    """The caller is known and may not."""


class Misdirected(HubError):
    """The request is meant for another host than this one."""


class NotFound(HubError):
    """No such thing, or none that the caller may know of."""


class Conflict(HubError):
    """The present state forbids it: taken, archived, answered, the last owner."""


class Unchanged(Conflict):
    """It is so already: nothing was stored and nothing is told. Use cases answer it with what is there."""

    def __init__(self) -> None:
        super().__init__("unchanged", "it is so already")


class TooLarge(HubError):
    """More bytes than the hub takes."""


class TooMany(HubError):
    """Over a limit; `retryAfter` says in how many seconds it is worth another try."""

    def __init__(self, code: str, detail: str, retry_after_s: int) -> None:
        super().__init__(code, detail, retryAfter=retry_after_s)


class Unavailable(HubError):
    """The hub cannot do it now and has kept nothing of it."""

    def __init__(self, code: str, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(code, detail, retryAfter=retry_after_s)


class Damaged(HubError):
    """The database is not whole: nothing can be read from it or written to it until a backup is restored."""

    def __init__(self) -> None:
        super().__init__("database_damaged", "the database is damaged and was left as it is; restore a backup")


class StorageFull(HubError):
    """The disk has no room; nothing was stored, reading goes on."""


class Overtaken(Exception):
    """Another hub has changed what the decisions were made on, so nothing was stored: catch up and decide again.

    No HubError, since no client gets to hear of it.
    """
