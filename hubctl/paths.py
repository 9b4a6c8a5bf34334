"""Paths of the API from words that a user typed."""

from urllib.parse import quote


def path(*words: str) -> str:
    """`/a/b/c` with each word quoted, so that none can reach another resource; `.` and `..` are none."""
    return "/" + "/".join("%2E" * len(word) if word in (".", "..") else quote(word, safe="") for word in words)
