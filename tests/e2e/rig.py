"""What an end-to-end test holds in its hands: cloud, exchange, stack, and the ways to call them."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ai_bot.local.cloud import Cloud
from crypto_ai_bot.local.embedded_exchange import EmbeddedExchange
from crypto_ai_bot.local.functions import Functions
from crypto_ai_bot.local.moments import MINUTE_MS, moment_text
from crypto_ai_bot.local.places import project_root
from crypto_ai_bot.local.stack import Stack
from e2e.chat import Chat

TOKEN = "a-token-of-the-tests"
TOKEN_PARAMETER = "/crypto-ai-bot/api-token"
WEBHOOK_PARAMETER = "/crypto-ai-bot/webhook"
NOON_MS = 1_795_348_800_000  # 2026-11-22T12:00:00Z: where the tests' market begins


@dataclass(frozen=True, slots=True)
class Rig:
    """What is up: each test goes on from the market minute that the last one left."""

    cloud: Cloud
    exchange: EmbeddedExchange
    stack: Stack
    chat: Chat
    calls: Path

    @property
    def functions(self) -> Functions:
        """The jobs, invoked as a rehearsal does."""
        return Functions(self.stack)

    def next_minute(self) -> int:
        """Move the market on to its next minute; return it."""
        now_ms = self.exchange.now_ms()
        return self.exchange.advance_to(now_ms - now_ms % MINUTE_MS + MINUTE_MS)

    def invoke(self, function: str, event: Any) -> tuple[bool, Any]:
        """Invoke `function` (a job's name, or api) with any event: (it went well, its answer)."""
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.stack.function(function), Payload=json.dumps(event).encode()
        )
        return "FunctionError" not in answer, json.loads(answer["Payload"].read())

    def call(self, method: str, path: str, token: str = "") -> tuple[int, str]:
        """Call the API over HTTP: (status, body)."""
        url = f"{self.stack.api_url}{path}".removeprefix(self.cloud.endpoint)
        connection = http.client.HTTPConnection("127.0.0.1", self.cloud.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, url, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def asked_of_policies(self) -> set[tuple[str, str, str]]:
        """(role, action, resource) of whatever the functions have called; told once."""
        read = [json.loads(line) for line in self.calls.read_text().splitlines()]
        self.calls.write_text("")
        assumed = ":assumed-role/"  # others are the tests themselves, and topics at a queue
        return {
            (who.partition(assumed)[2].partition("/")[0], action, thing)
            for who, action, thing in read
            if assumed in who
        }

    def items(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Everything in the table, by key."""
        pages = (
            self.cloud.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.stack.table, ConsistentRead=True)
        )
        return {(i["pk"]["S"], i["sk"]["S"]): i for page in pages for i in page["Items"]}


def sample_event(name: str) -> Any:
    """One of events/, as it is in the file."""
    return json.loads((project_root() / "events" / f"{name}.json").read_text())


def tick_event(job: str, at_ms: int, /, **changes: Any) -> dict[str, Any]:
    """The sample event of a job, for another minute; a change to None removes the field."""
    event = {**sample_event(job), "scheduled_time": moment_text(at_ms), **changes}
    return {name: value for name, value in event.items() if value is not None}


def events_of(prefix: str) -> list[str]:
    """The names of the sample events that begin so; env.json holds the variables for sam local."""
    names = {path.stem for path in (project_root() / "events").glob(f"{prefix}*.json")}
    return sorted(names - {"env"})
