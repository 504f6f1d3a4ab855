"""A message to an SNS topic, and what its subscribers are handed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.domain.errors import BadEvent, MessageUndelivered

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic under `arn`."""

    client: "SNSClient"
    arn: str

    def announce(self, subject: str, text: str) -> None:
        """Publishes one message. Raises MessageUndelivered."""
        try:
            self.client.publish(TopicArn=self.arn, Subject=subject, Message=text)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "error")
            raise MessageUndelivered(f"topic {self.arn}: {code}") from error
        except BotoCoreError as error:
            raise MessageUndelivered(f"topic {self.arn} did not answer: {error}") from error


class Nowhere:
    """For a deployment without a topic: events stay readable in the table and are marked."""

    def announce(self, subject: str, text: str) -> None:
        """Does nothing."""


def delivered(records: Any) -> Iterator[tuple[str, str]]:
    """Subject and text of what a topic hands its function; an alarm as a person would say it.

    Raises BadEvent for anything that is not such a delivery.
    """
    for record in records if isinstance(records, list) else [None]:
        told = record.get("Sns") if isinstance(record, Mapping) else None
        if not isinstance(told, Mapping) or not isinstance(told.get("Message"), str):
            raise BadEvent("Records: a list of deliveries of an SNS topic is needed")
        yield _as_alarm(told["Message"]) or (str(told.get("Subject") or ""), told["Message"])


def _as_alarm(message: str) -> tuple[str, str] | None:
    try:
        alarm = json.loads(message)
    except ValueError:
        return None
    if not isinstance(alarm, Mapping) or not {"AlarmName", "NewStateValue"} <= alarm.keys():
        return None
    lines = [alarm.get("AlarmDescription"), alarm.get("NewStateReason")]
    text = "\n".join(str(line) for line in lines if line)
    return f"{alarm['NewStateValue']}: {alarm['AlarmName']}", text
