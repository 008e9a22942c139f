"""A turn of the interpreter."""


def turn() -> None:
    """Do nothing, and so let come what waits for the interpreter.

    That is a signal's handler, or an exception that another thread has sent to this one.
    """
