"""What a program says to a person at a terminal: it is run on one, in a process of its own."""

import os
import pty
import subprocess
import sys


def on_a_terminal(script: str) -> str:
    """Everything that the Python `script` prints; it must end well."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", script], stdout=theirs) as running:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # how a terminal ends
            pass
    os.close(ours)
    assert running.returncode == 0
    return said.decode()
