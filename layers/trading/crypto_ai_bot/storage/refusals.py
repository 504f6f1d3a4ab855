"""What DynamoDB's error answers mean: who was in the way of a write, and who must act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crypto_ai_bot.domain.errors import InvariantBroken, StoreUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

CONDITION: Final = "ConditionalCheckFailed"
_FINE: Final = "None"  # the literal text of an action that was not the reason
_IN_THE_WAY: Final = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_OF_ONE_PUT: Final[Mapping[str, str]] = {
    "ConditionalCheckFailedException": CONDITION,
    "TransactionConflictException": "TransactionConflict",
}
_OF_THE_PROGRAMMER: Final = {
    "ValidationException",
    "SerializationException",
    "IdempotentParameterMismatchException",
    "TransactionCanceledException",  # for another reason than those above
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that did nothing: the first action whose condition failed, or None for a crowd.

    `marks` are those of the items that stood in the way. `repeated` says that the request had
    been sent before, so its first try may have been done all the same.
    """

    failed: int | None
    marks: tuple[str, ...]
    repeated: bool


def refused(error: "ClientError", mark_field: str) -> Refused | None:
    """The refusal that `error` tells of; None for an error of another sort."""
    response: Mapping[str, Any] = {**error.response}  # holds more than its type tells
    code = response["Error"]["Code"]
    if code in _OF_ONE_PUT:
        reasons: list[dict[str, Any]] = [{"Code": _OF_ONE_PUT[code], "Item": response.get("Item")}]
    else:
        reasons = response.get("CancellationReasons", [])
    codes = [reason["Code"] for reason in reasons]
    failed = codes.index(CONDITION) if CONDITION in codes else None
    if failed is None and not (codes and {*codes} <= _IN_THE_WAY | {_FINE}):
        return None
    items = [reason.get("Item") or {} for reason in reasons]
    return Refused(
        failed,
        tuple(item[mark_field]["S"] for item in items if mark_field in item),
        repeated=response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0,
    )


def explained(error: "ClientError", table: str) -> InvariantBroken | StoreUnavailable:
    """`error` as one of ours, in one line."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    line = f"table {table}: {error.operation_name} {code}: {message}"
    if code == "ResourceNotFoundException":
        return StoreUnavailable(
            f"table {table} is gone or was never made ({error.operation_name}):"
            " deploy or restore it, and see that TABLE_NAME names it"
        )
    return InvariantBroken(line) if code in _OF_THE_PROGRAMMER else StoreUnavailable(line)
