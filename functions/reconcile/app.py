"""Each five minutes: hold the books against the exchange, and correct them from its reports."""

from crypto_ai_bot.runtime.start import start

handler = start("reconcile")
