"""From a run to its reports: files, checks left out, the search, and what is refused."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from builders import dec
from crypto_ai_bot.backtest.honesty import NAMES
from crypto_ai_bot.cli.backtest_report import Subject, add_report_options, report_on
from crypto_ai_bot.domain.errors import BadSetting
from small_backtest import TERMS, Averages, market_of, noise, run

SUBJECT = Subject("averages", {}, Averages(), [noise(3_000, 1)], TERMS)


def options_of(tmp_path: Path, *arguments: str) -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_report_options(parser)
    return parser.parse_args(["--tried", str(tmp_path / "tried.jsonl"), *arguments])


def test_all_checks_are_made_unless_one_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_on(options_of(tmp_path, "--json"), SUBJECT, run) == 0
    found = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in found["checks"]] == list(NAMES)
    for name in NAMES:
        left = [f"--no-{other}" for other in NAMES if other != name]
        report_on(options_of(tmp_path, "--json", *left), SUBJECT, run)
        (check,) = json.loads(capsys.readouterr().out)["checks"]
        assert check["name"] == name
    report_on(options_of(tmp_path, "--json", "--no-checks"), SUBJECT, run)
    assert json.loads(capsys.readouterr().out)["checks"] == []


def test_the_files_that_were_asked_for_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, trades = tmp_path / "page.html", tmp_path / "trades.csv"
    report_on(options_of(tmp_path, "--html", str(html), "--trades", str(trades)), SUBJECT, run)
    assert html.read_text().startswith("<!doctype html>")
    assert trades.read_text().startswith("symbol,entered_utc,")
    assert capsys.readouterr().out.splitlines()[0] == "averages"
    assert {path.name for path in tmp_path.iterdir()} == {
        "page.html",
        "trades.csv",
        "tried.jsonl",
    }


def test_each_set_of_parameters_that_was_run_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []
    for fast in (5, 5, 6):
        subject = Subject("averages", {}, Averages(fast), SUBJECT.markets, TERMS)
        report_on(options_of(tmp_path, "--json"), subject, run)
        tried.append(json.loads(capsys.readouterr().out)["tried"])
    assert tried == [1, 1, 2]
    assert len((tmp_path / "tried.jsonl").read_text().splitlines()) == 2


def test_a_run_on_other_terms_is_another_try_and_no_candidate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stops and costs are tried out like parameters; but days on other terms are not compared."""
    for spread in (0, 1, 2):
        terms = replace(TERMS, spread_pct=dec(spread))
        report_on(options_of(tmp_path, "--json"), replace(SUBJECT, terms=terms), run)
    found = json.loads(capsys.readouterr().out.split("\n}\n")[-2] + "}")
    assert found["tried"] == 3
    walked = next(check for check in found["checks"] if check["name"] == "walk-forward")
    assert walked["figures"]["candidates"] == 25, "itself, and 24 drawn around it"


def test_a_search_reports_on_the_best_and_counts_its_tries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--json", "--search", "12", "--range", "fast=2:9", "--cores", "2")
    report_on(options_of(tmp_path, *arguments), SUBJECT, run)
    shown = capsys.readouterr()
    assert shown.err == "", "progress is for terminals"
    found = json.loads(shown.out)
    assert 10 <= found["tried"] <= 12, "a set proposed twice is one try"
    assert set(found["parameters"]) == {"fast", "slow"}
    walked = next(check for check in found["checks"] if check["name"] == "walk-forward")
    assert walked["figures"]["candidates"] == found["tried"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--search", "0"), "--search 0: must be at least 1"),
        (("--search", "3", "--cores", "0"), "--cores 0: must be at least 1"),
        (("--search", "3", "--range", "fast"), "--range fast: must be like fast=5:50"),
        (("--html", "no/such/folder/page.html"), "--html no/such/folder/page.html: cannot be"),
    ],
)
def test_what_cannot_be_done_is_named(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        report_on(options_of(tmp_path, *arguments), SUBJECT, run)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (replace(SUBJECT, markets=[market_of([])]), "BTC/USDT: no candles in the time asked for"),
        (replace(SUBJECT, terms=replace(TERMS, start_quote=dec(0))), "begins with 0: must be"),
        (replace(SUBJECT, terms=replace(TERMS, amount_quote=dec(0))), "an entry spends 0: must be"),
    ],
)
def test_what_leaves_nothing_to_report_on_is_named(
    tmp_path: Path, subject: Subject, why: str
) -> None:
    with pytest.raises(BadSetting, match=why):
        report_on(options_of(tmp_path), subject, run)
