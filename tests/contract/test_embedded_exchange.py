"""The embedded exchange, seen by the real client over HTTP, and as a command."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from crypto_ai_bot.local.exchange.market import synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server import running_exchange

NOW_MS = 1_700_000_012_345
ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "reference" / "gate" / "response-samples.json"
RECORDED = ROOT.parent / "shared" / "data" / "BTC_USDT-1m-2023-03.csv.gz"


def client(url: str) -> Any:
    exchange = ccxt.gate(
        {
            "enableRateLimit": False,
            "options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
        }
    )
    exchange.number = str
    for group in ("public", "private"):
        for name in exchange.urls["api"][group]:
            exchange.urls["api"][group][name] = url
    return exchange


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    market = synthetic_market(["BTC_USDT", "ETH_USDT"], seed=7)
    with running_exchange(market, MarketClock(NOW_MS, 0)) as served:
        yield served


@pytest.fixture(scope="module")
def gate(url: str) -> Iterator[Any]:
    exchange = client(url)
    yield exchange
    exchange.session.close()


def test_the_real_client_reads_everything_public(gate: Any) -> None:
    assert gate.fetch_time() == NOW_MS
    markets = gate.load_markets()
    assert set(markets) == {"BTC/USDT", "ETH/USDT"}
    assert markets["BTC/USDT"]["active"] is True
    assert markets["BTC/USDT"]["precision"] == {"amount": "0.000001", "price": "0.1"}
    assert markets["ETH/USDT"]["limits"]["amount"]["min"] == "0.001"
    assert markets["ETH/USDT"]["limits"]["cost"]["min"] == "3"
    ticker = gate.fetch_ticker("BTC/USDT")
    assert float(ticker["bid"]) <= float(ticker["last"]) <= float(ticker["ask"])
    assert set(gate.fetch_tickers(["ETH/USDT"])) == {"ETH/USDT"}
    candles = gate.fetch_ohlcv("BTC/USDT", "1m", None, 300)
    assert len(candles) == 300
    assert candles[-1][0] == NOW_MS // 60_000 * 60_000
    assert candles[-1][4] == ticker["last"]
    since = candles[0][0]
    assert gate.fetch_ohlcv("BTC/USDT", "1m", since, 10) == candles[:10]
    book = gate.fetch_order_book("BTC/USDT", 20)
    assert (len(book["asks"]), len(book["bids"])) == (20, 20)
    assert book["nonce"] == NOW_MS
    trades = gate.fetch_trades("BTC/USDT", limit=5)
    assert len(trades) == 5
    assert {"symbol", "side", "price", "amount"} <= {k for k, v in trades[0].items() if v}


def test_gates_refusals_reach_the_client_as_its_own_errors(gate: Any) -> None:
    gate.load_markets()
    with pytest.raises(ccxt.BadSymbol):
        gate.public_spot_get_tickers({"currency_pair": "NO_USDT"})
    with pytest.raises(ccxt.BadRequest):
        gate.fetch_ohlcv("BTC/USDT", "1m", NOW_MS - 10_500 * 60_000, 10)
    with pytest.raises(ccxt.BadRequest):
        gate.public_spot_get_candlesticks({"currency_pair": "BTC_USDT", "limit": 1001})


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared is not here")
def test_the_client_parses_the_same_keys_as_from_gates_own_samples(gate: Any) -> None:
    samples = json.loads(SAMPLES.read_text())
    gate.load_markets()
    market = gate.market("BTC/USDT")

    def sample(beginning: str) -> Any:
        return next(value for key, value in samples.items() if key.startswith(beginning))

    def pair(parse: Any, ours: Any, theirs: Any) -> None:
        assert set(parse(ours)) == set(parse(theirs))

    asked = {"currency_pair": "BTC_USDT"}
    ours = gate.public_spot_get_tickers({**asked, "timezone": "all"})[0]
    theirs = sample("GET /spot/tickers")
    pair(gate.parse_ticker, ours, theirs)
    assert {k for k in theirs if not k.startswith("etf_")} <= set(ours)
    ours = gate.public_spot_get_candlesticks({**asked, "limit": 2})[0]
    theirs = sample("GET /spot/candlesticks")
    assert len(ours) == len(theirs)
    assert [type(x) for x in gate.parse_ohlcv(ours)] == [type(x) for x in gate.parse_ohlcv(theirs)]
    ours = gate.public_spot_get_order_book({**asked, "with_id": "true"})
    theirs = sample("GET /spot/order_book")
    assert set(ours) == set(theirs)
    pair(lambda x: gate.parse_order_book(x, "BTC/USDT"), ours, theirs)
    ours = gate.public_spot_get_currency_pairs()[0]
    theirs = sample("GET /spot/currency_pairs")
    assert {k for k in theirs if not k.startswith("max_")} <= set(ours)
    pair(gate.parse_currency, gate.public_spot_get_currencies()[0], sample("GET /spot/currencies"))
    assert set(gate.public_spot_get_time()) == set(sample("GET /spot/time"))
    ours = gate.public_spot_get_trades(asked)[0]
    theirs = sample("GET /spot/my_trades[0] (ccxt")
    pair(lambda x: gate.parse_trade(x, market), ours, theirs)


def test_a_connection_is_kept_and_answers_are_measured(url: str) -> None:
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=5)
    connection.request("GET", "/api/v4/spot/time")
    kept = connection.sock
    for _ in range(3):
        answer = connection.getresponse()
        assert answer.version == 11
        assert len(answer.read()) == int(answer.headers["Content-Length"])
        assert answer.headers["X-Gate-Trace-Id"]
        connection.request("GET", "/api/v4/spot/time")
        assert connection.sock is kept
    connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /_market/advance HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /_market/advance HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"411"),
        (b"POST /_market/advance HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"BREW /api/v4/spot/time HTTP/1.1\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_what_is_not_proper_http_gets_a_json_refusal_and_a_closed_connection(
    url: str, sent: bytes, status: bytes
) -> None:
    at = urlsplit(url)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=5) as raw:
        raw.sendall(sent)
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["label"] == "BAD_REQUEST"


def test_the_server_stops_while_a_client_still_holds_its_connection() -> None:
    with running_exchange(synthetic_market(["BTC_USDT"], 1), MarketClock(NOW_MS, 0)) as served:
        at = urlsplit(served)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=5)
        connection.request("GET", "/api/v4/spot/time")
        connection.getresponse().read()
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


COMMAND = [sys.executable, "-m", "crypto_ai_bot.cli.exchange", "--port", "0"]


def held(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--speed", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_when_it_is_ready_and_stops_cleanly(number: signal.Signals) -> None:
    with held("--pairs", "BTC_USDT,DOT_USDT", "--from", "2024-01-01T00:00:00Z") as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:2] == ["exchange", "ready"]
        assert words[3:] == ["pairs=BTC_USDT,DOT_USDT", "time=2024-01-01T00:00:00.000Z", "speed=0"]
        exchange = client(words[2])
        assert exchange.fetch_time() == 1_704_067_200_000
        exchange.session.close()
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.communicate() == ("", "")


@pytest.mark.skipif(not RECORDED.exists(), reason="../shared is not here")
def test_the_command_replays_a_real_candle_file() -> None:
    with held("--data", str(RECORDED), "--from", "2023-03-09T00:02:00Z") as process:
        assert process.stdout is not None
        exchange = client(process.stdout.readline().split()[2])
        candles = exchange.fetch_ohlcv("BTC/USDT", "1m", None, 3)
        assert candles[:2] == [
            [1678320000000, "21701.97", "21715", "21694.47", "21715", "1.50289"],
            [1678320060000, "21717.49", "21725.71", "21678", "21679.54", "13.05261"],
        ]
        assert exchange.fetch_ticker("BTC/USDT")["last"] == candles[2][4] == "21681.89"
        exchange.session.close()
        process.terminate()
        assert process.wait(timeout=10) == 0
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pairs", "BTCUSDT"], "no pair: 'BTCUSDT'"),
        (["--pairs", "btc_usdt"], "no pair"),
        (["--pairs", ""], "no pair"),
        (["--from", "yesterday"], "no time: 'yesterday'"),
        (["--from", "2024-01-01T00:00:00"], "no time"),
        (["--from", "2019-01-01T00:00:00Z"], "outside the data"),
        (["--speed", "-1"], "no speed"),
        (["--speed", "nan"], "no speed"),
        (["--port", "70000"], "no port"),
        (["--data", "nowhere/BTC_USDT.csv"], "cannot be read"),
        (["--data", "x.csv", "--pairs", "BTC_USDT"], "not allowed with"),
    ],
)
def test_what_cannot_be_served_gets_one_line_and_code_2(arguments: list[str], told: str) -> None:
    ended = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("cab-exchange: ")
    assert ended.stderr.count("\n") == 1
    assert told in ended.stderr


def test_a_time_outside_the_files_and_a_pair_given_twice_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{60_000 * n},5,6,4,5,1\n" for n in range(1, 10))
    for name in ("BTC_USDT-a.csv", "BTC_USDT-b.csv"):
        (tmp_path / name).write_text("timestamp,open,high,low,close,volume\n" + rows)
    one, other = (str(tmp_path / f"BTC_USDT-{x}.csv") for x in "ab")
    for arguments, told in (
        (["--data", one, "--from", "1970-01-01T00:10:00Z"], "allowed is from 1970-01-01T00:01:00"),
        (["--data", one, "--data", other], "BTC_USDT twice"),
        (["--data", one, "--data", f"ETH_USDT={other}x"], "cannot be read"),
    ):
        ended = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30
        )
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert told in ended.stderr


def test_a_port_that_is_taken_is_told_in_one_line(url: str) -> None:
    ended = subprocess.run(
        [*COMMAND[:-1], str(urlsplit(url).port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "cannot listen on 127.0.0.1" in ended.stderr
