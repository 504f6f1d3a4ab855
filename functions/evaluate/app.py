"""Each minute: settle what is open, ask the strategy, pass the risk gate, place the order."""

from crypto_ai_bot.runtime.handler import job_handler

handler = job_handler("evaluate")
