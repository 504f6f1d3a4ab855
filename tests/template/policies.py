"""The table in the words of the template's policies: the stack's own, or one that was restored."""

_RESTORED = (
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTableName}"
)

TABLE = {
    "Fn::If": [
        "HasRestoredTableName",
        {"Fn::Sub": _RESTORED},
        {"Fn::GetAtt": ["StateTable", "Arn"]},
    ]
}
INDEX = {
    "Fn::If": [
        "HasRestoredTableName",
        {"Fn::Sub": f"{_RESTORED}/index/unresolved"},
        {"Fn::Sub": "${StateTable.Arn}/index/unresolved"},
    ]
}
