"""How commands end for a person when something is wrong: one line on stderr, and no exit code 0."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto_ai_bot.cli import maintenance, performance, reconcile

NOBODY_LISTENS = "http://127.0.0.1:1"
COMMANDS: dict[str, Callable[[], None]] = {
    "cab-perf": performance.main,
    "cab-maintenance": maintenance.main,
    "cab-reconcile": reconcile.main,
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a table: fixed prices, an endpoint that nobody listens on, no .env."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MODE": "paper",
        "PRICE_FEED": "fixed",
        "FIXED_PRICE": "100",
        "AWS_ENDPOINT_URL": NOBODY_LISTENS,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)


def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[str]]:
    """The exit code, and what stands on stderr."""
    monkeypatch.setattr(sys, "argv", [*arguments])
    with pytest.raises(SystemExit) as ending:
        COMMANDS[arguments[0]]()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert isinstance(ending.value.code, int)
    return ending.value.code, shown.err.splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ["cab-perf"],
        ["cab-maintenance", "backup"],
        ["cab-reconcile"],
    ],
    ids=" ".join,
)
def test_without_a_network_one_line_names_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, lines = ended(monkeypatch, capsys, *arguments)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("table crypto-ai-bot did not answer")


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["cab-perf", "--days", "many"], "argument --days: invalid int value: 'many'"),
        (["cab-perf", "--days", "2", "--from", "2026-01-01"], "not allowed with argument --days"),
        (["cab-maintenance"], "the following arguments are required: backup|list|rotate"),
        (["cab-maintenance", "tidy"], "invalid choice: 'tidy'"),
        (["cab-maintenance", "restore", "b.jsonl.gz"], "required: --to"),
        (["cab-maintenance", "restore", "b.jsonl.gz", "--to", "t"], "b.jsonl.gz: cannot be read"),
        (["cab-maintenance", "list"], "backups: no such folder of backups"),
        (["cab-maintenance", "rotate"], "backups: no such folder of backups"),
        (["cab-perf", "--env-file", "none.env"], "none.env: must be a readable text file"),
        (["cab-reconcile", "release", "BTC", "--reason", "seen"], "'BTC' is not a symbol"),
        (["cab-reconcile", "release", "BTC/USDT", "--reason", " "], "must say what you found"),
        (["cab-reconcile", "resolve", "t-1", "--absent"], "go together"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_or_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    last: str,
) -> None:
    code, lines = ended(monkeypatch, capsys, *arguments)
    assert code == 2
    assert last in lines[-1]


def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKUP_RETENTION_DAYS", "-3")
    code, lines = ended(monkeypatch, capsys, "cab-maintenance", "rotate")
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("BACKUP_RETENTION_DAYS=-3: ")
