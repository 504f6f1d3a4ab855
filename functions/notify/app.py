"""Each minute: tell the operator what the books want told; and pass on what the topics say."""

from crypto_ai_bot.runtime.notify import notify_handler

handler = notify_handler()
