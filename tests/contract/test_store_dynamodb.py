"""What only a table over a network can do to us: lose answers, be gone, be throttled, be busy.

Lost answers go through botocore's own retry: the effect happens, the answer is dropped, botocore
sends the same request again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY, Stubber

from contract.conftest import new_mark, no_wait
from contract.embedded_dynamodb import free_port, make_table, new_client
from contract.examples import ACCOUNT, BTC, CONTROL, ETH, EVENT, FILL, ID, LEDGER, ORDER
from crypto_ai_bot.domain.errors import InvariantBroken, StoreUnavailable
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.ports.store import (
    Change,
    Conflict,
    Create,
    Replace,
    RequireState,
    Store,
    Unchanged,
    as_stored,
)
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import TRIES_MAX, DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = ("needs-retry.dynamodb.PutItem", "needs-retry.dynamodb.TransactWriteItems")


class LostAnswers:
    """Drops the next answer that says that a write was done; `meanwhile` happens right after."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.lost = 0
        self._due = False
        self._meanwhile: Callable[[], object] = lambda: None
        for event in WRITES:
            client.meta.events.register_first(event, self._answered)
        self._client = client

    def lose_next(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._due, self._meanwhile = True, meanwhile

    def stop(self) -> None:
        for event in WRITES:
            self._client.meta.events.unregister(event, self._answered)

    def _answered(self, response: Any, **_: Any) -> Any:
        if not self._due or response is None or response[0].status_code != 200:
            return None
        self._due = False
        self.lost += 1
        self._meanwhile()
        return 0.0  # seconds until botocore sends the same again


@pytest.fixture
def answers(dynamodb: "DynamoDBClient") -> Any:
    lost = LostAnswers(dynamodb)
    yield lost
    lost.stop()


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table_name: str) -> Store:
    return TableStore(DynamoTable(dynamodb, table_name, new_mark, no_wait), "paper")


@pytest.mark.parametrize(
    "changes",
    [
        [Create(ORDER)],
        [Replace(LEDGER)],
        [Create(ORDER), Replace(LEDGER), RequireState(entries=True)],
        [Unchanged(Ledger(ETH)), Create(FILL)],
    ],
    ids=["one create", "one replace", "a transaction", "a check and a create"],
)
def test_a_write_whose_answer_was_lost_knows_its_own_work(
    store: Store, answers: LostAnswers, changes: list[Change]
) -> None:
    answers.lose_next()
    assert store.commit(changes) is None
    assert answers.lost == 1
    assert store.commit(changes) is not None  # another attempt at the same is not the same work


def test_what_another_wrote_before_is_a_conflict_though_an_answer_was_lost(
    store: Store, answers: LostAnswers
) -> None:
    """The same content from two runs: only one of them may go on and submit."""
    assert store.commit([Create(ORDER), Replace(LEDGER)]) is None
    answers.lose_next()
    assert store.commit([Create(ORDER), Replace(LEDGER)]) == Conflict(Create(ORDER))
    assert store.commit([Create(ORDER)]) == Conflict(Create(ORDER))
    assert answers.lost == 0


def test_a_put_that_was_written_over_before_its_retry_is_not_called_undone(
    store: Store, answers: LostAnswers
) -> None:
    answers.lose_next(meanwhile=lambda: store.commit([Replace(as_stored(ACCOUNT))]))
    with pytest.raises(StoreUnavailable, match="first try may have been done"):
        store.commit([Replace(ACCOUNT)])
    assert store.glance().account.version == 2


