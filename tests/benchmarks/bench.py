"""`make bench`: what things cost, as ratios against a floor or a peer measured in the same run.

Writes bench.json: {name: {value, unit, reference, ratio}}. `reference` says what the ratio is
against; machines here are noisy, so the ratio is the figure to keep and the value its colour.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen  # noqa: TID251 - the operator's side of the exchange

import boto3

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.backtest_cost import backtest_figures  # noqa: E402 - found through the path set
from benchmarks.shipping import measure_shipping  # noqa: E402 - found through the path set above
from benchmarks.tick_cost import Cost  # noqa: E402 - found through the path set above
from contract.embedded_dynamodb import (  # noqa: E402 - likewise
    make_table,
    new_client,
    running_ministack,
)

LATENCY_MS = 80  # from Lambda to the exchange and back
BASES = 50  # how many symbols the largest invocation trades


@contextmanager
def running_exchange(pairs: list[str]) -> Iterator[str]:
    """The embedded exchange with a held clock, in a process of its own: its CPU is not ours."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "crypto_ai_bot.cli.exchange"),
            *("--port", "0", "--pairs", ",".join(pairs), "--seed", "7", "--speed", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process.stdout.readline().split()[2]
    finally:
        process.terminate()
        process.wait(10)


def python_environment() -> dict[str, str]:
    """What a child process needs to find our code."""
    return {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs one to start
        "PYTHONPATH": f"{ROOT / 'layers/trading'}:{ROOT / 'tests'}",
    }


def environment(endpoint: str, exchange_url: str, symbols: list[str]) -> dict[str, str]:
    """What a deployed evaluate function would be given, and nothing of this machine's own."""
    return {
        **python_environment(),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "TABLE_NAME": f"bench-{len(symbols)}",
        "TRADING_PARAMETER": "",
        "EXCHANGE_URL": exchange_url,
        "SYMBOLS": ",".join(symbols),
        "LOG_LEVEL": "ERROR",
    }


def ticks() -> dict[str, dict[str, Any]]:
    """A tick without an order: CPU a symbol, and calls to the table and to the exchange."""
    bases = ["BTC", "ETH", *(f"C{number:02}" for number in range(BASES - 2))]
    figures: dict[str, dict[str, Any]] = {}
    with running_ministack() as endpoint, running_exchange([f"{b}_USDT" for b in bases]) as url:
        client = new_client(endpoint)
        for count in (1, 10, BASES):
            symbols = [f"{base}/USDT" for base in bases[:count]]
            make_table(client, f"bench-{count}")
            cost = Cost(**measured(environment(endpoint, url, symbols)))
            figures |= rows(count, cost)
        figures |= fifty_symbols(endpoint, url, [f"{base}/USDT" for base in bases])
        figures |= first_invocations(endpoint, url)
    return figures


def fifty_symbols(endpoint: str, url: str, symbols: list[str]) -> dict[str, dict[str, Any]]:
    """Invocations for all symbols, with an exchange that takes its time for each answer."""
    slow = json.dumps({"latency_ms_least": LATENCY_MS, "latency_ms_most": LATENCY_MS}).encode()
    operator = url.removesuffix("/api/v4") + "/_market/conditions"
    urlopen(operator, slow).close()  # noqa: S310 - the embedded exchange
    variables = environment(endpoint, url, symbols) | {"TABLE_NAME": "bench-slow"}
    make_table(new_client(endpoint), "bench-slow")
    first, second = measured(variables, "seconds")
    urlopen(operator, json.dumps(dict.fromkeys(json.loads(slow), 0)).encode()).close()  # noqa: S310
    told = f"10 s allowed, {LATENCY_MS} ms an answer"
    return {
        "fifty_symbols_seconds": row(second, "s", told, 10),
        "fifty_symbols_seconds_without_rules": row(first, "s", f"{told}, on new books", 10),
    }


def first_invocations(endpoint: str, url: str) -> dict[str, dict[str, Any]]:
    """What Lambda unpacks, what a first invocation takes, and what it holds in memory."""
    parameter = "/bench/trading"
    boto3.session.Session().client(
        "ssm",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ).put_parameter(Name=parameter, Value="on", Type="String")
    variables = environment(endpoint, url, ["BTC/USDT"]) | {"TRADING_PARAMETER": parameter}
    found = measure_shipping(variables)
    ours, naive = found.ours, found.naive
    held = f"times faster than a naive app ({naive.ms:.0f} ms, ours {ours.ms:.0f} ms); 1 is as fast"
    return {
        "cold_start_vs_naive": row(naive.ms / ours.ms, "times", held, 1),
        "cold_start_cpu_vs_naive": row(naive.cpu_ms / ours.cpu_ms, "times", "the same in CPU", 1),
        "rss_mb": row(ours.rss_mb, "MB", f"64 MB allowed (naive {naive.rss_mb:.0f})", 64),
        "layers_mb": row(found.layers_mb, "MB unzipped", "40 MB allowed", 40),
    }


def measured(variables: dict[str, str], *arguments: str) -> Any:
    """What benchmarks.tick_cost tells of evaluate ticks, in a process of its own."""
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.tick_cost", *arguments],
        env=variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(shown.stdout.splitlines()[-1])


def rows(count: int, cost: Cost) -> dict[str, dict[str, Any]]:
    """The figures of one number of symbols; the limits are those that the issue states."""
    tag = f"{count}_symbols"
    floor = "bare ccxt and botocore making the same calls"
    found = {
        f"tick_cpu_ms_{tag}": row(cost.cpu_ms, "ms of CPU an invocation", floor, cost.floor_ms),
        f"tick_table_calls_{tag}": row(cost.table_calls, "calls", "2 and 1 a symbol", 2 + count),
        f"tick_exchange_calls_{tag}": row(
            cost.exchange_calls, "calls", "1 and 1 a symbol", 1 + count
        ),
    }
    if count == BASES:
        each, floor_each = cost.cpu_ms / count, cost.floor_ms / count
        found["tick_cpu_ms_per_symbol"] = row(each, "ms of CPU a symbol", floor, floor_each)
    return found


def row(value: float, unit: str, reference: str, against: float) -> dict[str, Any]:
    """One line of bench.json; `ratio` is value over what it is held against."""
    return {
        "value": round(value, 3),
        "unit": unit,
        "reference": f"{reference}: {against:.3f}",
        "ratio": round(value / against, 3),
    }


def main() -> None:
    """Runs everything, writes bench.json, prints a table or JSON."""
    parser = ArgumentParser(description="What things cost, against a floor of the same run.")
    parser.add_argument("--json", action="store_true", help="print bench.json instead of a table")
    options = parser.parse_args()
    figures = ticks() | backtest_figures(python_environment())
    text = json.dumps(figures, indent=2)
    (ROOT / "bench.json").write_text(text + "\n")
    if options.json:
        print(text)
        return
    for name, one in figures.items():
        held = f"{one['ratio']:>7} of {one['reference']}"
        print(f"{name:<32} {one['value']:>9} {one['unit']:<24} {held}")


if __name__ == "__main__":
    main()
