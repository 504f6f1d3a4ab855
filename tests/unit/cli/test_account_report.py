from dataclasses import replace

from builders import NOON_MS, dec, fill
from crypto_ai_bot.cli.account_report import account_report
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.order import Side, Totals
from crypto_ai_bot.reconciliation.recount import Journal


def test_a_fee_in_base_that_is_told_after_its_purchase_has_the_purchases_price() -> None:
    bought = fill(Side.BUY, "0.01", "200", "t-paper-buy")
    told_later = Totals(fee_base=dec("0.0001"))
    late = replace(bought, fill_id="t-paper-buy:2", traded=told_later, ledger_version=2)
    journal = Journal(Account(), {}, {}, (replace(bought, ledger_version=1), late))
    (symbol,) = account_report(journal, 0, NOON_MS + 1).symbols
    assert symbol.fees_quote == dec(2)
    assert symbol.held.base == dec("0.0099")
