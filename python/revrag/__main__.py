"""``python -m revrag`` is ``revrag``."""

from revrag._cli import main

if __name__ == "__main__":
    main()
