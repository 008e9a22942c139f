"""The ``revrag`` command."""

import signal
import sys

from revrag._revrag import run_command


def main() -> None:
    """Run the command and exit with its code."""
    # Ctrl-C is the command's own business, and no KeyboardInterrupt beside it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["revrag", *sys.argv[1:]]))
