"""`cab-backtest` and `cab-replay` from their options to their reports, and how they end badly."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.cli import backtest, replay
from unit.strategies.candles import walk

BEGIN_MS = 1_640_995_200_000  # 2022-01-01
MAIN: dict[str, Callable[[], None]] = {"cab-backtest": backtest.main, "cab-replay": replay.main}


@pytest.fixture
def candles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two thousand minutes of a seeded walk in a folder of its own, without any settings."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "BTC_USDT-1m.csv"
    lines = ["timestamp,open,high,low,close,volume"]
    for at_ms, *prices, volume in walk(2_000, seed=8, deviation=0.004):
        cells = (BEGIN_MS + at_ms, *(f"{price:.4f}" for price in prices), volume)
        lines.append(",".join(map(str, cells)))
    path.write_text("\n".join(lines))
    return path


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", [str(one) for one in arguments])
    with pytest.raises(SystemExit) as ending:
        MAIN[str(arguments[0])]()
    assert isinstance(ending.value.code, int)
    return ending.value.code


def test_a_backtest_is_reported_on_the_terms_of_the_settings(
    candles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(*options: str) -> Any:
        assert ended(monkeypatch, "cab-backtest", candles, "--json", "--no-checks", *options) == 0
        return json.loads(capsys.readouterr().out)

    plain = made()
    assert plain["strategy"] == "ema_cross"
    assert made()["final_quote"] == plain["final_quote"]
    assert made("--set", "fast=5")["final_quote"] != plain["final_quote"]
    assert made("--until", "2022-01-02")["bars"] == 1_440
    monkeypatch.setenv("PAPER_FEE_PCT", "0")
    free = made()
    assert (free["fees_quote"], free["trades"]) == (0, plain["trades"])
    assert made("--fee-pct", "0.2")["final_quote"] == plain["final_quote"]
    monkeypatch.setenv("STRATEGY", "rsi_momentum")
    assert made()["strategy"] == "rsi_momentum"


def test_a_replay_of_the_same_options_agrees(
    candles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("cab-replay", candles, "--strategy", "donchian_breakout", "--until", "2022-01-02")
    monkeypatch.setenv("STOP_TRAILING_PCT", "1")
    assert ended(monkeypatch, *command, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"]
    assert found["fills"] == found["fills_exact"] > 5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["cab-backtest"], "candles: name files, or --download BTC/USDT --from 2026-01-31"),
        (["cab-backtest", "BTC_USDT-none.csv"], "BTC_USDT-none.csv: cannot be read: No such file"),
        (["cab-replay", "BTC_USDT-none.csv"], "BTC_USDT-none.csv: cannot be read: No such file"),
        (["cab-backtest", "a", "--strategy", "emacross"], "STRATEGY=emacross: must be one of"),
        (["cab-backtest", "a", "--set", "fast"], "--set fast: must be NAME=VALUE"),
        (["cab-backtest", "a", "--set", "fast=x"], "STRATEGY_PARAMETERS fast='x': must be a whole"),
        (["cab-backtest", "--download", "BTC"], "'BTC' is not a symbol; write it as BASE/QUOTE"),
        (["cab-backtest", "BTC_USDT-1m.csv", "--from", "2031-01-01"], "BTC/USDT: there are no"),
        (["cab-replay", "BTC_USDT-1m.csv", "--from", "2031-01-01"], "BTC/USDT: there are no"),
        (["cab-replay", "BTC_USDT-1m.csv", "--all-in"], "a replay trades as the bot does"),
        (["cab-replay", "BTC_USDT-1m.csv", "--recorded", "none"], "none: cannot be read"),
    ],
)
def test_what_is_wrong_gets_one_line_and_no_zero(
    candles: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    assert candles.exists()
    assert ended(monkeypatch, *arguments) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert shown.err.startswith(line)


@pytest.mark.parametrize("option", ["--amount=-1", "--amount=x", "--from=soon", "--timeframe=7m"])
def test_a_wrong_option_is_told_by_its_name(
    candles: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
) -> None:
    assert ended(monkeypatch, "cab-backtest", candles, option) == 2
    assert option.partition("=")[0] in capsys.readouterr().err.splitlines()[-1]


def test_without_a_network_a_download_ends_in_one_line(
    candles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert candles.exists()
    monkeypatch.setenv("EXCHANGE_URL", "http://127.0.0.1:1")
    assert ended(monkeypatch, "cab-backtest", "--download", "BTC/USDT", "--timeframe", "1h") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
