"""Deploying again: nothing to do is nothing done, and what the operator set stays."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.stack import deploy, empty_table
from e2e.rig import Rig, tick_event

pytestmark = pytest.mark.cloud


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


def test_another_setting_reaches_the_functions_and_leaves_table_and_switch_as_they_were(
    rig: Rig, places: Places
) -> None:
    ssm, switch = rig.cloud.client("ssm"), rig.stack.trading_parameter
    was = parameters_of(rig)
    rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    items = rig.items()
    ssm.put_parameter(Name=switch, Value="exits_only", Overwrite=True)
    try:
        deploy(places, rig.cloud, {**was, "BackupRetentionDays": "9"})
        assert ssm.get_parameter(Name=switch)["Parameter"]["Value"] == "exits_only"
    finally:
        ssm.put_parameter(Name=switch, Value="on", Overwrite=True)
    assert rig.items() == items
    environment = rig.cloud.client("lambda").get_function_configuration(
        FunctionName=rig.stack.function("evaluate")
    )["Environment"]["Variables"]
    assert environment["BACKUP_RETENTION_DAYS"] == "9"


def test_a_deployment_while_ticks_fire_doubles_nothing(rig: Rig, places: Places) -> None:
    """Every tick twice at once, from before the deployment until after it, and until one trades."""

    def tick(pool: ThreadPoolExecutor) -> set[str]:
        event = tick_event("evaluate", rig.next_minute())
        answers = list(pool.map(lambda _: rig.invoke("evaluate", event), range(2)))
        assert all(went_well for went_well, _ in answers), answers
        return {
            one["order"]["client_order_id"]
            for _, outcome in answers
            for one in outcome["symbols"]
            if one["order"]
        }

    names: set[str] = set()
    with ThreadPoolExecutor(3) as pool:
        settings = {**parameters_of(rig), "BackupRetentionDays": "11"}
        deployment = pool.submit(deploy, places, rig.cloud, settings)
        during = 0
        while not deployment.done():
            names |= tick(pool)
            during += 1
        deployment.result()
        for _ in range(240):
            if names:
                break
            names |= tick(pool)
    assert during > 1
    assert names
    journaled = [pk for pk, sk in rig.items() if sk == "ORDER"]
    filled = [sk for pk, sk in rig.items() if pk == "paper#PAPER" and sk != "ACCOUNT"]
    assert len(journaled) == len(filled)
    assert {f"paper#ORDER#{name}" for name in names} <= set(journaled)


def test_a_stack_goes_on_with_a_table_that_was_restored(rig: Rig, places: Places) -> None:
    """As the runbook says: restore to a new table, name it, and go on where the backup was."""
    dynamodb, was = rig.cloud.client("dynamodb"), parameters_of(rig)
    rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    books = rig.items()
    backup = dynamodb.create_backup(TableName=rig.stack.table, BackupName="before")
    empty_table(rig.stack)
    dynamodb.restore_table_from_backup(
        TargetTableName="restored", BackupArn=backup["BackupDetails"]["BackupArn"]
    )
    restored = deploy(places, rig.cloud, {**was, "RestoredTableName": "restored"})
    assert restored.table == "restored"
    there = replace(rig, stack=restored)
    assert there.items() == books
    for job in ("evaluate", "watchdog", "notify"):
        went_well, outcome = there.invoke(job, tick_event(job, rig.next_minute()))
        assert went_well, outcome
    assert there.items().keys() > books.keys()
    assert not rig.items()
    deploy(places, rig.cloud, was)


def test_a_paper_account_can_be_forgotten(rig: Rig) -> None:
    rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert rig.items()
    empty_table(rig.stack)
    assert not rig.items()
