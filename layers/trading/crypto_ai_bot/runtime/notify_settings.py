"""What notify alone needs to know: the topic, and where the webhook's address is kept.

Beside settings.py, so that no other function reads, checks or could leak it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.runtime.secrets import Secret

VARIABLES: Final = ("TELL_TOPIC", "WEBHOOK_PARAMETER", "WEBHOOK_URL")


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """`tell_topic` is the ARN of the topic that events go to, "" for none.

    `webhook_parameter` names the SecureString with the webhook (webhook.py says how it is
    written); `webhook_url` is that text itself, for this machine.
    """

    tell_topic: str = ""
    webhook_parameter: str = ""
    webhook_url: Secret | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads the variables; those of this process unless others are given.

        Raises BadSetting when the webhook is given twice or the topic is no ARN.
        """
        found = os.environ if environ is None else environ  # noqa: TID251 - notify's part of settings.py
        topic, parameter, url = (found.get(name, "").strip() for name in VARIABLES)
        if parameter and url:
            raise BadSetting("WEBHOOK_PARAMETER and WEBHOOK_URL: give one of them only")
        if topic and not topic.startswith("arn:"):
            raise BadSetting(f"TELL_TOPIC={topic}: must be the ARN of an SNS topic")
        return cls(topic, parameter, Secret(url) if url else None)
