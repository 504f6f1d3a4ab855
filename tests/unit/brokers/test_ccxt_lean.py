"""The stand-in for ccxt, each time in a process of its own: what is imported is what is tested."""

import subprocess
import sys
import textwrap

import pytest

from crypto_ai_bot.brokers.ccxt_lean import exchange_class


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_only_the_exchange_in_use_is_imported() -> None:
    found = run("""
        import sys
        from crypto_ai_bot.brokers.ccxt_lean import exchange_class
        print(exchange_class("gateio").__name__)
        print(*[name for name in sys.modules if name.startswith("ccxt.")])
    """)
    assert found[0] == "gate"
    assert {name for name in found[1:] if not name.startswith("ccxt.base")} == {
        "ccxt.gate",
        "ccxt.abstract",
        "ccxt.abstract.gate",
    }


def test_a_ccxt_that_is_already_imported_is_used() -> None:
    found = run("""
        import sys, types
        import ccxt.base.errors          # stands for a whole ccxt: it runs ccxt's own file
        whole = sys.modules["ccxt"]
        from crypto_ai_bot.brokers.ccxt_lean import exchange_class, exchange_errors
        print(exchange_class("gate") is whole.gate, sys.modules["ccxt"] is whole)
        print(exchange_errors().BaseError is whole.BaseError)
    """)
    assert found == ["True", "True", "True"]


def test_whoever_imports_ccxt_afterwards_gets_its_exchanges_and_errors() -> None:
    found = run("""
        from crypto_ai_bot.brokers.ccxt_lean import exchange_class
        gate = exchange_class("gate")
        import ccxt
        print(ccxt.gate is gate, ccxt.kraken.__name__, ccxt.NetworkError.__name__)
        print(hasattr(ccxt, "no_such_exchange"), hasattr(ccxt, "__version__"))
    """)
    assert found == ["True", "kraken", "NetworkError", "False", "False"]


SIGNED = """
    {imported}
    from ccxt.base.exchange import Exchange
    from ccxt.base.errors import BaseError
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives import serialization as form
    message = "6d" * 32
    print(Exchange.ecdsa(message, "11" * 32, "secp256k1", "sha256"))
    print(Exchange.ecdsa(message, "22" * 32, "p256", "sha256"))
    print(Exchange.eddsa(b"text", b"k" * 32))
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    print(len(Exchange.rsa("text", pem.decode(), "sha256")))
    """


def test_a_signature_that_needs_cryptography_gets_it_then() -> None:
    lean = "from crypto_ai_bot.brokers.ccxt_lean import exchange_class; exchange_class('gate')"
    assert run(SIGNED.format(imported=lean)) == run(
        SIGNED.format(imported="import ccxt.base.errors")
    )


def test_cryptography_is_not_imported_for_an_exchange_that_does_not_sign_with_it() -> None:
    found = run("""
        import sys
        from crypto_ai_bot.brokers.ccxt_lean import exchange_class
        gate = exchange_class("gate")({"apiKey": "key", "secret": "secret"})
        signed = gate.sign("accounts", ["private", "spot"], "GET", {})
        print(len(signed["headers"]["SIGN"]))
        print(*[name for name in sys.modules if name.startswith("cryptography.")])
    """)
    assert found == ["128"]


def test_many_threads_get_one_class() -> None:
    found = run("""
        from concurrent.futures import ThreadPoolExecutor
        from crypto_ai_bot.brokers.ccxt_lean import exchange_class
        with ThreadPoolExecutor(8) as pool:
            print(len(set(pool.map(exchange_class, ["gateio", "gate"] * 8))))
    """)
    assert found == ["1"]


@pytest.mark.parametrize(
    "name", ["gatio", "", "base", "../gate", "pro/gate", "pro.gate", "gate.py", "os"]
)
def test_a_name_that_ccxt_does_not_know_is_one_line(name: str) -> None:
    with pytest.raises(ValueError, match="is not an exchange of ccxt") as caught:
        exchange_class(name)
    assert "\n" not in str(caught.value)
