"""What a function's process keeps: settings, logger and redactor."""

from dataclasses import dataclass
from functools import cache

from aws_lambda_powertools.logging import Logger

from crypto_ai_bot.runtime.observability import Redactor, make_logger
from crypto_ai_bot.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Process:
    """Made once a process, from its environment."""

    settings: Settings
    redactor: Redactor
    logger: Logger


@cache
def process() -> Process:
    """Reads the environment. Raises BadSetting, a line for each variable that is wrong."""
    settings = Settings.from_environment()
    redactor = Redactor()
    redactor.hide(settings.secrets.variables.values())
    return Process(settings, redactor, make_logger(settings.service, settings.log_level, redactor))


@cache
def logger_without_settings() -> Logger:
    """For the one line that says why there are no settings."""
    return make_logger("crypto-ai-bot", "INFO", Redactor())
