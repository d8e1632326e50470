"""`python -m local`, and the command `lambda-sse`: what `commands` does, and no traceback when Ctrl-C comes sooner."""

from __future__ import annotations

import sys


def main() -> int:
    """The exit code of the command that the process was given; 130 when it was interrupted before it had begun."""
    try:
        from local import commands  # takes some 0.2 s, in which nobody else hears Ctrl-C

        return commands.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
