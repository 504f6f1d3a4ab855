"""The embedded cloud's process: ministack, with functions under an interpreter of their own.

ministack runs functions with the interpreter it runs under itself. Under the project's own, a
library that is missing in the layers would be found all the same, and only fail on AWS. So the
functions get a bare interpreter, which knows the standard library and the layers alone.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until SIGTERM.

    The first argument is the functions' interpreter. The second, where policies are enforced, is a
    file to which every question to a policy is added: a JSON line of who, action and resource.
    """
    sys.executable, calls = sys.argv.pop(1), sys.argv[1:]
    del sys.argv[1:]
    if calls:
        _record(Path(calls[0]))
    from ministack.app import main as serve  # noqa: PLC0415 - reads sys.executable as it loads

    serve()


def _record(calls: Path) -> None:
    from ministack.core import iam_evaluator  # noqa: PLC0415 - only where it is asked for

    evaluate = iam_evaluator.evaluate

    def evaluate_and_tell(ctx: Any, *policies: Any) -> Any:
        with calls.open("a") as file:
            file.write(json.dumps([ctx.principal_arn, ctx.action, ctx.resource_arn]) + "\n")
        return evaluate(ctx, *policies)

    iam_evaluator.evaluate = evaluate_and_tell
