"""template.yaml as CloudFormation gets it: transformed by SAM's own translator, without AWS."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # type: ignore[import-untyped]  # has none
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]  # has none
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # has none

ROOT = Path(__file__).parents[2]

type Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="session")
def source() -> Mapping[str, Any]:
    """template.yaml as it is written."""
    read: Mapping[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return read


@pytest.fixture(scope="session")
def resources(monkeypatch_session: pytest.MonkeyPatch) -> Resources:
    """What the template becomes."""
    monkeypatch_session.setenv("AWS_DEFAULT_REGION", "us-east-1")
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    loader = ManagedPolicyLoader(boto3.session.Session().client("iam"))
    loader._policy_map = {}
    made: Resources = transform(template, {}, loader)["Resources"]
    return made


@pytest.fixture(scope="session")
def monkeypatch_session() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def of_type(resources: Resources) -> Any:
    """of_type(type) → the properties of every resource of that type, by logical id."""

    def find(kind: str) -> dict[str, Mapping[str, Any]]:
        return {
            name: body["Properties"] for name, body in resources.items() if body["Type"] == kind
        }

    return find
