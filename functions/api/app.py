"""Health, metrics and the trading switch over HTTP."""

from crypto_ai_bot.runtime.api import api_handler

handler = api_handler()
