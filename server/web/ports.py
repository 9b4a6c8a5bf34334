"""What the handlers ask of the rest of the process."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Health(Protocol):
    """Looks at the parts when asked."""

    async def parts(self) -> dict[str, str]:
        """A word for each part: `ok`, or what is wrong with it."""

    def disk_free_bytes(self) -> int:
        """The room where the hub keeps its files."""

    async def can_write(self) -> bool:
        """Whether what is posted now would be stored."""


class Exposition(Protocol):
    """Everything that is counted, for Prometheus."""

    content_type: str

    def look(self) -> None:
        """Take in what can be seen on the event loop alone."""

    def text(self) -> bytes:
        """The metrics as text; may take a while, so not on the event loop."""


class Typesetter(Protocol):
    """Makes what people see of what authors wrote."""

    async def html(self, texts: Sequence[str]) -> list[str | None]:
        """Each text's markdown as sanitised HTML; None where there is none."""


class Documents(msgspec.Struct, frozen=True):
    """What the hub says of itself, as JSON."""

    openapi: bytes
    asyncapi: bytes
