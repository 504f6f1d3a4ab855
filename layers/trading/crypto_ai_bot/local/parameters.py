"""The template's parameters: their defaults, and what each allows."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # has none

from crypto_ai_bot.local.errors import RehearsalError


def parameter_name(setting: str) -> str:
    """The template parameter of a variable: RISK_COOLDOWN_SEC is RiskCooldownSec."""
    return "".join(word.capitalize() for word in setting.split("_"))


def all_parameters(template: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    """Every parameter of the template, chosen or by default.

    A RehearsalError names a parameter that it does not have, or does not allow to be that.
    """
    declared: Mapping[str, Mapping[str, Any]] = yaml_parse(template.read_text())["Parameters"]
    for name, value in chosen.items():
        if name not in declared:
            raise RehearsalError(f"{name}: not a parameter of {template.name}")
        _check(name, value, declared[name])
    return {name: chosen.get(name, str(body.get("Default", ""))) for name, body in declared.items()}


def _check(name: str, value: str, body: Mapping[str, Any]) -> None:
    allowed = [str(one) for one in body.get("AllowedValues", ())]
    if allowed and value not in allowed:
        raise RehearsalError(f"{name}={value}: allowed is {', '.join(filter(None, allowed))}")
    pattern = body.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise RehearsalError(f"{name}={value}: allowed is what matches {pattern}")
