"""Health, metrics and the trading switch over HTTP."""

from crypto_ai_bot.runtime.start import start

handler = start("api")
