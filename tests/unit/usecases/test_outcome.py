import json

from books import Books
from builders import BTC, ETH, dec, quote
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.usecases.evaluate import evaluate
from fakes import Fault


def test_a_run_tells_what_it_saw_decided_and_did_as_plain_json() -> None:
    books = Books(symbols=(BTC, ETH))
    books.broker.quotes[ETH] = quote("1500", "1501")
    books.script.says = Action.ENTER
    outcome = evaluate(books.desk, books.tick(Job.EVALUATE, BTC))
    told = json.loads(json.dumps(outcome.as_json()))
    assert told["ok"] is True
    assert told["job"] == "evaluate"
    assert told["trading_state"] == "on"
    assert told["account"]["free_quote"] is not None
    (btc,) = told["symbols"]
    assert btc["decision"] == "enter"
    assert btc["risk"]["ok"] is True
    assert btc["signal"] == {
        "action": "enter",
        "score": 1.0,
        "reasons": ["the script says enter"],
    }
    assert btc["quote"] == {"bid": "20000", "ask": "20001"}
    assert btc["order"]["side"] == "buy"
    assert btc["order"]["state"] == "closed"
    assert btc["order"]["resolution"] == "filled"
    assert btc["order"]["filled_base"] == "0.004999"
    assert btc["order"]["average_price"] == "20001"
    assert dec(btc["position"]["value_quote"]) == books.ledger.position.base * 20_000
    assert btc["position"]["stop_price"] == "19000.95"


def test_what_was_not_seen_or_done_is_null() -> None:
    books = Books(symbols=(ETH,))
    (eth,) = evaluate(books.desk, books.tick(Job.EVALUATE)).as_json()["symbols"]
    assert eth["decision"] == "error"
    assert eth["reasons"] == ["the exchange quotes no price"]
    assert {eth[name] for name in ("signal", "risk", "quote", "order", "position")} == {None}


def test_the_outcome_tells_how_an_order_without_an_answer_was_resolved() -> None:
    books = Books()
    books.broker.faults = [Fault.LOST_BEFORE]
    told = books.enter().as_json()["order"]
    assert (told["state"], told["resolution"]) == ("unknown", "no answer")
    for _ in range(4):
        books.clock.at_ms += 20_000
        told = books.evaluate().as_json()["order"] or told
    assert told["state"] == "not_placed"
    assert told["resolution"].startswith("3 complete searches over 40 s found none")
