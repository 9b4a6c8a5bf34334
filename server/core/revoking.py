"""Streams end with the token, the session or the account that they were opened with."""

from collections.abc import Iterable

from server.core.changes import Change, DropAgent, DropSession, DropToken
from server.core.dispatch import Dispatch


def end_revoked(dispatch: Dispatch, changes: Iterable[Change]) -> None:
    """End the streams whose credential is gone by these changes."""
    gone: list[str] = []
    for change in changes:
        if isinstance(change, DropToken):
            gone.append(change.token_id)
        elif isinstance(change, DropSession):
            gone.append(change.session_id)
        elif isinstance(change, DropAgent):
            gone.extend(stream.credential for stream in dispatch.streams() if stream.agent_id == change.agent_id)
    if gone:
        dispatch.end(gone, "credential_revoked")
