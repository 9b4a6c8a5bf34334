"""The command line of OpenClaw Hub: starts a hub, and talks to a running one over HTTP."""
