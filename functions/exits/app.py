"""Each minute: judge the protective stops of every open position, and sell where one is hit."""

from crypto_ai_bot.runtime.start import start

handler = start("exits")
