"""`python -m hubctl`, the same as the command `hubctl`."""

from hubctl.cli import main

main(prog_name="hubctl")
