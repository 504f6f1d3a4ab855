"""One line a run: its outcome, its metrics, and no secret whoever wrote it."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Order, OrderRequest, OrderState, Purpose, Side
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.runtime.observability import (
    METRICS,
    Redactor,
    log_failure,
    log_outcome,
    make_logger,
    metrics_of,
)
from crypto_ai_bot.runtime.secrets import Secret
from crypto_ai_bot.usecases.outcome import Decision, RunOutcome, SymbolOutcome

BTC = Symbol("BTC", "USDT")
NOW_MS = 1_700_000_000_000
FINDINGS = dict.fromkeys(
    (
        "jobs_alive",
        "orders_unresolved",
        "symbols_halted",
        "daily_loss_reached",
        "dead_mans_switch",
        "key_age_days",
        "stops_missing",
    ),
    1,
)
HIDDEN = 'abc"def\\ghi-secret'
SERVICES = (f"crypto-ai-bot-test{number}" for number in count())  # Logger keeps one a name


class Log:
    """A logger of its own and what it wrote."""

    def __init__(self, level: str = "INFO") -> None:
        self.service = next(SERVICES)
        self.stream = io.StringIO()
        self.redactor = Redactor()
        self.logger = make_logger(self.service, level, self.redactor, self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.text.splitlines()
        read: dict[str, Any] = json.loads(line)
        return read


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    before = {handler: handler.formatter for handler in logging.getLogger().handlers}
    yield
    for handler, formatter in before.items():
        handler.setFormatter(formatter)


def outcome(*symbols: SymbolOutcome, job: Job = Job.EVALUATE) -> RunOutcome:
    account = {"equity_quote": Decimal("10001.5"), "realised_today_quote": Decimal(-3)}
    tick = Tick(job, NOW_MS, "correlation-1", "run-1")
    return RunOutcome(tick, "paper", TradingState.ON, symbols, 12, account)


def order(state: OrderState) -> Order:
    request = OrderRequest(BTC, Side.BUY, Purpose.ENTRY, NOW_MS, Decimal(50), Decimal(9), "why")
    return Order("t-paper-abc", request, 1, state, NOW_MS, NOW_MS, 1, "correlation-1")


def test_a_run_leaves_one_line_with_its_outcome_and_its_metrics() -> None:
    log = Log()
    run = outcome(SymbolOutcome(BTC, Decision.ENTER, ("EMA 12 crossed",)))
    log_outcome(log.logger, run, NOW_MS)
    line = log.line
    assert line["outcome"] == run.as_json()
    assert (line["level"], line["message"]) == ("INFO", "outcome")
    assert (line["service"], line["correlation_id"]) == (log.service, "correlation-1")
    assert line["EquityQuote"] == 10001.5
    assert line["_aws"]["Timestamp"] == NOW_MS


def test_every_metric_named_has_its_value_and_the_deployment_is_the_only_dimension() -> None:
    log = Log()
    log_outcome(log.logger, outcome(SymbolOutcome(BTC, Decision.HOLD, ("drift: 1",))), NOW_MS)
    line = log.line
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CryptoAiBot"
    assert directive["Dimensions"] == [["service"]]
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert names == ["Drift", "EquityQuote"]
    for name in names:
        assert isinstance(line[name], int | float)


def test_there_are_ten_metrics_at_most() -> None:
    assert len(METRICS) == len(set(METRICS)) == 10
    drifted = SymbolOutcome(BTC, Decision.ERROR, ("drift: 1 BTC missing",))
    everything = replace(outcome(drifted), findings=FINDINGS)
    assert metrics_of(everything).keys() == set(METRICS)


@pytest.mark.parametrize(
    ("symbol", "metric"),
    [
        (SymbolOutcome(BTC, Decision.HOLD, ("drift: 1 BTC more",)), "Drift"),
        (SymbolOutcome(BTC, Decision.ERROR), "RunErrors"),
    ],
)
def test_what_happened_is_counted_and_nothing_else(symbol: SymbolOutcome, metric: str) -> None:
    quiet = SymbolOutcome(Symbol("ETH", "USDT"), Decision.HOLD, ("books agree",))
    run = replace(outcome(symbol, quiet), account={"equity_quote": None})
    assert metrics_of(run) == {metric: 1}


def test_what_the_watchdog_counted_is_told_also_when_it_is_nothing() -> None:
    run = replace(outcome(), account={}, findings={"jobs_alive": 4, "symbols_halted": 0})
    assert metrics_of(run) == {"JobsAlive": 4, "SymbolsHalted": 0}


def test_the_line_of_a_run_leaves_whatever_the_log_level_is() -> None:
    log = Log("ERROR")
    log.logger.info("detail")
    log_outcome(log.logger, outcome(job=Job.WATCHDOG), NOW_MS)
    assert log.line["EquityQuote"] == 10001.5


def test_a_run_that_ended_in_an_error_leaves_one_line_too() -> None:
    log = Log()
    with pytest.raises(ExchangeUnavailable) as caught:
        raise ExchangeUnavailable("gate: no answer in 8000 ms")
    log_failure(log.logger, caught.value, job="exits", correlation_id="c-9", now_ms=NOW_MS)
    line = log.line
    assert line["message"] == "ExchangeUnavailable: gate: no answer in 8000 ms"
    assert (line["level"], line["job"], line["correlation_id"]) == ("ERROR", "exits", "c-9")
    assert line["RunErrors"] == 1
    assert "Traceback" in line["exception"]


def failing_with(text: str) -> RuntimeError:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("while signing") from ValueError(text)
    return caught.value


def test_a_secret_leaves_in_no_message_key_or_traceback() -> None:
    log = Log("DEBUG")
    log.redactor.hide([Secret(HIDDEN), Secret("plain-key-0123")])
    log.logger.info("asked with %s and plain-key-0123", HIDDEN)
    log.logger.info({"nested": [HIDDEN, {"deep": f"x{HIDDEN}x"}]})
    log.logger.warning("as a key", given=HIDDEN, error=ValueError(HIDDEN))
    log.logger.append_keys(header=HIDDEN)
    log.logger.debug("with %s", [HIDDEN])
    error = failing_with(HIDDEN)
    log.logger.error("failed", exc_info=error)
    log_failure(log.logger, error, job="api", correlation_id="c", now_ms=NOW_MS)
    log_outcome(log.logger, outcome(SymbolOutcome(BTC, Decision.ERROR, (HIDDEN,))), NOW_MS)
    assert len(log.text.splitlines()) == 7
    for line in log.text.splitlines():
        json.loads(line)
    assert "***" in log.text
    for piece in ("ghi-secret", "plain-key"):
        assert piece not in log.text


def test_lines_of_other_libraries_are_cleaned_as_well() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        log = Log()
        log.redactor.hide([Secret("plain-key-0123")])
        logging.getLogger("botocore").warning("signed with %s", "plain-key-0123")
    finally:
        root.removeHandler(handler)
    assert stream.getvalue() == "signed with ***\n"


def test_a_secret_that_is_part_of_another_does_not_uncover_its_rest() -> None:
    redactor = Redactor()
    redactor.hide([Secret("abcdefgh"), Secret("abcdefgh-and-more"), Secret("")])
    assert redactor.clean("abcdefgh-and-more, abcdefgh") == "***, ***"


def test_covering_twice_is_covering_once() -> None:
    handler = logging.StreamHandler(io.StringIO())
    library = logging.getLogger("library covered twice")
    library.addHandler(handler)
    redactor = Redactor()
    redactor.cover(library)
    first = handler.formatter
    redactor.cover(library)
    assert handler.formatter is first
