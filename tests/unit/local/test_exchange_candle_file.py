import gzip
from pathlib import Path

import pytest

from crypto_ai_bot.local.exchange.candle_file import CandleFileError, read_recording
from crypto_ai_bot.local.exchange.market import replay_market

HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = (
    HEADER
    + "60000,1.5,2.25,1,2,10.123456789\n120000,2,2,2,2,0\n300000,2,3,2,2.5,6503753.2999999998\n"
)


def written(folder: Path, text: str, name: str = "BTC_USDT-1m.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_is_read_exactly_with_its_gaps(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, GOOD))
    assert (recording.pair_id, recording.step_ms, recording.price_decimals) == (
        "BTC_USDT",
        60_000,
        2,
    )
    assert [b.open_ms for b in recording.bars] == [60_000, 120_000, 300_000]
    assert recording.bars[0][1:6] == (150, 225, 100, 200, 1_012_345_679)
    assert recording.bars[2].volume == 650_375_330_000_000


def test_a_gzipped_file_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT-1m-2023.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert read_recording(path) == read_recording(written(tmp_path, GOOD))


def test_the_pair_may_be_told_where_the_name_does_not_tell_it(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, "candles.csv")
    assert read_recording(path, "ETH_USDT").pair_id == "ETH_USDT"
    with pytest.raises(CandleFileError, match="no pair in the file's name"):
        read_recording(path)


def test_recorded_prices_keep_their_decimals_on_the_exchange(tmp_path: Path) -> None:
    market = replay_market([read_recording(written(tmp_path, GOOD))])
    listing = market.listings["BTC_USDT"]
    assert (listing.rules.price_decimals, listing.rules.amount_decimals) == (2, 6)
    assert str(listing.last(60_000)) == "1.50"
    assert (market.first_ms, market.end_ms) == (60_000, 360_000)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the header must be timestamp,open"),
        ("time,o,h,l,c,v\n", "line 1: the header"),
        (HEADER, "0 candles; at least 2"),
        (HEADER + "60000,1,1,1,1,1\n", "1 candles; at least 2"),
        (GOOD + "360000,1,1,1\n", "line 5: '360000,1,1,1'; allowed"),
        (GOOD + "360000,1,1,1,1,1,1\n", "line 5"),
        (GOOD + "\n", "line 5"),
        (GOOD + "36x,1,1,1,1,1\n", "line 5"),
        (GOOD + "360000,1,0.5,1,1,1\n", "line 5"),
        (GOOD + "360000,1,2,1.5,2,1\n", "line 5"),
        (GOOD + "360000,0,0,0,0,1\n", "line 5"),
        (GOOD + "360000,1,1,1,1,-1\n", "line 5"),
        (GOOD + "360000,NaN,NaN,NaN,NaN,1\n", "line 5"),
        (GOOD + "360000,1,1,1,1,sNaN\n", "line 5"),
        (GOOD + "360000,1,Infinity,1,1,1\n", "line 5"),
        (GOOD + "300000,1,1,1,1,1\n", "line 5: timestamp 300000; must be after 300000"),
        (GOOD + "390000,1,1,1,1,1\n360000,1,1,1,1,1\n", "line 6: timestamp 360000"),
        (GOOD + "365000,1,1,1,1,1\n", "must be a multiple of the file's step of 60000 ms"),
        (GOOD + "360000,1,1,1,1.0000000000001,1\n", "line 5"),
        (GOOD + "360000,1,2,1,1.0000000000001,1\n", "a price of 13 decimals"),
    ],
)
def test_a_bad_file_gets_one_line_that_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CandleFileError, match=r"\A[^\n]*\Z") as refused:
        read_recording(written(tmp_path, text))
    assert told in str(refused.value)


def test_a_missing_or_broken_file_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(CandleFileError, match="cannot be read: No such file"):
        read_recording(tmp_path / "BTC_USDT.csv")
    path = tmp_path / "BTC_USDT.csv.gz"
    for broken in (b"not gzip", gzip.compress(GOOD.encode())[:-9], gzip.compress(b"\xff\xfe")):
        path.write_bytes(broken)
        with pytest.raises(CandleFileError, match="cannot be read"):
            read_recording(path)
