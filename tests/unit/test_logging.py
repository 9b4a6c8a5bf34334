"""A log that one can rely on: a record is one line, whoever chose the words in it."""

import json
import subprocess
import sys

FORGED = 'x\r\n{"event": "forged"}\x1b[2J\x9b\u2028\x00'

PROGRAM = """
import ast, logging, sys
import structlog
from server import log
words = ast.literal_eval(sys.argv[1])
log.configure()
structlog.get_logger().warning(words, name=words)
logging.getLogger("library").warning("said %s", words)
try:
    raise ValueError(words)
except ValueError:
    structlog.get_logger().exception("crashed")
"""


def test_a_name_with_line_breaks_and_escapes_is_one_escaped_line() -> None:
    command = [sys.executable, "-c", PROGRAM, ascii(FORGED)]
    done = subprocess.run(command, capture_output=True, check=True)
    lines = done.stderr.decode().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["event"] for record in records] == [FORGED, f"said {FORGED}", "crashed"]
    assert records[0]["name"] == FORGED
    assert FORGED in records[2]["exception"]
    assert all(line.isprintable() and line.isascii() for line in lines)
