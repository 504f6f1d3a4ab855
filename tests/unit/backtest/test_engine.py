"""The engine: against a plain loop, and each rule of filling and stopping on a few bars."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from benchmarks import backtest_work as work
from builders import market as rules_of
from crypto_ai_bot.backtest import account
from crypto_ai_bot.backtest.engine import run
from crypto_ai_bot.backtest.market import MOMENT_MS, Market, Terms
from crypto_ai_bot.backtest.opinions import Opinions
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol, TradeStatus
from crypto_ai_bot.domain.order import Purpose, Side
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.risk.rules import ENTRY_RULES
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.registry import load

FREE = {
    name: Decimal(0)
    for name in ("amount_step_base", "price_step_quote", "amount_base_min", "amount_quote_min")
}
BEGIN_MS = 1_640_995_200_000  # 2022-01-01
PLAIN = Terms(start_quote=Decimal(1_000), amount_quote=Decimal(100), stops=StopRules(hard_pct=0))


@dataclass(frozen=True)
class Script:
    """Enters and leaves on the bars it is told to."""

    enters: tuple[int, ...] = ()
    leaves: tuple[int, ...] = ()
    warm_up_bars: int = 1
    atr: float = 0.0

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for bar, _ in enumerate(candles.closes()):
            if bar in self.enters:
                yield Signal(Action.ENTER, 1.0, ("in",), self.atr)
            if bar in self.leaves:
                yield Signal(Action.EXIT, -1.0, ("out",))


def market_of(
    bars: Sequence[tuple[float, float, float, float]],
    base: str = "BTC",
    times: Sequence[int] = (),
    **changes: Any,
) -> Market:
    """Minutes of open, high, low and close; free of steps and fees unless changed."""
    symbol = Symbol(base, "USDT")
    rules = rules_of(symbol, **{**FREE, "taker_fee_rate": Decimal(0), **changes})
    opens, highs, lows, closes = (list(column) for column in zip(*bars, strict=True))
    opened_ms = [BEGIN_MS + MINUTE_MS * number for number in times or range(len(bars))]
    return Market(
        symbol, MINUTE_MS, rules, opened_ms, opens, highs, lows, closes, [1.0] * len(bars)
    )


def flat(price: float, bars: int) -> list[tuple[float, float, float, float]]:
    return [(price, price, price, price)] * bars


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trades_and_money_are_those_of_a_plain_loop(seed: int) -> None:
    candles = work.columns(20_000, seed)
    trades, equity = work.float_loop(candles)
    result = run([work.market(candles)], load("ema_cross", {"atr": 0}), work.terms())
    assert len(result.trades) == trades > 100
    assert result.final_equity == pytest.approx(equity, rel=1e-9)
    assert any(trade.exit_purpose is Purpose.STOP for trade in result.trades)


def test_a_signal_is_filled_at_the_next_bars_open() -> None:
    bars = [(10.0, 12.0, 9.0, 11.0), (20.0, 22.0, 19.0, 21.0), (30.0, 32.0, 29.0, 31.0)]
    bought, sold = run([market_of(bars)], Script((0,), (1,)), PLAIN).fills
    assert (bought.at_ms, bought.side, bought.price) == (BEGIN_MS + MINUTE_MS, Side.BUY, 20.0)
    assert (sold.at_ms, sold.purpose, sold.price) == (BEGIN_MS + 2 * MINUTE_MS, Purpose.EXIT, 30.0)
    assert (bought.reasons, sold.reasons) == (("in",), ("out",))


def test_a_signal_on_the_last_bar_is_not_filled() -> None:
    assert not run([market_of(flat(10, 3))], Script((2,)), PLAIN).fills


def test_a_signal_before_a_gap_is_not_heard() -> None:
    place = market_of(flat(10, 4), times=(0, 1, 5, 6))
    assert not run([place], Script((1,)), PLAIN).fills
    assert run([place], Script((2,)), PLAIN).fills


def test_the_warm_up_is_kept_silent_as_in_live() -> None:
    script = Script((1, 3), warm_up_bars=4)
    place = market_of(flat(10, 6))
    assert [fill.at_ms for fill in run([place], script, PLAIN).fills] == [BEGIN_MS + 4 * MINUTE_MS]
    early = run([place], script, replace(PLAIN, warm_up_bars=0))
    assert [fill.at_ms for fill in early.fills] == [BEGIN_MS + 2 * MINUTE_MS]


def test_the_stop_is_looked_at_at_the_low_before_the_high_raises_it() -> None:
    rules = StopRules(hard_pct=0, trailing_pct=10)
    bars = [*flat(100, 2), (100.0, 200.0, 95.0, 150.0), (150.0, 150.0, 150.0, 150.0)]
    _, sold = run([market_of(bars)], Script((0,)), replace(PLAIN, stops=rules)).fills
    # The low of 95 came first and did not reach 90; the high of 200 raised the stop to 180.
    assert (sold.at_ms, sold.price) == (BEGIN_MS + 3 * MINUTE_MS, 150.0)


def test_a_stop_inside_the_bar_is_filled_at_the_stop_and_a_gap_at_the_open() -> None:
    terms = replace(PLAIN, stops=StopRules(hard_pct=5))
    inside = market_of([*flat(100, 2), (99.0, 99.0, 90.0, 91.0)])
    _, sold = run([inside], Script((0,)), terms).fills
    assert (sold.price, sold.at_ms, sold.purpose) == (
        95.0,
        BEGIN_MS + 2 * MINUTE_MS + MOMENT_MS,
        Purpose.STOP,
    )
    assert sold.reasons == ("price 95 reached the stop at 95",)
    gap = market_of([*flat(100, 2), (80.0, 85.0, 79.0, 81.0)])
    _, sold = run([gap], Script((0,)), terms).fills
    assert (sold.price, sold.at_ms) == (80.0, BEGIN_MS + 2 * MINUTE_MS)


def test_the_entry_bar_has_its_stop_too() -> None:
    terms = replace(PLAIN, stops=StopRules(hard_pct=5))
    place = market_of([*flat(100, 1), (100.0, 100.0, 90.0, 99.0), *flat(99, 2)])
    trade, *_ = run([place], Script((0,)), terms).trades
    assert trade.entered_ms == BEGIN_MS + MINUTE_MS
    assert trade.exited_ms == BEGIN_MS + MINUTE_MS + MOMENT_MS


def test_the_strategys_exit_goes_before_a_stop_at_the_same_open() -> None:
    terms = replace(PLAIN, stops=StopRules(hard_pct=5))
    place = market_of([*flat(100, 2), (80.0, 80.0, 80.0, 80.0)])
    _, sold = run([place], Script((0,), (1,)), terms).fills
    assert (sold.purpose, sold.price) == (Purpose.EXIT, 80.0)


def test_a_time_stop_sells_at_the_first_open_after_its_time() -> None:
    terms = replace(PLAIN, stops=StopRules(hard_pct=0, time_ms=2 * MINUTE_MS))
    _, sold = run([market_of(flat(100, 6))], Script((0,)), terms).fills
    assert (sold.at_ms, sold.reasons) == (
        BEGIN_MS + 3 * MINUTE_MS,
        ("open for 120 s, the time stop",),
    )


def test_take_profit_steps_sell_their_parts_and_the_rest_goes_on() -> None:
    steps = (TakeProfitStep(10, Decimal("0.5")), TakeProfitStep(20, Decimal("0.25")))
    terms = replace(PLAIN, stops=StopRules(hard_pct=5, take_profit=steps))
    bars = [*flat(100, 2), (100.0, 125.0, 100.0, 120.0), (120.0, 120.0, 90.0, 90.0)]
    result = run([market_of(bars)], Script((0,)), terms)
    _, first, second, last = result.fills
    assert [first.price, second.price, last.price] == pytest.approx([110.0, 120.0, 95.0])
    assert [first.base, second.base, last.base] == pytest.approx([0.5, 0.25, 0.25])
    assert [fill.purpose for fill in (first, last)] == [Purpose.TAKE_PROFIT, Purpose.STOP]
    (trade,) = result.trades
    assert trade.profit_quote == pytest.approx(5 + 5 - 1.25)


def test_fee_spread_and_slippage_are_paid_on_both_sides() -> None:
    terms = replace(PLAIN, spread_pct=Decimal(2), slippage_pct=Decimal(1))
    place = market_of(flat(100, 4), taker_fee_rate=Decimal("0.1"))
    bought, sold = run([place], Script((0,), (1,)), terms).fills
    assert bought.price == pytest.approx(101 * 1.01)
    assert bought.base == pytest.approx(100 / (101 * 1.01) * 0.9)
    assert sold.price == pytest.approx(99 * 0.99)
    assert sold.quote == pytest.approx(bought.base * 99 * 0.99 * 0.9)


def test_several_symbols_share_one_account_in_the_order_of_time() -> None:
    terms = replace(PLAIN, start_quote=Decimal(150))
    bars = flat(100, 8)
    markets = [market_of(bars, "BTC"), market_of(bars, "ETH"), market_of(bars, "SOL")]
    heard = {
        Symbol(base, "USDT"): Opinions(*([(bar, Signal(action))] for bar, action in said))
        for base, said in {
            "BTC": ((2, Action.ENTER), (4, Action.EXIT)),
            "ETH": ((1, Action.ENTER), (3, Action.EXIT)),
            "SOL": ((5, Action.ENTER), (6, Action.EXIT)),
        }.items()
    }
    result = run(markets, Script(), terms, heard)
    assert [(fill.symbol.base, fill.side) for fill in result.fills] == [
        ("ETH", Side.BUY),
        ("ETH", Side.SELL),
        ("SOL", Side.BUY),
        ("SOL", Side.SELL),
    ]
    (refused,) = result.refused  # what ETH had spent was missing
    assert refused.symbol.base == "BTC"
    assert refused.objections == ("balance: 50 quote free, 100 needed",)


def test_every_entry_rule_of_the_gate_is_asked_or_known_to_be_silent() -> None:
    assert {*account.CAN_OBJECT, *account.CANNOT_OBJECT} == {*ENTRY_RULES}
    assert not account.CANNOT_OBJECT & {*account.CAN_OBJECT}


@pytest.mark.parametrize(
    ("limits", "objection"),
    [
        (RiskLimits(cooldown_ms=3 * MINUTE_MS), "cooldown: 120 s of 180 s passed"),
        (RiskLimits(orders_per_hour_max=2), "orders_per_hour: 2 made, 2 allowed"),
        (RiskLimits(daily_loss_quote_max=Decimal(40)), "daily_loss: 50 quote, 40 allowed"),
    ],
)
def test_limits_object_as_in_live(limits: RiskLimits, objection: str) -> None:
    bars = [*flat(100, 2), *flat(50, 6)]
    result = run([market_of(bars)], Script((0, 2), (1,)), replace(PLAIN, limits=limits))
    assert [one.objections for one in result.refused] == [(objection,)]
    assert len(result.fills) == 2
    assert len(run([market_of(bars)], Script((0, 2), (1,)), PLAIN).fills) == 3


def test_an_exchanges_steps_cut_amounts_and_leave_dust() -> None:
    place = market_of(flat(333, 6), amount_step_base=Decimal("0.01"), price_step_quote=Decimal(1))
    bought, sold, *_ = run([place], Script((0,), (1,)), PLAIN).fills
    assert (bought.base, bought.quote) == (Decimal("0.30"), Decimal("99.90"))
    assert isinstance(sold.quote, Decimal)
    assert sold.closes


def test_a_position_open_at_the_end_is_valued_at_the_last_close() -> None:
    result = run([market_of([*flat(100, 2), (100.0, 150.0, 100.0, 150.0)])], Script((0,)), PLAIN)
    (trade,) = result.trades
    assert trade.exited_ms is None
    assert trade.profit_quote == pytest.approx(50)
    assert result.final_equity == pytest.approx(1_050)
    assert list(result.equity.quote) == pytest.approx([1_000, 1_000, 1_050])


def test_equity_at_each_close_is_what_was_free_and_held_then() -> None:
    chance = random.Random(4)  # noqa: S311 - a test market, to be the same each time
    closes = [100 + chance.randrange(-9, 9) for _ in range(300)]
    bars = [(float(c), float(c), float(c), float(c)) for c in closes]
    script = Script(tuple(range(0, 300, 7)), tuple(range(3, 300, 7)))
    result = run([market_of(bars)], script, PLAIN)
    free, held, fills = 1_000.0, 0.0, list(result.fills)
    for number, close in enumerate(closes):
        while fills and fills[0].at_ms < BEGIN_MS + (number + 1) * MINUTE_MS:
            fill, sign = fills[0], 1 if fills[0].side is Side.BUY else -1
            free, held, fills = free - sign * fill.quote, held + sign * fill.base, fills[1:]
        assert result.equity.quote[number] == pytest.approx(free + held * close)


@pytest.mark.parametrize(
    ("markets", "line"),
    [
        ([], "a backtest needs candles of at least one symbol"),
        ([market_of(flat(1, 2))] * 2, "BTC/USDT: given twice"),
        (
            [market_of(flat(1, 2)), market_of(flat(1, 2), "ETH", amount_step_base=Decimal(1))],
            "ETH/USDT: all markets must have an amount step, or none of them",
        ),
        (
            [market_of(flat(1, 2), trade_status=TradeStatus.UNTRADABLE)],
            "BTC/USDT: the market must be open",
        ),
    ],
)
def test_markets_that_do_not_go_together_are_refused(markets: list[Market], line: str) -> None:
    with pytest.raises(BadSetting, match=f"^{line}"):
        run(markets, Script(), PLAIN)
