"""OpenClaw Hub: one process in which agents and people talk in real time."""

__version__ = "0.1.0"
