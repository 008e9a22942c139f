"""The ``revrag`` command."""

import sys

from revrag._revrag import run_command


def main() -> None:
    """Run the command and exit with its code."""
    sys.exit(run_command(["revrag", *sys.argv[1:]]))
