"""Which entities there are, where each lives, and how older items of it are brought up to date.

Everything that a tick reads stands in one partition, so that it is one query. An order stands
with its fills. An event stands under its own id, which is what makes it written once. A paper
order is placed by the time it finished, for that is how the paper exchange is asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.job import Health, Heartbeat
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.order import Fill, Order
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.trading_state import Control
from crypto_ai_bot.storage.actions import Item, Key
from crypto_ai_bot.storage.codec import Shape, shape_of

type Entity = (
    Account
    | Control
    | Ledger
    | MarketRules
    | Heartbeat
    | Health
    | Order
    | Fill
    | Event
    | InstanceLock
    | PaperAccount
    | PaperOrder
)
type Upgrade = Callable[[Item], Item]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity.

    `partition` and `sort` are filled in from the entity. `upgrades[n - 1]` makes an item of schema
    n + 1 from one of schema n: a new item, the old one untouched. Whoever changes the fields of an
    entity adds a step here, and thereby a schema version.
    """

    name: str
    type: Any
    partition: str
    sort: str
    upgrades: tuple[Upgrade, ...] = ()

    @property
    def schema(self) -> int:
        """The version that is written today; the first was 1."""
        return 1 + len(self.upgrades)

    @property
    def shape(self) -> Shape:
        """How its fields are written and read; worked out when first needed."""
        return shape_of(self.type)


def _with_exchange_stop(ledger: Item) -> Item:
    """Ledgers of schema 1 knew no stops at the exchange."""
    return {**ledger, "exchange_stop": None}


def _with_fees_unbooked(account: Item) -> Item:
    """Accounts of schema 1 forgot the fees that were paid in other coins."""
    return {**account, "fees_unbooked": {}}


def _with_ledger_version(fill: Item) -> Item:
    """Fills of schema 1 were in the order of their times."""
    return {**fill, "ledger_version": 0}


HOT: Final = "HOT"
PAPER: Final = "PAPER"
ORDER: Final = "ORDER"
ORDER_WITH_FILLS: Final = "ORDER#{0.client_order_id}"
FINISHED: Final = "ORDER#{0.report.updated_ms:013d}#{0.report.exchange_order_id}"

KINDS: Final = (
    Kind("account", Account, HOT, "ACCOUNT", (_with_fees_unbooked,)),
    Kind("control", Control, HOT, "CONTROL"),
    Kind("ledger", Ledger, HOT, "LEDGER#{0.symbol}", (_with_exchange_stop,)),
    Kind("rules", MarketRules, HOT, "RULES#{0.symbol}"),
    Kind("heartbeat", Heartbeat, HOT, "HEARTBEAT#{0.job}"),
    Kind("health", Health, HOT, "HEALTH"),
    Kind("order", Order, ORDER_WITH_FILLS, ORDER),
    Kind("fill", Fill, ORDER_WITH_FILLS, "FILL#{0.fill_id}", (_with_ledger_version,)),
    Kind("event", Event, "EVENT#{0.event_id}", "EVENT"),
    Kind("instance_lock", InstanceLock, "LOCK#{0.fingerprint}", "LOCK"),
    Kind("paper_account", PaperAccount, PAPER, "ACCOUNT"),
    Kind("paper_order", PaperOrder, PAPER, FINISHED),
)

KIND_BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS}
_KIND_BY_TYPE: Final[Mapping[type, Kind]] = {kind.type: kind for kind in KINDS}


def kind_of(entity: Entity) -> Kind:
    """The kind of `entity`. Raises InvariantBroken for what is not kept in the table."""
    try:
        return _KIND_BY_TYPE[type(entity)]
    except KeyError:
        raise InvariantBroken(f"{entity!r} has no place in the table") from None


def key_of(namespace: str, entity: Entity) -> Key:
    """Where `entity` stands among the items of `namespace`."""
    kind = kind_of(entity)
    return Key(f"{namespace}#{kind.partition.format(entity)}", kind.sort.format(entity))
