"""House rules that no linter knows: who may make what, how long things are, how handlers look."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "layers/trading/crypto_ai_bot"
FILES = sorted(PACKAGE.rglob("*.py"))
SHIPPED = [f for f in FILES if f.relative_to(PACKAGE).parts[0] not in {"local", "cli", "backtest"}]

LINES_MAX = 300
FUNCTION_LINES_MAX = 60

ONE_OWNER = {
    "Approved": "risk/gate.py",
    "place": "usecases/trading.py",
    "create_market_buy_quote": "usecases/execution.py",
    "create_market_sell_base": "usecases/execution.py",
    "time_ns": "runtime/clock.py",
    "sleep": "runtime/clock.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def calls(path: Path) -> Iterator[str]:
    """The last name of everything that is called in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(name) | ast.Attribute(attr=name):
                    yield name


@pytest.mark.parametrize(("called", "owner"), ONE_OWNER.items())
def test_one_file_alone_calls_it(called: str, owner: str) -> None:
    callers = {name_of(path) for path in SHIPPED if called in calls(path)}
    assert callers <= {owner}


def test_a_permission_is_made_and_taken() -> None:
    """The rule above would also hold of a name that nobody uses any more."""
    assert "Approved" in calls(PACKAGE / "risk/gate.py")
    assert "place" in calls(PACKAGE / "usecases/trading.py")
    assert "create_market_buy_quote" in calls(PACKAGE / "usecases/execution.py")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_fit_their_measure(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name


def test_no_broad_except_but_in_the_handler() -> None:
    broad = {
        name_of(path)
        for path in SHIPPED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    }
    # ccxt_client carries whatever its deadline thread raised over to the caller, whole
    assert broad <= {"runtime/guard.py", "brokers/ccxt_client.py"}


def test_a_handler_only_translates() -> None:
    apps = sorted((ROOT / "functions").glob("*/app.py"))
    assert apps
    for app in apps:
        assert len(app.read_text().splitlines()) <= 8
        assert not any(isinstance(n, ast.FunctionDef) for n in ast.walk(ast.parse(app.read_text())))
