"""The real template on an embedded cloud beside an embedded exchange, once for all tests."""

from collections.abc import Iterator

import pytest

from crypto_ai_bot.local.build import sam
from crypto_ai_bot.local.cloud import embedded_cloud
from crypto_ai_bot.local.embedded_exchange import embedded_exchange
from crypto_ai_bot.local.places import Places, project_root
from crypto_ai_bot.local.stack import deploy
from e2e.chat import chat
from e2e.rig import NOON_MS, TOKEN, TOKEN_PARAMETER, WEBHOOK_PARAMETER, Rig


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A home of its own, and the project's own builds."""
    places = Places(project_root(), tmp_path_factory.mktemp("rehearsal"))
    if not sam(places).exists():
        pytest.skip("the SAM CLI is not installed here: make setup does")
    return places


@pytest.fixture(scope="session")
def rig(places: Places) -> Iterator[Rig]:
    """Exchange, cloud, stack and a chat, taken down at the end; policies are enforced.

    The schedules are off: tests fire.
    """
    calls = places.home / "calls.jsonl"
    calls.touch()  # the cloud makes it at the first call that asks a policy
    with (
        embedded_exchange(places, pairs=("BTC_USDT", "ETH_USDT"), start_ms=NOON_MS) as exchange,
        chat() as posted,
        embedded_cloud(places, calls=calls) as cloud,
    ):
        for name, value in ((TOKEN_PARAMETER, TOKEN), (WEBHOOK_PARAMETER, posted.webhook)):
            cloud.client("ssm").put_parameter(
                Name=name, Value=value, Type="SecureString", Overwrite=True
            )
        settings = {
            "Symbols": "BTC/USDT",
            "Shard2Symbols": "ETH/USDT",
            "Clock": "exchange",
            "ExchangeUrl": exchange.url,
            "ExitsIntervalSec": "60",  # the market stands still: nothing to wait for
            "SchedulesState": "DISABLED",
            "ApiTokenParameter": TOKEN_PARAMETER,
            "WebhookParameter": WEBHOOK_PARAMETER,
            "AlarmEmail": "operator@example.org",
            "WakeEmail": "pager@example.org",
        }
        yield Rig(cloud, exchange, deploy(places, cloud, settings), posted, calls)
