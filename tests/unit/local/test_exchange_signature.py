"""Signatures: Gate's two worked examples, and every private request recorded from the client."""

import json
from pathlib import Path

import pytest

from crypto_ai_bot.local.exchange.keys import signature
from crypto_ai_bot.local.exchange.wire import Request

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT.parent / "shared/reference/gate/requests-recorded-ccxt-4.5.90.json"


def test_the_worked_example_of_a_get() -> None:
    query = "contract=BTC_USD&status=finished&limit=50"
    request = Request("GET", "/api/v4/futures/orders", query)
    assert signature("secret", request, "1541993715") == (
        "55f84ea195d6fe57ce62464daaa7c3c02fa9d1dde954e4c898289c9a2407a3d6"
        "fb3faf24deff16790d726b66ac9f74526668b13bd01029199cc4fcc522418b8a"
    )


def test_the_worked_example_of_a_post() -> None:
    body = b'{"contract":"BTC_USD","type":"limit","size":100,"price":6800,"time_in_force":"gtc"}'
    request = Request("POST", "/api/v4/futures/orders", body=body)
    assert signature("secret", request, "1541993715") == (
        "eae42da914a590ddf727473aff25fc87d50b64783941061f47a3fdb92742541f"
        "c4c2c14017581b4199a1418d54471c269c03a38d788d802e2c306c37636389f0"
    )


def test_the_query_is_signed_unquoted() -> None:
    signed = signature("secret", Request("GET", "/api/v4/spot/orders", "text=t-é"), "1")
    quoted = Request("GET", "/api/v4/spot/orders", "text=t-%C3%A9")
    assert signature("secret", quoted, "1") == signed


@pytest.mark.skipif(not RECORDED.exists(), reason="../shared is not here")
def test_every_recorded_private_request_carries_the_signature_we_compute() -> None:
    calls = json.loads(RECORDED.read_text())["calls"]
    signed = [r for call in calls for r in call["requests"] if "SIGN" in r["headers"]]
    for recorded in signed:
        path, _, query = recorded["path"].partition("?")
        body = (recorded["body"] or "").encode()
        request = Request(recorded["method"], path, query, {}, body)
        headers = recorded["headers"]
        assert signature("secret", request, headers["Timestamp"]) == headers["SIGN"], recorded
    assert len(signed) == 52
