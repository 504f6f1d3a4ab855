"""The handler of notify: a tick empties the outbox into the topic; a topic's delivery goes to chat.

Two legs, so that each is tried again by itself: the outbox by the next tick, the chat by Lambda's
own queue. Alarms come by the same topics, so the chat hears of them too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from crypto_ai_bot.domain.errors import BadEvent, BadSetting
from crypto_ai_bot.ports.announcer import Announcer
from crypto_ai_bot.runtime.aws import sns_client
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import SystemClock
from crypto_ai_bot.runtime.guard import Handler, guarded
from crypto_ai_bot.runtime.notify_settings import NotifySettings
from crypto_ai_bot.runtime.process import process
from crypto_ai_bot.runtime.secrets import Secret
from crypto_ai_bot.runtime.topic import Nowhere, Topic, delivered
from crypto_ai_bot.runtime.webhook import Webhook
from crypto_ai_bot.usecases.notify import notify

JOB = "notify"


def notify_handler() -> Handler:
    """The handler: {"job": "notify"} or an SNS delivery in, what was told out."""

    def run(event: Any, _context: Any, run_id: str) -> dict[str, Any]:
        if isinstance(event, Mapping) and "Records" in event:
            return _pass_on(event["Records"])
        found = event.get("job") if isinstance(event, Mapping) else event
        if found != JOB:
            raise BadEvent(f"job was {found!r}, this function runs {JOB!r}")
        return _empty_outbox(run_id)

    return guarded(JOB, run)


def _empty_outbox(run_id: str) -> dict[str, Any]:
    desk = _counter()
    account = process().settings.account_name
    done = notify(
        desk.books.store, desk.topic, SystemClock(lambda: 0), run_id=run_id, account=account
    )
    outcome = {"job": JOB, "ok": True, "busy": done.busy, "told": list(done.event_ids)}
    if done.event_ids:
        process().logger.info("told", outcome=outcome)
    return outcome


def _pass_on(records: Any) -> dict[str, Any]:
    webhook = _counter().webhook()
    messages = list(delivered(records))
    for subject, text in messages:
        webhook.announce(subject, text)
    return {"job": JOB, "ok": True, "posted": len(messages)}


@dataclass(frozen=True, slots=True)
class Counter:
    """What one process keeps; the webhook is read when the first delivery asks for it."""

    books: Books
    topic: Announcer
    webhook: Callable[[], Announcer]


@cache
def _counter() -> Counter:
    books, own = Books(process().settings), NotifySettings.from_environment()
    topic = Topic(sns_client(), own.tell_topic) if own.tell_topic else Nowhere()
    return Counter(books, topic, cache(lambda: _webhook(books, own)))


def _webhook(books: Books, own: NotifySettings) -> Webhook:
    template = own.webhook_url
    if own.webhook_parameter:
        template = Secret(books.parameter(own.webhook_parameter))
    if template is None:
        raise BadSetting("WEBHOOK_PARAMETER: must be given where topics deliver to notify")
    process().redactor.hide([template])
    return Webhook.parse(template.reveal())
