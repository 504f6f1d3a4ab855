"""The embedded cloud's process: ministack, with functions under an interpreter of their own.

ministack runs functions with the interpreter it runs under itself. Under the project's own, a
library that is missing in the layers would be found all the same, and only fail on AWS. So the
functions get a bare interpreter, which knows the standard library and the layers alone.
"""

import sys


def main() -> None:
    """Serve until SIGTERM. The first argument is the functions' interpreter."""
    sys.executable = sys.argv.pop(1)
    from ministack.app import main as serve  # noqa: PLC0415 - reads sys.executable as it loads

    serve()
