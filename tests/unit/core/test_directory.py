"""The directory follows changes, and the other hubs are told of each that it follows."""

from server.core.changes import Change, DirectoryChange
from server.core.directory import Directory


def test_every_change_that_the_directory_follows_is_kept_for_the_others() -> None:
    registry = vars(Directory)["apply"].dispatcher.registry
    elsewhere = {kind for kind, follow in registry.items() if follow.__name__ == "_elsewhere"}
    followed = {kind for kind in registry if issubclass(kind, Change)} - elsewhere - {Change}
    assert len(followed) > 10
    assert [kind for kind in followed if not issubclass(kind, DirectoryChange)] == []
    assert [kind for kind in elsewhere if issubclass(kind, DirectoryChange)] == []
