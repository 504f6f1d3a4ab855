"""Clients of AWS where AWS was never set up."""

import pytest
from botocore.session import Session

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.runtime.aws import dynamodb_client


def test_a_machine_without_a_region_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr("crypto_ai_bot.runtime.aws._SESSION", Session())
    with pytest.raises(BadSetting, match=r"^AWS_DEFAULT_REGION: must be given"):
        dynamodb_client()
