"""Each minute: judge the protective stops of every open position, and sell where one is hit."""

from crypto_ai_bot.runtime.handler import job_handler

handler = job_handler("exits")
