"""The table and the switch, from settings: all that the API and the commands need of AWS."""

from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from crypto_ai_bot.ports.store import Store
from crypto_ai_bot.ports.switch import TradingSwitch
from crypto_ai_bot.runtime.aws import dynamodb_client, ssm_client
from crypto_ai_bot.runtime.clock import monotonic_ms, pause_between_tries
from crypto_ai_bot.runtime.parameters import AlwaysOn, ParameterSwitch, read_parameter
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient

EVENT_TTL_SECONDS = 30 * 86_400


class Books:
    """The store and the switch of one deployment, made when first asked for and kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def store(self) -> Store:
        """The table that TABLE_NAME names, in the namespace of the mode."""
        return self._store_in(self._settings.table_name)

    @cached_property
    def locks(self) -> Store:
        """The table that LOCK_TABLE_NAME names: the same one, unless deployments share another."""
        shared = self._settings.lock_table_name
        return self.store if shared == self._settings.table_name else self._store_in(shared)

    def table(self, name: str) -> DynamoTable:
        """Any table whole, for what looks after it; it need not be there."""
        return DynamoTable(self._dynamodb, name, lambda: str(uuid4()), pause_between_tries)

    def _store_in(self, table_name: str) -> Store:
        return TableStore(
            self.table(table_name),
            self._settings.account_name,
            nothing_ttl_seconds=self._settings.idempotency_ttl_sec,
            event_ttl_seconds=EVENT_TTL_SECONDS,
        )

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return dynamodb_client()

    @cached_property
    def switch(self) -> TradingSwitch:
        """The parameter that TRADING_PARAMETER names; without one the table's word alone counts."""
        name = self._settings.trading_parameter
        if not name:
            return AlwaysOn()
        return ParameterSwitch(lambda: self.parameter(name), monotonic_ms)

    def parameter(self, name: str) -> str:
        """The value of any parameter, decrypted. Raises ParameterUnavailable."""
        return read_parameter(self._ssm, name)

    @cached_property
    def _ssm(self) -> "SSMClient":
        return ssm_client()
