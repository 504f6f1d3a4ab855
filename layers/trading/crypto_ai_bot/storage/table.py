"""The table in DynamoDB: the one file that speaks to it.

botocore repeats by itself what is safe to repeat: throttling, 5xx, lost connections, timeouts
(retry mode "standard", which whoever makes the client sets, with its timeouts). A repeated write
may meet its own first try, whose answer was lost: so every write carries a mark of its own, by
which it knows its work. What botocore does not repeat is a transaction that another one was in
the way of; that is done here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched, islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from crypto_ai_bot.domain.errors import BadSetting, InvariantBroken, StoreUnavailable
from crypto_ai_bot.storage.actions import (
    HIGHEST,
    INDEX_KEY,
    INDEX_NAME,
    INDEX_TIME,
    LOWEST,
    Action,
    Check,
    Delete,
    Item,
    Key,
    Put,
)
from crypto_ai_bot.storage.attributes import from_attributes, to_attributes
from crypto_ai_bot.storage.expressions import condition_arguments
from crypto_ai_bot.storage.refusals import Refused, explained, refused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

MARK: Final = "written"
TRIES_MAX: Final = 4
BATCH_ITEMS_MAX: Final = 25  # DynamoDB's limit on one batch of puts

# What template.yaml gives the state table, but its name.
_TABLE: Final[Mapping[str, Any]] = {
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": INDEX_KEY, "AttributeType": "S"},
        {"AttributeName": INDEX_TIME, "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": INDEX_NAME,
            "KeySchema": [
                {"AttributeName": INDEX_KEY, "KeyType": "HASH"},
                {"AttributeName": INDEX_TIME, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


class DynamoTable:
    """A DynamoDB table with the keys pk and sk, and the sparse index INDEX_NAME.

    `new_mark` makes a text of 1 to 36 characters that nobody made before (a UUID): one a write.
    `wait` is called with 1, 2, … between the tries of a write that others were in the way of, and
    returns when it may be tried again.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        new_mark: Callable[[], str],
        wait: Callable[[int], None],
    ) -> None:
        self._client = client
        self._name = name
        self._new_mark = new_mark
        self._wait = wait

    def get(self, key: Key) -> Item | None:
        """The item under `key`, by a strongly consistent read."""
        with self._told():
            answer = self._client.get_item(
                TableName=self._name, Key=to_attributes(key._asdict()), ConsistentRead=True
            )
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, low: str = LOWEST, high: str = HIGHEST) -> list[Item]:
        """The items of a partition with `low <= sk <= high`, by strongly consistent reads."""
        request = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": to_attributes({":pk": pk, ":low": low, ":high": high}),
            "ConsistentRead": True,
        }
        return list(self._pages(self._client.query, request))

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        """Items whose INDEX_KEY is `value`, in the order of INDEX_TIME. Eventually consistent."""
        request: dict[str, Any] = {
            "IndexName": INDEX_NAME,
            "KeyConditionExpression": f"{INDEX_KEY} = :value",
            "ExpressionAttributeValues": to_attributes({":value": value}),
        }
        if limit is not None:
            request["Limit"] = limit
        return list(islice(self._pages(self._client.query, request), limit))

    def scan(self) -> list[Item]:
        """Every item, by strongly consistent reads: each on its own, not all of one moment."""
        return list(self._pages(self._client.scan, {"ConsistentRead": True}))

    def _pages(self, ask: Callable[..., Any], request: dict[str, Any]) -> Iterator[Item]:
        """Every item of a query or scan, page by page: DynamoDB ends a page at 1 MB."""
        while True:
            with self._told():
                page = ask(TableName=self._name, **request)
            yield from map(from_attributes, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def write(self, actions: Sequence[Action]) -> int | None:
        """Does all of `actions` or none: None when done, else where the first failed one is.

        Raises StoreUnavailable when that is not known.
        """
        mark = self._new_mark()
        repeated = False
        for attempt in range(1, TRIES_MAX + 1):
            refusal = self._send(actions, mark)
            if refusal is None or mark in refusal.marks:
                return None
            repeated = repeated or refusal.repeated
            if refusal.failed is not None:
                self._doubt(actions, repeated=repeated)
                return refusal.failed
            if attempt < TRIES_MAX:
                self._wait(attempt)
        raise StoreUnavailable(f"table {self._name}: others were in the way {TRIES_MAX} times")

    def _doubt(self, actions: Sequence[Action], *, repeated: bool) -> None:
        """Refuses to call a write undone whose first try may have been done, and written over.

        A transaction is never in doubt: DynamoDB knows a repeated one by its token.
        """
        if repeated and len(actions) == 1 and isinstance(actions[0], Put):
            raise StoreUnavailable(
                f"table {self._name}: a repeated write met another's item; its first try may have"
                " been done before that one"
            )

    def _send(self, actions: Sequence[Action], mark: str) -> Refused | None:
        """One request for all of `actions`; None when they are done.

        One item goes as a plain put, for half of a transaction's price. The mark is the token of a
        transaction too: a token of the content alone would tell a second run, which wrote the
        same, that it was the first.
        """
        with self._told():
            try:
                if len(actions) == 1 and isinstance(actions[0], Put):
                    self._client.put_item(**self._put(actions[0], mark))
                elif len(actions) == 1 and isinstance(actions[0], Delete):
                    self._client.delete_item(**self._under_condition(actions[0]))
                else:
                    self._client.transact_write_items(
                        TransactItems=[self._transact_item(action, mark) for action in actions],
                        ClientRequestToken=mark,
                    )
            except ClientError as error:
                refusal = refused(error, MARK)
                if refusal is None:
                    raise
                return refusal
        return None

    def _transact_item(self, action: Action, mark: str) -> "TransactWriteItemTypeDef":
        if isinstance(action, Put):
            return {"Put": self._put(action, mark)}
        if isinstance(action, Delete):
            return {"Delete": self._under_condition(action)}
        return {"ConditionCheck": self._under_condition(action)}

    def _under_condition(self, action: Check | Delete) -> Any:
        where = {"TableName": self._name, "Key": to_attributes(action.key._asdict())}
        return where | condition_arguments(action.condition)

    def _put(self, put: Put, mark: str) -> Any:
        """What a plain put and a put in a transaction are both asked with."""
        return {
            "TableName": self._name,
            "Item": to_attributes(put.item | {MARK: mark}),
            **condition_arguments(put.condition),
        }

    def make(self) -> None:
        """Makes the table, like the template's: its keys, its index, on demand, undeletable.

        Raises BadSetting when there is a table of that name, whatever is in it.
        """
        with self._told():
            try:
                self._client.create_table(TableName=self._name, **_TABLE)
            except self._client.exceptions.ResourceInUseException:
                raise BadSetting(f"table {self._name} exists: name one that does not") from None
            self._client.get_waiter("table_exists").wait(
                TableName=self._name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )

    def fill(self, items: Iterable[Item]) -> None:
        """Puts `items` as they are, over whatever is there: for a table just made.

        Raises StoreUnavailable when only a part of them may be in it.
        """
        for batch in batched(items, BATCH_ITEMS_MAX, strict=False):
            self._fill(batch)

    def keep(self) -> None:
        """Lets items expire, and makes the table recoverable to any second of the last days."""
        with self._told():
            self._client.update_time_to_live(
                TableName=self._name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
            )
            self._client.update_continuous_backups(
                TableName=self._name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )

    def _fill(self, items: Sequence[Item]) -> None:
        """Puts a batch; what DynamoDB had no room for is sent again."""
        requests: Any = {
            self._name: [{"PutRequest": {"Item": to_attributes(item)}} for item in items]
        }
        for attempt in range(1, TRIES_MAX + 1):
            with self._told():
                requests = self._client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            if not requests:
                return
            self._wait(attempt)
        raise StoreUnavailable(
            f"table {self._name} took only a part of what it was given: remove it and begin anew"
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what botocore raises into what our errors say of who must act."""
        try:
            yield
        except ClientError as error:
            raise explained(error, self._name) from error
        except ParamValidationError as error:
            raise InvariantBroken(f"table {self._name}: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"table {self._name} did not answer: {error}") from error
