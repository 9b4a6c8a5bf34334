"""A program that ends when this process ends, however it does."""

import os
import sys

LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Asks the kernel (PR_SET_PDEATHSIG) to kill the program when its parent dies, then becomes the program.

A process of its own, since code between fork and exec (`preexec_fn`) is unsafe beside threads. The parent is asked for
once more: it may have died before the request was in force.
"""


def dependant(program: str, *words: str) -> list[str]:
    """The command that runs `program` so. On Linux it dies with the thread that started it."""
    return [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), program, *words]
