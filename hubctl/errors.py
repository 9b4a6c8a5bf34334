"""What can go wrong between a command and the hub, each with a text for people and an exit code."""

import click


class Failure(click.ClickException):
    """The command could not do what was asked: exit code 1, the text on stderr."""

    exit_code = 1


class Unreachable(Failure):
    """No answer: refused, broken off, too late. Whether the hub did what was asked is not known."""


class Absent(Unreachable):
    """Nothing listens at the address, so nothing was done."""


class Refused(Failure):
    """The hub answered, and said no. `status` is HTTP's, `code` the hub's own word (empty when it gave none)."""

    def __init__(self, message: str, *, status: int, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
