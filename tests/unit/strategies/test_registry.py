"""From STRATEGY and STRATEGY_PARAMETERS to a fold, and the one line for what is wrong."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot import strategies
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.strategies.ema_cross import Strategy as EmaCross
from crypto_ai_bot.strategies.registry import load, names
from unit.strategies.candles import actions, walk

ALL = ["bollinger_reversion", "donchian_breakout", "ema_cross", "fusion", "rsi_momentum"]
ALL += ["supertrend", "trend_filter"]
GUIDE = Path(__file__).parents[3] / "docs" / "strategies.md"


@pytest.fixture
def own_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files count as files of the strategies' own folder."""
    strategies.__path__.append(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    strategies.__path__.remove(str(tmp_path))
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_what_comes_with_the_project_is_listed() -> None:
    assert names() == ALL


def test_it_remembers_nothing_from_one_run_to_the_next() -> None:
    strategy, rows = load("ema_cross", {"fast": 9, "slow": 21}), walk(2_000, seed=1)
    first = actions(strategy, rows)
    assert first == actions(strategy, rows) == actions(EmaCross(9, 21), rows)


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    assert load("ema_cross", {"atr_pct_min": 1}).warm_up_bars == 233


@pytest.mark.parametrize(
    ("name", "parameters", "line"),
    [
        ("emacross", {}, "STRATEGY=emacross: must be one of " + ", ".join(ALL)),
        ("base", {}, "STRATEGY=base: must be one of " + ", ".join(ALL)),
        ("os.path", {}, "STRATEGY=os.path: must be one of " + ", ".join(ALL)),
        ("", {}, "STRATEGY=: must be one of " + ", ".join(ALL)),
        ("ema_cross", {"fast": 26}, "STRATEGY_PARAMETERS fast=26: must be below slow=26"),
        (
            "ema_cross",
            {"fats": 9},
            "STRATEGY_PARAMETERS fats=9: ema_cross takes fast, slow, atr, atr_pct_min, atr_pct_max",
        ),
        ("ema_cross", {"fast": "9"}, "STRATEGY_PARAMETERS fast='9': must be a whole number"),
        ("ema_cross", {"fast": 9.0}, "STRATEGY_PARAMETERS fast=9.0: must be a whole number"),
        ("ema_cross", {"fast": True}, "STRATEGY_PARAMETERS fast=True: must be a whole number"),
        (
            "ema_cross",
            {"atr_pct_min": True},
            "STRATEGY_PARAMETERS atr_pct_min=True: must be a number",
        ),
        (
            "ema_cross",
            {"atr_pct_max": float("nan")},
            "STRATEGY_PARAMETERS atr_pct_max=nan: must be a number",
        ),
    ],
)
def test_what_is_wrong_gets_one_line(name: str, parameters: dict[str, Any], line: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load(name, parameters)
    assert str(caught.value) == line


def test_the_guides_example_is_a_strategy_as_it_stands(own_folder: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (own_folder / "my_idea.py").write_text(example)
    assert "my_idea" in names()
    said = actions(load("my_idea", {"bars": 7, "low": 25}), walk(2_000, seed=4))
    assert {action for both in said for action in both} == set(Action)
    with pytest.raises(BadSetting, match=r"^STRATEGY_PARAMETERS low=60: must be above 0 and below"):
        load("my_idea", {"low": 60})


def test_the_guide_lists_every_strategy_with_its_parameters() -> None:
    guide = GUIDE.read_text()
    for name in names():
        assert f"| `{name}` |" in guide
        module = import_module(f"{strategies.__name__}.{name}")
        for field in module.Strategy.__dataclass_fields__.values():
            default = field.default
            shown = f'"{default}"' if isinstance(default, str) else f"{default:g}"
            assert re.search(rf"\| `{name}` \|.*`{field.name}`.* {shown}", guide), field.name


def test_only_the_strategy_in_use_is_imported(own_folder: Path) -> None:
    (own_folder / "broken.py").write_text("raise RuntimeError('imported though not in use')")
    load("ema_cross", {})
    with pytest.raises(RuntimeError):
        load("broken", {})
