"""What conditions mean in memory; that DynamoDB means the same, the contract suite shows."""

import pytest

from crypto_ai_bot.storage.conditions import (
    Absent,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    Present,
    at_version,
    holds,
    not_newer,
    state_allows,
)
from crypto_ai_bot.storage.expressions import condition_arguments

ITEM = {"version": 3, "state": "on", "read_ms": 10}


@pytest.mark.parametrize(
    ("condition", "of_item", "of_nothing"),
    [
        (Absent(), False, True),
        (Present(), True, False),
        (Equals("version", 3), True, False),
        (Equals("version", 4), False, False),
        (Equals("version", "3"), False, False),
        (Equals("missing", 3), False, False),
        (AtMost("read_ms", 9), False, False),
        (AtMost("read_ms", 10), True, False),
        (AtMost("read_ms", 11), True, False),
        (AtMost("missing", 11), False, False),
        (AnyOf((Absent(), Equals("version", 3))), True, True),
        (AnyOf((Equals("state", "off"), Equals("version", 4))), False, False),
        (AnyOf(()), False, False),
        (at_version(0), False, True),
        (at_version(3), True, False),
        (not_newer("read_ms", 10), True, True),
        (not_newer("read_ms", 9), False, True),
        (state_allows(entries=True), True, True),
    ],
)
def test_conditions_hold_or_not(condition: Condition, *, of_item: bool, of_nothing: bool) -> None:
    assert holds(condition, ITEM) is of_item
    assert holds(condition, None) is of_nothing


def test_a_condition_in_dynamodbs_words_hides_names_and_values() -> None:
    assert condition_arguments(state_allows(entries=False)) == {
        "ConditionExpression": "(attribute_not_exists(#pk)) OR (#state = :v0) OR (#state = :v1)",
        "ExpressionAttributeNames": {"#pk": "pk", "#state": "state"},
        "ExpressionAttributeValues": {":v0": {"S": "on"}, ":v1": {"S": "exits_only"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert "ExpressionAttributeValues" not in condition_arguments(Absent())
