"""Conditions in DynamoDB's language.

Names and values always stand behind placeholders: `state`, `status` and many another are reserved
words there.
"""

from typing import Any, assert_never

from crypto_ai_bot.storage.attributes import to_attribute
from crypto_ai_bot.storage.conditions import Absent, AnyOf, AtMost, Condition, Equals, Present


def condition_arguments(condition: Condition) -> dict[str, Any]:
    """The arguments by which a request to DynamoDB states `condition`.

    They ask for the item that stood in the way, should the condition fail.
    """
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    arguments: dict[str, Any] = {
        "ConditionExpression": _render(condition, names, values),
        "ExpressionAttributeNames": names,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    # An empty map is refused.
    return arguments | ({"ExpressionAttributeValues": values} if values else {})


def _render(condition: Condition, names: dict[str, str], values: dict[str, Any]) -> str:
    match condition:
        case Absent():
            return f"attribute_not_exists({_name('pk', names)})"
        case Present():
            return f"attribute_exists({_name('pk', names)})"
        case Equals(field, value):
            return f"{_name(field, names)} = {_value(value, values)}"
        case AtMost(field, value):
            return f"{_name(field, names)} <= {_value(value, values)}"
        case AnyOf(conditions):
            return " OR ".join(f"({_render(one, names, values)})" for one in conditions)
        case _:
            assert_never(condition)


def _name(field: str, names: dict[str, str]) -> str:
    names[f"#{field}"] = field
    return f"#{field}"


def _value(value: str | int, values: dict[str, Any]) -> str:
    placeholder = f":v{len(values)}"
    values[placeholder] = to_attribute(value)
    return placeholder
