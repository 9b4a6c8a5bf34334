"""Redis: pub/sub, state and the private server."""
