"""What every command shares: its options, its report, and how it ends."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crypto_ai_bot.domain.errors import TradingError
from crypto_ai_bot.runtime.settings import load_env_file

BAD_INPUT = 2
FAILED = 1


def parser_of(description: str) -> ArgumentParser:
    """A parser with the options of all commands: `--env-file` and `--json`."""
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--env-file",
        type=Path,
        help="variables to read where the environment sets none (default: .env, if it is there)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def read_env_file_of(given: Path | None) -> None:
    """Loads the file that was named, or `.env` if there is one."""
    path = given or Path(".env")
    if given or path.exists():
        load_env_file(path)


def print_report(report: Mapping[str, Any], *, as_json: bool, lines: list[str]) -> None:
    """The report as JSON, or as the lines that a person reads."""
    print(json.dumps(report, indent=2) if as_json else "\n".join(lines))


def run(command: Callable[[], int]) -> None:
    """Ends the process with what `command` returns; one of our errors is a line on stderr."""
    try:
        code = command()
    except TradingError as error:
        print(error, file=sys.stderr)
        code = BAD_INPUT
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
