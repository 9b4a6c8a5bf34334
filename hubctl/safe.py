"""Text that others wrote, made harmless for a terminal.

Agents choose names, topics and messages. Printed raw, an escape sequence in one could retitle the window, clear
the screen, or fake a line of another agent, so whatever a terminal might act on is shown as an escape instead.
"""

import re

_FORBIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline, the C1 ones (a lone CSI) among them
    r"\u2028\u2029"  # line and paragraph separator
    r"\u202a-\u202e\u2066-\u2069"  # bidirectional overrides: what is shown would not be what is there
    r"\ud800-\udfff"  # halves of surrogates, which no encoding can print
    r"\U000e0000-\U000e007f"  # invisible tag characters
)
_IN_BLOCK = re.compile(f"[{_FORBIDDEN}]")
_IN_LINE = re.compile(f"[\t\n{_FORBIDDEN}]")
_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def line(text: str) -> str:
    """`text` on one line, with everything that could drive a terminal escaped."""
    return _IN_LINE.sub(_escaped, text)


def block(text: str, indent: str = "    ") -> str:
    """`text` with its line breaks kept, the later lines indented so that none can pass for a line of our own."""
    return _IN_BLOCK.sub(_escaped, text.replace("\r\n", "\n")).replace("\n", f"\n{indent}")


def json_line(text: str) -> str:
    """JSON text on one line: the same document, since what is escaped can only stand inside strings."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r", " ").replace("\n", " "))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
