"""The kinds of steps, one file for each part of a machine."""
