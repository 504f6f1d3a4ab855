"""What a frozen run may still do. Mutants showed the need."""

from books import Books


def test_a_sell_frozen_between_journal_and_submission_sells_nothing_late(books: Books) -> None:
    books.enter()
    held = books.broker.balances["BTC"]
    books.next_minute()
    books.price("15000")

    def freeze(call: str) -> None:
        if call == "submit":
            books.clock.at_ms += 4_000

    books.broker.on_call = freeze
    books.exits()
    assert books.broker.balances["BTC"] == held
