"""The ``revrag`` command."""

import os
import signal
import sys

from revrag._revrag import run_command


def main() -> None:
    """Run the command and exit with its code."""
    _fill_streams()
    # Ctrl-C is the command's own business, and no KeyboardInterrupt beside it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["revrag", *sys.argv[1:]]))


def _fill_streams() -> None:
    """Open the standard streams that are closed: else the next file would take a stream's place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free
