"""Each minute: settle what is open, ask the strategy, pass the risk gate, place the order."""

from crypto_ai_bot.runtime.start import start

handler = start("evaluate")
