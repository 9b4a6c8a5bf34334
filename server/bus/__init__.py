"""Redis: the bell that wakes the streams, and state that can be lost at any time."""
