"""Each minute: watch the other jobs, and run the exits where they have gone silent."""

from crypto_ai_bot.runtime.start import start

handler = start("watchdog")
