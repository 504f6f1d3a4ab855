"""The exchange of a simulated day: what reaches it, what it shows, and whose trades it made."""

from typing import TYPE_CHECKING

from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.orders import PriceOrder, Refused, SpotOrder, Trade
from simulation import invariants_of_effects as effects
from simulation.client import Submission
from simulation.deployment import Deployment
from simulation.scheduler import Invocation

if TYPE_CHECKING:
    from simulation.grounds import Grounds
    from simulation.world import World


class ExchangeSide:
    """What an invocation's client asks of the world (client.Surroundings).

    `late` are submissions under way, `stops` whose each price order is. `doubled` says that an
    intermediary has carried out a request twice, `halves` that orders are shown as they fill.
    """

    def __init__(self, world: "World", grounds: "Grounds") -> None:
        self._world, self._grounds = world, grounds
        self.gate = grounds.gate
        self.late: list[tuple[int, Submission]] = []
        self.stops: dict[int, Deployment] = {}
        self.doubled = False
        self.halves = False
        self._trades = 0

    def sent(self, _run: Invocation, submission: Submission) -> None:
        effects.at_submission(self.owner_of(submission.tag), submission)

    def arrive(self, submission: Submission) -> SpotOrder | PriceOrder | Refused:
        """The request is at the exchange: what is due happens first, then it is carried out."""
        self.tell_time()
        terms = self._grounds
        expires_ms = submission.expires_ms if terms.expiry_honoured else 0
        made = self.gate.arrive(submission.body, submission.signed_ms, expires_ms)
        self.doubled |= isinstance(made, SpotOrder) and len(self.gate.named(made.wish.text)) > 1
        self.take_in_trades()
        owner = self.owner_of(submission.tag)
        if isinstance(made, SpotOrder):
            self._made(owner, made)
        elif isinstance(made, PriceOrder):
            self.stops[made.id] = owner
            effects.at_stop(owner, made)
        if self._world.traced:
            told = made.label if isinstance(made, Refused) else f"made as {made.id}"
            self._world.note(f"    {submission.tag} {submission.name or 'a stop'} arrives: {told}")
        return made

    def _made(self, owner: Deployment, made: SpotOrder) -> None:
        name = made.wish.text
        if self.halves:
            self.gate.half_seen[made.id] = self.gate.now_ms + self._world.rng.choice(
                (5_000, 40_000)
            )
        if len(self.gate.named(name)) > 1:
            owner.denied.add(name)
            for deployment in self._world.deployments:
                deployment.excused[owner.orders[name].request.symbol] = "doubled"
        effects.at_trade(owner, made)

    def refuse_falsely(self, made: SpotOrder | PriceOrder) -> bool:
        """Whether an order that was made may be told as refused; then the books may deny it.

        A sell does not wait for the search that would tell, and may be believed for a while. Where
        listings lag, what is gone from the balance alone holds the next one back: coins that
        somebody else brings would be sold for it, so where that may be it is left out.
        """
        if isinstance(made, PriceOrder):
            return False  # Gate's own refusal of a repeated stop is no proof, and known as such
        owner = self.owner_of(made.wish.text.split("-")[1])
        if made.wish.side is Side.SELL:
            lags = self.gate.engine.conditions.order_list_lag_ms
            others = self._grounds.second or self._world.day_weather.has("hand")
            if made.filled_base and lags and others:
                return False
            owner.denied.add(made.wish.text)
        return True

    def leave_under_way(self, submission: Submission) -> None:
        span_ms = self._world.rng.choice(((0, 500), (0, 2_500), (0, 45_000), (40_000, 59_000)))
        self.late.append((self._world.now_ms + self._world.rng.randint(*span_ms), submission))

    def any_of[T](self, choices: tuple[T, ...]) -> T:
        return self._world.rng.choice(choices)

    def stamped(self, signed_ms: int) -> bool:
        return abs(self._world.now_ms + self._grounds.exchange_off_ms - signed_ms) <= 60_000

    def priced(self, run: Invocation) -> None:
        run.priced_ms = self._world.now_ms

    def owner_of(self, tag: str) -> Deployment:
        return next(one for one in self._world.deployments if one.tag == tag)

    def tell_time(self) -> None:
        """The exchange's clock goes with ours, as far off as it is; what was due there happens."""
        gate = self.gate
        gate.now_ms = self._world.now_ms + self._grounds.exchange_off_ms
        if gate.account.open_price_orders or gate.account.open:
            gate.engine.advance(gate.now_ms)
            self.take_in_trades()

    def take_in_trades(self) -> None:
        """What each deployment's orders have moved, from the exchange's own list of trades."""
        fresh = self.gate.account.trades[self._trades :]
        self._trades += len(fresh)
        for trade in fresh:
            owner = self._owner_of_trade(trade)
            if owner is None:
                continue
            symbol = self._grounds.symbols_by_pair[trade.pair_id]
            sign = 1 if trade.side is Side.BUY else -1
            in_base = trade.fee_currency == symbol.base
            owner.net_base[symbol] += sign * trade.amount_base - (trade.fee if in_base else 0)
            owner.net_quote -= sign * trade.amount_base * trade.price
            owner.net_quote -= 0 if in_base else trade.fee
            sold = f"{owner.tag} has sold more {symbol} than it bought: {owner.net_base[symbol]}"
            assert owner.net_base[symbol] >= 0 or self.doubled, f"I6 {sold}"
            if trade.text == "apiv4":
                effects.at_fired(owner, symbol)
                self._world.note(f"    a stop of {owner.tag} sold {trade.amount_base} {symbol}")

    def _owner_of_trade(self, trade: Trade) -> Deployment | None:
        """By the name of its order, or by the stop that made it; None for the operator's own."""
        if trade.text.startswith("t-"):
            return self.owner_of(trade.text.split("-")[1])
        stop = self.gate.fired_by(trade.order_id)
        if stop is None:  # not linked yet: the order of the stop that is being put right now
            waiting = self.gate.account.open_price_orders.values()
            fired = [one for one in waiting if one.due_ms is not None]
            stop = fired[0] if fired else None
        return self.stops.get(stop.id) if stop else None

    def arrivals(self) -> None:
        """Submissions that were under way reach the exchange, those that are due."""
        for arrival in [one for one in self.late if one[0] <= self._world.now_ms]:
            self.late.remove(arrival)
            self.arrive(arrival[1])
