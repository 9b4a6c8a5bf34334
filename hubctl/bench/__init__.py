"""`hubctl bench`: agents that all read everything, a given rate, and what came of it."""
