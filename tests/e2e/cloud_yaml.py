"""template.yaml as plain data: what CloudFormation's short tags stand before."""

from typing import Any

import yaml


class CloudYaml(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """Reads a tagged node as what it holds, and forgets the tag."""


def _held(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return node.value


CloudYaml.add_multi_constructor("!", _held)
