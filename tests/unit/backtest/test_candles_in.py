"""Candles from files and downloads: what is odd is told, what is broken is refused in one line."""

import gzip
from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest

from crypto_ai_bot.backtest.candle_file import RuleTerms, part_of, read_market
from crypto_ai_bot.backtest.download import cache_path, download
from crypto_ai_bot.domain.errors import BadSetting, ExchangeUnavailable
from crypto_ai_bot.domain.market import HOUR_MS, Candle, Symbol
from crypto_ai_bot.domain.money import ZERO

HEADER = "timestamp,open,high,low,close,volume"
RULES = RuleTerms(Decimal("0.002"))
BEGIN_MS = 1_640_995_200_000


def line_of(hour: int, close: str = "10.25") -> str:
    return f"{BEGIN_MS + hour * HOUR_MS},10,11,9,{close},1.5"


def file_of(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "BTC_USDT-1h.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_file_is_columns_and_rules_with_the_decimals_of_its_prices(tmp_path: Path) -> None:
    path = file_of(tmp_path, *(line_of(hour) for hour in range(3)))
    market = read_market(path, RULES)
    assert (market.symbol, market.timeframe_ms, market.bars) == (Symbol("BTC", "USDT"), HOUR_MS, 3)
    assert (market.opens[0], market.highs[0], market.lows[0], market.closes[0]) == (
        10,
        11,
        9,
        10.25,
    )
    assert market.rules.price_step_quote == Decimal("0.01")
    assert not market.findings
    zipped = tmp_path / "ETH_USDT-1h.csv.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert read_market(zipped, RULES).closes == market.closes
    free = read_market(path, RuleTerms(ZERO, ZERO, ZERO), Symbol("SOL", "USDC"))
    assert (free.symbol.base, free.rules.price_step_quote) == ("SOL", ZERO)


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    pyarrow = import_module("pyarrow")
    parquet = import_module("pyarrow.parquet")
    market = read_market(file_of(tmp_path, *(line_of(hour) for hour in range(3))), RULES)
    columns = [market.opened_ms, market.opens, market.highs, market.lows, market.closes]
    names = HEADER.split(",")
    table = pyarrow.table(dict(zip(names, [*columns, market.volumes], strict=True)))
    path = tmp_path / "BTC_USDT-1h.parquet"
    parquet.write_table(table, path)
    assert read_market(path, RULES) == market
    path.write_bytes(b"PAR1 cut off")
    with pytest.raises(BadSetting, match="cannot be read"):
        read_market(path, RULES)


def test_gaps_duplicates_and_disorder_are_put_right_and_told(tmp_path: Path) -> None:
    hours = (0, 1, 2, 2, 6, 5, 7)
    lines = [line_of(hour, f"10.{number}") for number, hour in enumerate(hours)]
    market = read_market(file_of(tmp_path, *lines), RULES)
    assert [(at_ms - BEGIN_MS) // HOUR_MS for at_ms in market.opened_ms] == [0, 1, 2, 5, 6, 7]
    assert market.closes[2] == 10.3  # the later line of the two
    told = {finding.kind: (finding.bars, finding.at_ms) for finding in market.findings}
    assert told == {
        "disorder": (1, BEGIN_MS + 5 * HOUR_MS),
        "duplicate": (1, BEGIN_MS + 2 * HOUR_MS),
        "gap": (2, BEGIN_MS + 3 * HOUR_MS),
    }


def test_a_part_has_its_own_bars_and_findings(tmp_path: Path) -> None:
    market = read_market(file_of(tmp_path, *(line_of(hour) for hour in (0, 1, 4, 5))), RULES)
    part = part_of(market, BEGIN_MS + 4 * HOUR_MS, BEGIN_MS + 5 * HOUR_MS)
    assert (part.opened_ms, part.closes) == ([BEGIN_MS + 4 * HOUR_MS], [10.25])
    assert (len(market.findings), part.findings) == (1, ())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,2,3", "line 3: '1,2,3'"),
        (f"{BEGIN_MS},10,9,11,10,1", "line 3: .*allowed: whole ms"),
        (f"{BEGIN_MS},nan,nan,nan,nan,1", "line 3"),
        (f"{BEGIN_MS},0,0,0,0,1", "line 3"),
        (f"{BEGIN_MS},10,inf,9,10,1", "line 3"),
        (f"{BEGIN_MS}.5,10,11,9,10,1", "line 3"),
        (f"{BEGIN_MS}000,10,11,9,10,1", "line 3"),
        (f"{BEGIN_MS},10,11,9,10,-1", "line 3"),
    ],
)
def test_what_is_no_candle_is_refused_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(BadSetting, match=told):
        read_market(file_of(tmp_path, line_of(0), line), RULES)


