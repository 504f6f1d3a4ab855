"""`cab-health`: asks a deployment's /health, once or again and again."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, run
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.runtime.clock import SystemClock

_TIMEOUT_SECONDS = 10


def main() -> None:
    """Entry point."""
    run(_health)


def _health() -> int:
    parser = parser_of("Shows /health of a running deployment. Exit code 0 when it is ok.")
    parser.add_argument("--url", required=True, help="the address of /health, http or https")
    parser.add_argument("--oneshot", action="store_true", help="ask once and end")
    parser.add_argument("--interval", type=int, default=60, metavar="SECONDS", help="default 60")
    options = parser.parse_args()
    if options.interval < 1:
        raise BadSetting(f"--interval {options.interval}: must be at least 1 second")
    clock = SystemClock(lambda: 0)
    while True:
        report = _ask(options.url)
        checks = report.get("checks", {})
        lines = [f"status: {report['status']}"]
        lines += [f"  {name}: {found}" for name, found in checks.items()]
        print_report(report, as_json=options.json, lines=lines)
        if options.oneshot:
            return 0 if report["status"] == "ok" else FAILED
        clock.wait_until(clock.now_ms() + options.interval * 1_000)


def _ask(url: str) -> dict[str, Any]:
    """What /health says; "unreachable" when it says nothing that can be read."""
    parts = urlsplit(url)
    kinds = {"http": HTTPConnection, "https": HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise BadSetting(f"--url {url}: must be like http://127.0.0.1:8000/health")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/health")
        answer = connection.getresponse()
        report = json.loads(answer.read())
        if isinstance(report, dict) and "status" in report:
            return report
        found = f"{answer.status} without a status"
    except (OSError, HTTPException, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return {"status": "unreachable", "checks": {url: found}}


if __name__ == "__main__":
    main()
