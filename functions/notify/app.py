"""Each minute: tell the operator what the books want told; and pass on what the topics say."""

from crypto_ai_bot.runtime.start import start

handler = start("notify")
