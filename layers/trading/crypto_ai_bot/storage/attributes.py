"""Items ↔ DynamoDB's typed attributes: only the types that items are made of.

Our own dozen lines instead of boto3's serializer: that one costs an import at each cold start,
and turns every number into a Decimal.
"""

from typing import Any

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.storage.actions import Item


def to_attribute(value: Any) -> dict[str, Any]:
    """One value as an attribute. Raises InvariantBroken for a type that items do not hold."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": to_attributes(value)}
        case list():
            return {"L": [to_attribute(member) for member in value]}
        case _:
            raise InvariantBroken(f"items do not hold {value!r}")


def from_attribute(attribute: dict[str, Any]) -> Any:
    """One attribute's value. What we never write comes back as it is, for the codec to refuse."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdecimal() else value
        case "NULL":
            return None
        case "M":
            return from_attributes(value)
        case "L":
            return [from_attribute(member) for member in value]
        case _:
            return value


def to_attributes(item: Item) -> dict[str, Any]:
    """A whole item, or a map in it, as attributes."""
    return {name: to_attribute(value) for name, value in item.items()}


def from_attributes(attributes: dict[str, Any]) -> Item:
    """The item, or map, that `attributes` spell."""
    return {name: from_attribute(attribute) for name, attribute in attributes.items()}
