"""The private part of the embedded exchange, seen by the real client over HTTP."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from crypto_ai_bot.local.exchange.faults import KINDS
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.keys import signature
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server import serving
from crypto_ai_bot.local.exchange.wire import Request
from exchange_grounds import NOW_MS, market

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference" / "gate"
RECORDED = REFERENCE / "requests-recorded-ccxt-4.5.90.json"
SAMPLES = REFERENCE / "response-samples.json"


class Bench:
    """A server with one account, and the real client pointed to it."""

    def __init__(self, grounds: Grounds, url: str) -> None:
        self.grounds, self.url = grounds, url
        self.gate = self.client()

    def client(self, key: str = "key", secret: str = "secret") -> Any:
        gate = ccxt.gate(
            {
                "apiKey": key,
                "secret": secret,
                "timeout": 10_000,  # of a machine that is busy
                "enableRateLimit": False,
                "options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
            }
        )
        gate.number = str
        gate.has["fetchCurrencies"] = False
        gate.session.max_redirects = 0
        for group in ("public", "private"):
            for name in gate.urls["api"][group]:
                gate.urls["api"][group][name] = self.url
        gate.load_time_difference()
        gate.load_markets()
        gate.timeout = 300
        return gate

    @property
    def account(self) -> Any:
        return self.grounds.hall.keyring.keys["key"].account

    def buy(self, text: str = "t-abc123") -> Any:
        return self.gate.create_market_buy_order_with_cost("LTC/USDT", 5, {"clientOrderId": text})


@pytest.fixture
def bench() -> Iterator[Bench]:
    grounds = Grounds(market(), MarketClock(NOW_MS, 0))
    grounds.make_key("key", "secret", USDT="10000", LTC="100")
    with serving(grounds) as url:
        made = Bench(grounds, url)
        yield made
        made.gate.session.close()


def test_the_real_order_comes_out_to_the_last_digit_through_the_real_client(bench: Bench) -> None:
    info = bench.buy()["info"]
    assert {
        name: info[name]
        for name in (
            "filled_amount",
            "filled_total",
            "left",
            "fee",
            "avg_deal_price",
            "fee_currency",
        )
    } == {
        "filled_amount": "0.078",
        "filled_total": "4.99434",
        "left": "0.00566",
        "fee": "0.000156",
        "avg_deal_price": "64.03",
        "fee_currency": "LTC",
    }
    assert (info["status"], info["finish_as"], info["text"]) == ("closed", "filled", "t-abc123")
    balance = bench.gate.fetch_balance()
    assert (balance["free"]["USDT"], balance["free"]["LTC"]) == ("9995.00566", "100.077844")


def test_the_life_of_orders_through_the_real_client(bench: Bench) -> None:
    gate, symbol = bench.gate, "LTC/USDT"
    bought = bench.buy()
    assert gate.fetch_order(bought["id"], symbol)["status"] == "closed"
    with pytest.raises(ccxt.OrderNotFound):
        gate.fetch_order("t-abc123", symbol)
    resting = gate.create_order(symbol, "limit", "buy", "0.1", "60", {"clientOrderId": "t-rest"})
    assert [o["id"] for o in gate.fetch_open_orders(symbol)] == [resting["id"]]
    assert gate.fetch_order("t-rest", symbol)["status"] == "open"
    amended = gate.edit_order(resting["id"], symbol, "limit", "buy", "0.2", "60")
    assert amended["amount"] == "0.2"
    assert gate.cancel_order(resting["id"], symbol)["status"] == "canceled"
    for price in ("50", "51"):
        gate.create_order(symbol, "limit", "buy", "0.1", price)
    assert len(gate.cancel_all_orders(symbol)) == 2
    since = NOW_MS - 60_000
    closed = gate.fetch_closed_orders(None, since, 100, {"type": "spot"})
    assert len(closed) == 4
    (trade,) = gate.fetch_my_trades(symbol, since, 1000)
    assert (trade["order"], trade["amount"], trade["fee"]["cost"]) == (
        bought["id"],
        "0.078",
        "0.000156",
    )
    batch = [
        {"symbol": symbol, "type": "limit", "side": "buy", "amount": "0.1", "price": "60"},
        {"symbol": symbol, "type": "limit", "side": "buy", "amount": "0.2", "price": "60"},
    ]
    made = gate.create_orders(batch)
    cancelled = gate.cancel_orders([o["id"] for o in made], symbol)
    assert {o["id"] for o in cancelled} == {o["id"] for o in made}
    assert gate.fetch_trading_fee(symbol)["taker"] == "0.002"


def test_a_stop_through_the_real_client(bench: Bench) -> None:
    gate, symbol, stop = bench.gate, "LTC/USDT", {"trigger": True}
    made = gate.create_order(symbol, "limit", "sell", "1", "59.5", {"stopLossPrice": "60"})
    assert gate.fetch_order(made["id"], symbol, stop)["status"] == "open"
    assert len(gate.fetch_open_orders(symbol, None, None, stop)) == 1
    assert gate.cancel_order(made["id"], symbol, stop)["status"] == "canceled"
    assert len(gate.fetch_closed_orders(symbol, None, None, stop)) == 1
    with pytest.raises(ccxt.BadRequest):
        gate.create_order(symbol, "market", "sell", "1", None, {"stopLossPrice": "60"})


def test_gates_refusals_reach_the_client_as_its_own_errors(bench: Bench) -> None:
    gate, symbol = bench.gate, "LTC/USDT"
    for error, amount in ((ccxt.InsufficientFunds, 20_000), (ccxt.BadRequest, 1)):
        with pytest.raises(error):
            gate.create_market_buy_order_with_cost(symbol, amount)
    with pytest.raises(ccxt.BadRequest):
        gate.create_market_buy_order_with_cost(symbol, 5, {"clientOrderId": "trade1"})
    with pytest.raises(ccxt.OrderNotFound):
        gate.fetch_order("1", symbol)
    stranger = bench.client("nobody")
    with pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()
    gate.options["timeDifference"] += 70_000
    with pytest.raises(ccxt.AuthenticationError, match="REQUEST_EXPIRED"):
        gate.fetch_balance()


# What the client makes of each fault: an error's name, or nothing where it believes in an order.
SEEN = {
    "hang": "RequestTimeout",
    "rst": "NetworkError",
    "fin": "NetworkError",
    "truncate": "NetworkError",
    "slow": "RequestTimeout",
    "stall": "RequestTimeout",
    "partial_header": "",
    "no_length_trunc": "",
    "chunked_trunc": "NetworkError",
    "bad_gzip": "ExchangeError",
    "empty": "",
    "204": "",
    "202": "",
    "null": "",
    "list": "",
    "redirect": "ExchangeError",
    "html": "ExchangeNotAvailable",
    "label": "ExchangeError",
    "429": "RateLimitExceeded",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", SEEN)
def test_what_the_client_sees_of_a_fault_does_not_tell_whether_an_order_exists(
    bench: Bench, kind: str, when: str
) -> None:
    label = {"label": "INTERNAL_SERVER_ERROR"} if kind == "label" else {}
    bench.grounds.strike(kind, method="POST", path="/spot/orders$", when=when, seconds=0.6, **label)
    if SEEN[kind]:
        with pytest.raises(getattr(ccxt, SEEN[kind])) as error:
            bench.buy()
        assert error.type.__name__ == SEEN[kind]
    else:
        told = kind == "202" and when == "after"
        assert (bench.buy()["id"] is not None) is told
    assert len(bench.account.orders) == (1 if when == "after" else 0)
    posts = [e for e in bench.grounds.line.log.entries if e.method == "POST"]
    assert len(posts) == 1
    assert bench.buy()["info"]["status"] == "closed", "the next request is untroubled"


def test_every_kind_of_fault_is_in_a_matrix() -> None:
    assert {*SEEN, "drip", "late_apply", "duplicate_apply", "skew"} == set(KINDS)


def test_a_drip_takes_as_long_as_it_is_slow(bench: Bench) -> None:
    bench.grounds.strike("drip", path="/spot/time", bytes_per_second=1_000)
    began = time.monotonic()
    assert bench.gate.fetch_time() == NOW_MS
    assert time.monotonic() - began > 0.2


@pytest.mark.parametrize(("kind", "reset"), [("rst", True), ("fin", False)])
def test_a_connection_is_reset_or_closed(*, bench: Bench, kind: str, reset: bool) -> None:
    bench.grounds.strike(kind)
    at = urlsplit(bench.url)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=5) as raw:
        raw.sendall(b"GET /api/v4/spot/time HTTP/1.1\r\n\r\n")
        try:
            got: bytes | None = raw.recv(100)
        except ConnectionResetError:
            got = None
    assert got == (None if reset else b"")


def test_a_redirect_that_is_followed_posts_again(bench: Bench) -> None:
    bench.gate.session.max_redirects = 30
    bench.grounds.strike("redirect", method="POST", when="after")
    bench.buy()
    assert len(bench.account.orders) == 2


def test_a_server_that_stops_lets_go_of_what_hangs() -> None:
    grounds = Grounds(market(), MarketClock(NOW_MS, 0))
    grounds.make_key("key", "secret", USDT="100")
    with serving(grounds) as url:
        gate = Bench(grounds, url).gate
        grounds.strike("hang", path="accounts")
        with pytest.raises(ccxt.RequestTimeout):
            gate.fetch_balance()
        began = time.monotonic()
    gate.session.close()
    assert time.monotonic() - began < 2


SPOT_PATHS = ("/spot/", "/wallet/", "/account/", "/unified/", "/margin/currency_pairs")


@pytest.mark.skipif(not RECORDED.exists(), reason="../shared is not here")
def test_every_recorded_spot_request_passes_the_checks_and_finds_its_handler(bench: Bench) -> None:
    made = {"key": "whole", "secret": "secret", "balances": {"USDT": "100"}, "unified": True}
    clock, line = bench.grounds.hall.clock, bench.grounds.line
    line.answer(Request("POST", "/_market/accounts", body=json.dumps(made).encode()))
    refused, met = [], 0
    for call in json.loads(RECORDED.read_text())["calls"]:
        for recorded in call["requests"]:
            path, _, query = recorded["path"].partition("?")
            if not path.removeprefix("/api/v4").startswith(SPOT_PATHS):
                continue
            body, timestamp = (recorded["body"] or "").encode(), str(clock.now_ms() // 1000)
            headers = {name.lower(): value for name, value in recorded["headers"].items()}
            if "sign" in headers:
                bare = Request(recorded["method"], path, query, {}, body)
                headers |= {"timestamp": timestamp, "sign": signature("secret", bare, timestamp)}
                headers["key"] = "whole" if "unified" in path else "key"
            answer = line.answer(Request(recorded["method"], path, query, headers, body))
            met += 1
            if answer.status >= 400:
                assert isinstance(answer.payload, dict)
                refused.append((call["name"].split(" (")[0], answer.payload["label"]))
    labels = {label for _, label in refused}
    assert not labels & {
        "MISSING_REQUIRED_HEADER",
        "REQUEST_EXPIRED",
        "INVALID_KEY",
        "INVALID_SIGNATURE",
        "FORBIDDEN",
        "READ_ONLY",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
    }, refused
    assert labels == {
        "ORDER_NOT_FOUND",
        "CLIENT_ID_NOT_FOUND",
        "INVALID_PARAM_VALUE",
        "REPEAT_REQUEST",
    }, refused
    assert met > 60


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared is not here")
def test_the_client_parses_the_same_keys_as_from_gates_own_samples(bench: Bench) -> None:
    samples = json.loads(SAMPLES.read_text())
    gate, asked = bench.gate, {"currency_pair": "LTC_USDT"}
    ltc = gate.market("LTC/USDT")

    def sample(beginning: str) -> Any:
        return next(value for key, value in samples.items() if key.startswith(beginning))

    def pair(parse: Any, ours: Any, theirs: Any, *, without: frozenset[str] = frozenset()) -> None:
        assert set(theirs) - without <= set(ours), set(theirs) - set(ours)
        parsed = parse(ours), parse(theirs)
        assert set(parsed[0]) == set(parsed[1])
        shapes = [{k: type(v) for k, v in p.items() if v is not None} for p in parsed]
        differing = {k for k in shapes[0].keys() & shapes[1].keys() if shapes[0][k] != shapes[1][k]}
        assert not differing, differing

    full = bench.buy()["info"]
    real = sample("REAL market buy 5 USDT, ccxt PR 19098")
    pair(lambda row: gate.parse_order(row, ltc), full, real)
    told = (
        "filled_total",
        "left",
        "fee",
        "avg_deal_price",
        "status",
        "finish_as",
        "price",
        "amount",
    )
    assert {name: full[name] for name in told} == {name: real[name] for name in told}
    pair(
        lambda r: gate.parse_order(r, ltc),
        full,
        sample("POST /spot/orders FULL"),
        without=frozenset({"slippage"}),
    )
    form = {**asked, "type": "market", "side": "buy", "amount": "5", "time_in_force": "ioc"}
    result = gate.private_spot_post_orders({**form, "action_mode": "RESULT"})
    docs = sample("POST /spot/orders action_mode=RESULT")
    pair(lambda r: gate.parse_order(r, ltc), result, docs, without=frozenset({"auto_borrow"}))
    short = gate.private_spot_post_orders({**form, "action_mode": "ACK"})
    assert set(short) == set(sample("POST /spot/orders action_mode=ACK"))
    rested = gate.create_order("LTC/USDT", "limit", "buy", "0.1", "60")
    cancelled = gate.cancel_order(rested["id"], "LTC/USDT")["info"]
    pair(lambda r: gate.parse_order(r, ltc), cancelled, sample("REAL cancelled limit"))
    trade = gate.private_spot_get_my_trades(asked)[0]
    pair(lambda r: gate.parse_trade(r, ltc), trade, sample("GET /spot/my_trades[0] (docs)"))
    pair(lambda r: gate.parse_trade(r, ltc), trade, sample("GET /spot/my_trades[0] (ccxt"))
    held, theirs = gate.private_spot_get_accounts(), sample("GET /spot/accounts")
    assert set(held[0]) == set(theirs[0])
    assert [type(v) for v in held[0].values()] == [type(v) for v in theirs[0].values()]
    assert set(gate.private_spot_get_fee(asked)) == set(sample("GET /spot/fee"))
    pair(
        lambda r: gate.parse_trading_fee(r, ltc),
        gate.private_wallet_get_fee(),
        sample("GET /wallet/fee"),
    )
    detail = sample("GET /account/detail")
    assert set(gate.private_account_get_detail()) == set(detail)
    book = gate.private_spot_get_account_book()[0]
    assert set(book) == set(sample("GET /spot/account_book"))
    gate.create_order("LTC/USDT", "limit", "sell", "1", "59.5", {"stopLossPrice": "60"})
    stop = gate.private_spot_get_price_orders({"market": "LTC_USDT", "status": "open"})[0]
    pair(lambda r: gate.parse_order(r, ltc), stop, sample("GET /spot/price_orders[0] open"))
    gone = gate.private_spot_delete_price_orders_order_id({"order_id": stop["id"]})
    pair(lambda r: gate.parse_order(r, ltc), gone, sample("DELETE /spot/price_orders"))
    counted = gate.private_spot_post_countdown_cancel_all({"timeout": 30, **asked})
    assert set(counted) == set(sample("POST /spot/countdown_cancel_all")["response"])


COMMAND = [sys.executable, "-m", "crypto_ai_bot.cli.exchange", "--port", "0", "--speed", "0"]
FURNISHED = ["--pairs", "BTC_USDT,LTC_USDT", "--account", "key:secret:USDT=10000,GT=5"]


def test_the_command_makes_accounts_and_faults(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('[{"kind": "html", "path": "/spot/accounts", "code": 503}]')
    with subprocess.Popen(
        [*COMMAND, *FURNISHED, "--faults", str(rules)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[-2:] == ["accounts=1", "faults=1"]
        gate = Bench(None, words[2]).gate  # type: ignore[arg-type]  # another process has them
        with pytest.raises(ccxt.ExchangeNotAvailable):
            gate.fetch_balance()
        assert gate.fetch_balance()["free"] == {"GT": "5", "USDT": "10000"}
        gate.session.close()
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--account", "key:hidden"], "no account; allowed is KEY:SECRET:USDT=10000"),
        (["--account", "key:hidden:USDT=-1"], "no account"),
        (["--account", "key:hidden:USDT=many"], "no account"),
        (["--account", "key:hidden:=5"], "no account"),
        (["--faults", "nowhere.json"], "nowhere.json: No such file"),
        (["--faults", __file__], "test_embedded_exchange_private.py: "),
    ],
)
def test_what_cannot_be_furnished_gets_one_line_without_the_secret(
    arguments: list[str], told: str
) -> None:
    ended = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert told in ended.stderr
    assert "hidden" not in ended.stderr
