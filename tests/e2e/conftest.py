"""The real template on an embedded cloud beside an embedded exchange, once for all tests."""

from collections.abc import Iterator

import pytest

from crypto_ai_bot.local.build import sam
from crypto_ai_bot.local.cloud import embedded_cloud
from crypto_ai_bot.local.embedded_exchange import embedded_exchange
from crypto_ai_bot.local.places import Places, project_root
from crypto_ai_bot.local.stack import deploy
from e2e.rig import NOON_MS, TOKEN, TOKEN_PARAMETER, Rig


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A home of its own, and the project's own builds."""
    places = Places(project_root(), tmp_path_factory.mktemp("rehearsal"))
    if not sam(places).exists():
        pytest.skip("the SAM CLI is not installed here: make setup does")
    return places


@pytest.fixture(scope="session")
def rig(places: Places) -> Iterator[Rig]:
    """Exchange, cloud and stack, taken down at the end. The schedules are off: tests fire."""
    with (
        embedded_exchange(places, pairs=("BTC_USDT", "ETH_USDT"), start_ms=NOON_MS) as exchange,
        embedded_cloud(places) as cloud,
    ):
        cloud.client("ssm").put_parameter(
            Name=TOKEN_PARAMETER, Value=TOKEN, Type="SecureString", Overwrite=True
        )
        settings = {
            "Symbols": "BTC/USDT,ETH/USDT",
            "Clock": "exchange",
            "ExchangeUrl": exchange.url,
            "SchedulesState": "DISABLED",
            "ApiTokenParameter": TOKEN_PARAMETER,
        }
        yield Rig(cloud, exchange, deploy(places, cloud, settings))
