"""Clients of AWS services, one a process. botocore alone: boto3 adds 40 ms to a cold start."""

from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from crypto_ai_bot.domain.errors import BadSetting

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

# Every call has to fit, with its retries, into an invocation of a minute.
_CONFIG: Final = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=4,
)
_SESSION: Final = botocore.session.get_session()


def _client(service: str) -> Any:
    """Raises BadSetting where no region is set: on Lambda there always is one."""
    try:
        return _SESSION.create_client(service, config=_CONFIG)
    except NoRegionError:
        raise BadSetting(
            "AWS_DEFAULT_REGION: must be given, as us-east-1 (any name will do on this machine)"
        ) from None


def dynamodb_client() -> "DynamoDBClient":
    """A client of DynamoDB: region, keys and endpoint by the standard variables."""
    client: DynamoDBClient = _client("dynamodb")
    return client


def sns_client() -> "SNSClient":
    """A client of the notification service, likewise."""
    client: SNSClient = _client("sns")
    return client


def ssm_client() -> "SSMClient":
    """A client of the parameter store, likewise."""
    client: SSMClient = _client("ssm")
    return client
