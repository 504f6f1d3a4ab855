"""Deploying again: nothing to do is nothing done, and what the operator set stays."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from contract.conftest import new_mark, no_wait
from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.stack import deploy, empty_table
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable
from e2e.rig import Rig, tick_event

pytestmark = pytest.mark.cloud

KILLED = {"Worker process died"}


def parameters_of(rig: Rig) -> dict[str, str]:
    [stack] = rig.cloud.client("cloudformation").describe_stacks(StackName="crypto-ai-bot")[
        "Stacks"
    ]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def test_the_same_stack_again_is_left_alone(rig: Rig, places: Places) -> None:
    places.log("deploy").unlink(missing_ok=True)
    again = deploy(places, rig.cloud, parameters_of(rig))
    assert again.outputs == rig.stack.outputs
    assert not places.log("deploy").exists()


def test_a_deployment_while_ticks_fire_doubles_nothing(rig: Rig, places: Places) -> None:
    """Every tick twice at once, from before the deployment until after it, and until one trades.

    Harder than AWS, which lets a run end: the embedded cloud kills those that it updates.
    """

    def tick(pool: ThreadPoolExecutor, job: str) -> None:
        event = tick_event(job, rig.next_minute())
        for went_well, answer in pool.map(lambda _: rig.invoke(job, event), range(2)):
            assert went_well or answer["errorMessage"] in KILLED, answer

    store = TableStore(
        DynamoTable(rig.cloud.client("dynamodb"), rig.stack.table, new_mark, no_wait), "paper"
    )
    before = len(store.paper_orders(0))
    with ThreadPoolExecutor(3) as pool:
        settings = {**parameters_of(rig), "BackupRetentionDays": "11"}
        deployment = pool.submit(deploy, places, rig.cloud, settings)
        during = 0
        while not deployment.done():
            tick(pool, "evaluate")
            during += 1
        deployment.result()
        for _ in range(240):
            if len(store.paper_orders(0)) > before and not store.unresolved_orders():
                break
            tick(pool, "evaluate")
            tick(pool, "exits")
    assert during > 1
    made = Counter(one.report.client_order_id for one in store.paper_orders(0))
    assert len(made) > before
    assert set(made.values()) == {1}
    assert all(store.order(name) for name in made)
    assert not store.unresolved_orders()


def test_a_stack_goes_on_with_a_table_that_was_restored(rig: Rig, places: Places) -> None:
    """As the runbook says: restore to a new table, name it, and go on where the backup was.

    What the operator has switched stays, and another setting reaches the functions.
    """
    ssm, switch = rig.cloud.client("ssm"), rig.stack.trading_parameter
    dynamodb, was = rig.cloud.client("dynamodb"), parameters_of(rig)
    rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    books = rig.items()
    backup = dynamodb.create_backup(TableName=rig.stack.table, BackupName="before")
    empty_table(rig.stack)
    dynamodb.restore_table_from_backup(
        TargetTableName="restored", BackupArn=backup["BackupDetails"]["BackupArn"]
    )
    ssm.put_parameter(Name=switch, Value="exits_only", Overwrite=True)
    chosen = {**was, "RestoredTableName": "restored", "BackupRetentionDays": "9"}
    restored = deploy(places, rig.cloud, chosen)
    assert restored.table == "restored"
    assert ssm.get_parameter(Name=switch)["Parameter"]["Value"] == "exits_only"
    ssm.put_parameter(Name=switch, Value="on", Overwrite=True)
    there = replace(rig, stack=restored)
    assert there.items() == books
    for job in ("evaluate", "watchdog", "notify"):
        went_well, outcome = there.invoke(job, tick_event(job, rig.next_minute()))
        assert went_well, outcome
    assert there.items().keys() > books.keys()
    assert not rig.items()
    environment = rig.cloud.client("lambda").get_function_configuration(
        FunctionName=rig.stack.function("evaluate")
    )["Environment"]["Variables"]
    assert environment["BACKUP_RETENTION_DAYS"] == "9"
    deploy(places, rig.cloud, was)


def test_a_paper_account_can_be_forgotten(rig: Rig) -> None:
    rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert rig.items()
    empty_table(rig.stack)
    assert not rig.items()
