"""Runs a module's `main` in a process that ends when its starter does, however the starter ends.

    python layers/trading/crypto_ai_bot/local/tethered.py ministack.app

The starter holds the other end of this process's standard input. When that closes, also because
the starter was killed, the process gets the SIGTERM that stops it properly. So a rehearsal leaves
nothing running behind, and an embedded cloud always saves its state.

Run as a file, so that it finds the very package that its starter runs from without a PYTHONPATH,
which the functions of an embedded cloud would inherit.
"""

import importlib
import os
import signal
import sys
import threading
from pathlib import Path


def _stop_at_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run `<module>.main()` of the first argument with the rest; see the module's text."""
    module, arguments = sys.argv[1], sys.argv[2:]
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_stop_at_end_of_input, daemon=True, name="tether").start()
    sys.exit(importlib.import_module(module).main())


if __name__ == "__main__":
    main()