def test_a_table_that_is_gone_says_so(
    store: Store, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    dynamodb.delete_table(TableName=table_name)
    calls: list[Callable[[], object]] = [
        store.glance,
        lambda: store.order(ID),
        store.unresolved_orders,
        lambda: store.commit([Create(ORDER)]),
        lambda: store.commit([Create(ORDER), Replace(LEDGER)]),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match=f"^table {table_name} is gone .*TABLE_NAME.*$"):
            call()


def test_a_request_that_dynamodb_calls_invalid_is_the_programmers_error(
    store: Store,
) -> None:
    nowhere = replace(LEDGER, symbol=Symbol("X" * 2000, "USDT"))  # a sort key above 1 KB
    refused: list[list[Change]] = [[Replace(nowhere)], [Replace(nowhere), Create(EVENT)]]
    for changes in refused:
        with pytest.raises(InvariantBroken, match="table books-"):
            store.commit(changes)
    assert store.events(1) == []


def test_an_endpoint_that_does_not_answer_is_unavailable(table_name: str) -> None:
    client = new_client(f"http://127.0.0.1:{free_port()}", tries=1)
    store = TableStore(DynamoTable(client, table_name, new_mark, no_wait), "paper")
    for call in (store.glance, lambda: store.commit([Create(ORDER)])):
        with pytest.raises(StoreUnavailable, match=f"table {table_name} did not answer"):
            call()
    client.close()


@pytest.fixture
def stub() -> Any:
    """A client whose answers are written in the test: for what no test double does by itself."""
    client = new_client("http://127.0.0.1:9")
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def _stubbed(stub: Stubber, waits: list[int]) -> Store:
    client: Any = stub.client
    return TableStore(DynamoTable(client, "books", new_mark, waits.append), "paper")


def _refuse(stub: Stubber, operation: str, code: str, *reasons: str, **more: Any) -> None:
    modeled = {"CancellationReasons": [{"Code": reason} for reason in reasons]} if reasons else {}
    stub.add_client_error(operation, code, "as AWS says", modeled_fields=modeled, **more)


TWO: list[Change] = [Create(ORDER), Replace(LEDGER)]


@pytest.mark.parametrize(
    "reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
)
def test_a_transaction_that_others_are_in_the_way_of_is_tried_again_under_its_token(
    stub: Stubber, reason: str
) -> None:
    waits: list[int] = []
    tokens: list[str] = []
    store = _stubbed(stub, waits)
    stub.client.meta.events.register(
        "before-parameter-build.dynamodb.TransactWriteItems",
        lambda params, **_: tokens.append(params["ClientRequestToken"]),
    )
    for _ in range(2):
        _refuse(stub, "transact_write_items", "TransactionCanceledException", "None", reason)
    stub.add_response("transact_write_items", {})
    assert store.commit(TWO) is None
    assert waits == [1, 2]
    assert len(tokens) == 3
    assert len({*tokens}) == 1


def test_a_put_that_a_transaction_is_in_the_way_of_is_tried_again(stub: Stubber) -> None:
    waits: list[int] = []
    _refuse(stub, "put_item", "TransactionConflictException")
    stub.add_response("put_item", {})
    assert _stubbed(stub, waits).commit([Create(ORDER)]) is None
    assert waits == [1]


def test_the_tries_have_an_end(stub: Stubber) -> None:
    waits: list[int] = []
    for _ in range(TRIES_MAX):
        reasons = ("TransactionConflict", "None")
        _refuse(stub, "transact_write_items", "TransactionCanceledException", *reasons)
    with pytest.raises(StoreUnavailable, match="table books: others were in the way 4 times"):
        _stubbed(stub, waits).commit(TWO)
    assert waits == [1, 2, 3]
    stub.assert_no_pending_responses()


def test_a_failed_condition_beside_a_busy_item_is_a_conflict(stub: Stubber) -> None:
    reasons = ("TransactionConflict", "ConditionalCheckFailed")
    _refuse(stub, "transact_write_items", "TransactionCanceledException", *reasons)
    assert _stubbed(stub, []).commit(TWO) == Conflict(TWO[1])


def test_a_doubt_that_arose_in_an_earlier_try_stays(stub: Stubber) -> None:
    """Sent twice by botocore, then a transaction in the way, then another's item stands there."""
    retried = {"response_meta": {"RetryAttempts": 1}}
    _refuse(stub, "put_item", "TransactionConflictException", **retried)
    _refuse(stub, "put_item", "ConditionalCheckFailedException")
    with pytest.raises(StoreUnavailable, match="first try may have been done"):
        _stubbed(stub, []).commit([Replace(CONTROL)])


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "TransactionInProgressException",
        "ExpiredTokenException",
        "AccessDeniedException",
    ],
)
def test_errors_that_are_nobodys_answer_are_unavailable(stub: Stubber, code: str) -> None:
    store = _stubbed(stub, [])
    calls: dict[str, Callable[[], object]] = {
        "put_item": lambda: store.commit([Create(ORDER)]),
        "transact_write_items": lambda: store.commit(TWO),
        "query": store.glance,
        "get_item": lambda: store.order(ID),
    }
    for operation, call in calls.items():
        _refuse(stub, operation, code)
        with pytest.raises(StoreUnavailable, match=f"^table books: \\w+ {code}: as AWS says$"):
            call()


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("TransactionCanceledException", ("None", "ValidationError")),
        (
            "TransactionCanceledException",
            ("TransactionConflict", "ItemCollectionSizeLimitExceeded"),
        ),
        ("IdempotentParameterMismatchException", ()),
        ("ValidationException", ()),
        ("SerializationException", ()),
    ],
)
def test_errors_that_are_ours_are_not_tried_again(
    stub: Stubber, code: str, reasons: tuple[str, ...]
) -> None:
    waits: list[int] = []
    _refuse(stub, "transact_write_items", code, *reasons)
    with pytest.raises(InvariantBroken, match=f"^table books: .*{code}"):
        _stubbed(stub, waits).commit(TWO)
    assert waits == []


