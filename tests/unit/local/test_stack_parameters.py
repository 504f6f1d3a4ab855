"""The template's parameters, chosen and by default."""

from pathlib import Path

import pytest

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.parameters import all_parameters, parameter_name

TEMPLATE = """
Parameters:
  Mode: {Type: String, Default: paper, AllowedValues: [paper, live]}
  Symbols: {Type: String, Default: "", AllowedPattern: '^$|^[A-Z/,]+$'}
  LogRetentionDays: {Type: Number, Default: 30}
Resources:
  Table: {Type: "AWS::DynamoDB::Table", Properties: {TableName: !Ref Mode}}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    return file


def test_what_is_not_chosen_has_its_default(template: Path) -> None:
    assert all_parameters(template, {"Mode": "live"}) == {
        "Mode": "live",
        "Symbols": "",
        "LogRetentionDays": "30",
    }


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"Mood": "good"}, "Mood: not a parameter of template.yaml"),
        ({"Mode": "banana"}, "Mode=banana: allowed is paper, live"),
        ({"Symbols": "btc"}, "Symbols=btc: allowed is what matches"),
    ],
)
def test_what_the_template_does_not_allow_is_refused_before_anything_starts(
    template: Path, chosen: dict[str, str], said: str
) -> None:
    with pytest.raises(RehearsalError, match=said):
        all_parameters(template, chosen)


def test_a_parameter_is_called_after_its_variable() -> None:
    assert parameter_name("RISK_MAX_ORDERS_PER_HOUR") == "RiskMaxOrdersPerHour"
    assert parameter_name("MODE") == "Mode"