def test_a_file_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read: No such file"):
        read_market(tmp_path / "BTC_USDT-none.csv", RULES)
    with pytest.raises(BadSetting, match="the header must be timestamp,"):
        read_market(file_of(tmp_path, line_of(0), header="time,price"), RULES)
    with pytest.raises(BadSetting, match="1 candles; at least 2"):
        read_market(file_of(tmp_path, line_of(0)), RULES)
    with pytest.raises(BadSetting, match="no pair in the file's name"):
        read_market(tmp_path / "candles.csv", RULES)
    broken = tmp_path / "BTC_USDT.csv.gz"
    broken.write_bytes(gzip.compress(f"{HEADER}\n{line_of(0)}\n".encode())[:-8])
    with pytest.raises(BadSetting, match="cannot be read"):
        read_market(broken, RULES)


class Exchange:
    """Gives pages of hours up to a last one, and fails when it is told to."""

    def __init__(self, hours: int, page: int = 4) -> None:
        self.asked: list[int] = []
        self.hours, self.page, self.fails_at = hours, page, -1

    def __call__(self, since_ms: int) -> Sequence[Candle]:
        self.asked.append(first := (since_ms - BEGIN_MS) // HOUR_MS)
        if len(self.asked) == self.fails_at:
            raise ExchangeUnavailable("the line is cut")
        hours = range(first, min(first + self.page, self.hours))
        return [Candle(BEGIN_MS + h * HOUR_MS, 10.0, 30.0, 9.0, 10.0 + h, 1.0) for h in hours]


def fetched(path: Path, exchange: Exchange, hours: int) -> int:
    until_ms = BEGIN_MS + hours * HOUR_MS
    return download(path, "1h", BEGIN_MS, until_ms, exchange, lambda _: None)


def test_a_download_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    path = cache_path(tmp_path, "gateio", Symbol("BTC", "USDT"), "1h", BEGIN_MS)
    exchange = Exchange(hours=10)
    exchange.fails_at = 2
    with pytest.raises(ExchangeUnavailable):
        fetched(path, exchange, 10)
    with path.open("a") as file:
        file.write("16409")  # a line that was cut off
    assert fetched(path, exchange, 10) == 6
    assert exchange.asked == [0, 4, 4, 8]
    assert fetched(path, exchange, 10) == 0
    assert read_market(path, RULES).closes == [10.0 + hour for hour in range(10)]


def test_a_download_ends_where_the_exchange_has_no_more(tmp_path: Path) -> None:
    path = cache_path(tmp_path, "gateio", Symbol("BTC", "USDT"), "1h", BEGIN_MS)
    assert fetched(path, Exchange(hours=6), 9) == 6


@pytest.mark.parametrize("text", ["not ours\n", f"{HEADER}\nbroken,1\n"])
def test_a_file_in_the_cache_that_is_not_ours_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "BTC_USDT.csv"
    path.write_text(text)
    with pytest.raises(BadSetting, match="take it away to download anew"):
        fetched(path, Exchange(9), 9)
    assert path.read_text() == text
