"""A stack on AWS, found by its name: what a command needs to speak to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack's outputs, and the settings that its functions run with."""

    stack: str
    outputs: Mapping[str, str]
    settings: Settings

    @classmethod
    def find(cls, stack: str) -> Self:
        """Looks the stack up where the standard AWS variables lead.

        Raises BadSetting: no such stack, none of ours, or no way to ask.
        """
        try:
            [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
            if not {"ApiFunctionName", "TableName", "TradingParameterName"} <= outputs.keys():
                raise BadSetting(f"--stack {stack}: is not a stack of this template")
            variables = _variables(outputs["ApiFunctionName"])
        except ClientError as error:
            raise BadSetting(f"--stack {stack}: {error.response['Error']['Message']}") from None
        except BotoCoreError as error:
            raise BadSetting(f"--stack {stack}: AWS could not be asked: {error}") from None
        return cls(stack, outputs, Settings.from_environment(variables))


def _variables(function: str) -> dict[str, str]:
    """The variables of one function: all of them have the same."""
    client: Any = boto3.client("lambda")
    found = client.get_function_configuration(FunctionName=function)
    return dict(found["Environment"]["Variables"])