def test_what_botocore_calls_invalid_is_the_programmers_error(
    moto_client: "DynamoDBClient",
) -> None:
    nameless = TableStore(DynamoTable(moto_client, "", new_mark, no_wait), "paper")
    for call in (nameless.glance, lambda: nameless.commit(TWO)):
        with pytest.raises(InvariantBroken, match="Invalid length for parameter"):
            call()


def test_a_timeout_is_unavailable_though_the_write_was_done(
    store: Store, dynamodb: "DynamoDBClient"
) -> None:
    def time_out(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="of the test")

    for event in WRITES:
        dynamodb.meta.events.register_first(event, time_out)
    try:
        transaction: list[Change] = [Create(EVENT), Replace(LEDGER)]
        for changes in (TWO[:1], transaction):
            with pytest.raises(StoreUnavailable, match=r"table books-\d+ did not answer: Read tim"):
                store.commit(changes)
    finally:
        for event in WRITES:
            dynamodb.meta.events.unregister(event, time_out)
    assert store.order(ID) == as_stored(ORDER)
    assert store.events(1) == [EVENT]


def test_one_change_goes_as_a_plain_put_and_a_check_as_a_transaction(stub: Stubber) -> None:
    store = _stubbed(stub, [])
    stub.add_response("put_item", {})
    assert store.commit([Create(ORDER)]) is None
    expected = {"TransactItems": ANY, "ClientRequestToken": ANY}
    stub.add_response("transact_write_items", {}, expected)
    assert store.commit([Unchanged(Ledger(BTC))]) is None
    stub.add_response("transact_write_items", {}, expected)
    assert store.commit(TWO) is None


def test_a_glance_is_one_strongly_consistent_query(stub: Stubber) -> None:
    expected = {
        "TableName": "books",
        "ConsistentRead": True,
        "KeyConditionExpression": ANY,
        "ExpressionAttributeValues": {
            ":pk": {"S": "paper#HOT"}, ":low": {"S": "!"}, ":high": {"S": "~"},
        },
    }  # fmt: skip
    stub.add_response("query", {"Items": []}, expected)
    _stubbed(stub, []).glance()
    stub.assert_no_pending_responses()


def test_single_items_are_read_strongly_consistent(stub: Stubber) -> None:
    expected = {"TableName": "books", "ConsistentRead": True, "Key": ANY}
    store = _stubbed(stub, [])
    for read in (lambda: store.order(ID), store.paper_account):
        stub.add_response("get_item", {}, expected)
        read()
    stub.assert_no_pending_responses()


def test_another_client_finds_what_one_wrote(
    moto_client: "DynamoDBClient", table_name: str
) -> None:
    make_table(moto_client, table_name)
    first = TableStore(DynamoTable(moto_client, table_name, new_mark, no_wait), "paper")
    other = TableStore(DynamoTable(new_client(), table_name, new_mark, no_wait), "paper")
    assert first.commit([Replace(LEDGER)]) is None
    assert other.glance().ledgers == {BTC: as_stored(LEDGER)}
