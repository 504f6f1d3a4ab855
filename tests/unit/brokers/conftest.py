from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from fakes_feed import ManualClock
from unit.brokers.http_stub import HttpStub


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def client_of(stub: HttpStub) -> Iterator[Callable[..., CcxtClient]]:
    """Makes clients of the stub, and closes them."""
    made: list[CcxtClient] = []

    def make(**wishes: Any) -> CcxtClient:
        defaults: dict[str, Any] = {"base_url": stub.url, "interval_ms": 0}
        made.append(CcxtClient("gateio", **{**defaults, **wishes}))
        return made[-1]

    yield make
    for client in made:
        client.close()
