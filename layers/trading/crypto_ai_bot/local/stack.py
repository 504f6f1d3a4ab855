"""The real stack on the embedded cloud: the real template, deployed by the real `sam deploy`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from crypto_ai_bot.local.build import architecture, build, built_template, sam
from crypto_ai_bot.local.cloud import CREDENTIALS, REGION, Cloud
from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.parameters import all_parameters
from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.processes import run_tool

STACK = "crypto-ai-bot"


@dataclass(frozen=True)
class Stack:
    """A deployed stack, by its outputs."""

    cloud: Cloud
    outputs: Mapping[str, str]

    @cached_property
    def table(self) -> str:
        """The state table's name."""
        return self.outputs["TableName"]

    @cached_property
    def trading_parameter(self) -> str:
        """The name of the parameter that says what may trade."""
        return self.outputs["TradingParameterName"]

    @cached_property
    def api_url(self) -> str:
        """Where the embedded cloud serves the API; by host name it would answer itself."""
        return f"{self.cloud.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    def function(self, job: str) -> str:
        """The name of a job's function, or of the API's."""
        return self.outputs[f"{job.capitalize()}FunctionName"]

    def log_group(self, job: str) -> str:
        """Where a job's function logs."""
        return f"/{STACK}/{job}"


def empty_table(stack: Stack) -> None:
    """Forget the paper account: remove every item."""
    client = stack.cloud.client("dynamodb")
    pages = client.get_paginator("scan").paginate(
        TableName=stack.table, ProjectionExpression="pk, sk"
    )
    for page in pages:
        for key in page["Items"]:
            client.delete_item(TableName=stack.table, Key=key)


def deploy(places: Places, cloud: Cloud, settings: Mapping[str, str]) -> Stack:
    """Build and deploy; nothing is done where that very stack stands already.

    `settings` are template parameters by name. Those not given have the template's default, also
    where an earlier deployment had another: `sam deploy` alone would keep the earlier value.
    """
    wanted = all_parameters(
        places.root / "template.yaml",
        {"Architecture": architecture(), "DeletionProtection": "false", **settings},
    )
    made_from = build(places)
    standing = _describe(cloud)
    if standing is None or not _is_as_wanted(standing, wanted, made_from):
        _sam_deploy(places, cloud, wanted, made_from, standing)
        standing = _describe(cloud)
        if standing is None:
            raise RehearsalError(f"{STACK}: not there after sam deploy")
    return Stack(cloud, _outputs(standing))


def _sam_deploy(
    places: Places,
    cloud: Cloud,
    wanted: Mapping[str, str],
    made_from: str,
    standing: Mapping[str, Any] | None,
) -> None:
    overrides = places.home / "parameters.yaml"
    overrides.write_text(json.dumps(wanted, indent=1))  # JSON is YAML
    switch = _trading_switch(cloud, standing)
    scratch = places.home / "sam"
    scratch.mkdir(parents=True, exist_ok=True)
    run_tool(
        [
            sam(places),
            "deploy",
            "--config-file",  # it looks beside the built template otherwise
            places.root / "samconfig.toml",
            "--config-env",
            "local",
            "--template-file",
            built_template(places),
            "--parameter-overrides",
            overrides.as_uri(),
            "--tags",
            f"made-from={made_from}",
        ],
        log=places.log("deploy"),
        cwd=places.root,
        environment={
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(scratch),
            "PATH": str(sam(places).parent),
            "SAM_CLI_TELEMETRY": "0",
            "LC_ALL": "C.UTF-8",
        },
    )
    if switch:
        cloud.client("ssm").put_parameter(**switch, Overwrite=True)


def _trading_switch(cloud: Cloud, standing: Mapping[str, Any] | None) -> dict[str, str] | None:
    """What the operator has set: the embedded cloud, unlike AWS, resets it at each update."""
    if standing is None:
        return None
    name = _outputs(standing).get("TradingParameterName")
    if name is None:
        return None
    value = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return {"Name": name, "Value": value}


def _describe(cloud: Cloud) -> Mapping[str, Any] | None:
    try:
        found = cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return found[0] if found else None


def _is_as_wanted(standing: Mapping[str, Any], wanted: Mapping[str, str], made_from: str) -> bool:
    return (
        standing["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        and {"Key": "made-from", "Value": made_from} in standing.get("Tags", [])
        and {p["ParameterKey"]: p["ParameterValue"] for p in standing["Parameters"]} == wanted
    )


def _outputs(standing: Mapping[str, Any]) -> dict[str, str]:
    return {o["OutputKey"]: o["OutputValue"] for o in standing.get("Outputs", [])}
