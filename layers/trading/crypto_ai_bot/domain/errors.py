"""Everything that can go wrong, drawn by who must act.

    Exception
    └── TradingError
        ├── NextTick              nobody: the next tick tries again
        │   ├── ExchangeUnavailable   the exchange did not answer, or not with an answer
        │   ├── StoreUnavailable      the table did not answer; what was asked may have been done
        │   ├── ParameterUnavailable  the trading parameter could not be read
        │   └── MessageUndelivered    a message to the operator was not taken
        ├── CallerMustAct         whoever sent the event or typed the command
        │   └── BadEvent
        ├── OperatorMustAct       the person who runs this deployment
        │   ├── BadSetting            a variable with a value that is not allowed
        │   ├── ExchangeRefusesKey    the exchange knows us and will not: key, address, clock
        │   ├── AnotherDeployment     the exchange account is traded by somebody else
        │   └── SchemaUnknown         an item written by a newer or foreign program
        └── InvariantBroken       the programmer: the books would become untrue

A refusal that is expected (a risk limit, a lease held by another run, a rejected order) is a value.
"""


class TradingError(Exception):
    """Root of the tree; never raised itself."""


class NextTick(TradingError):  # noqa: N818 - named after who acts
    """Nothing to do: the next tick meets the same facts and tries again."""


class ExchangeUnavailable(NextTick):
    """The exchange did not answer, or answered with something that is not an answer."""


class StoreUnavailable(NextTick):
    """The table did not answer; a write that was under way may have happened or not."""


class ParameterUnavailable(NextTick):
    """The trading parameter could not be read: entries stay closed, exits open."""


class MessageUndelivered(NextTick):
    """A topic or a chat did not take a message; what it tells stays in the outbox."""


class CallerMustAct(TradingError):  # noqa: N818 - named after who acts
    """The event or the command is wrong; sending it again changes nothing."""


class BadEvent(CallerMustAct):
    """One line: what was wrong in the event, what was found, what is allowed."""


class OperatorMustAct(TradingError):  # noqa: N818 - named after who acts
    """Settings, keys or items need a person."""


class BadSetting(OperatorMustAct):
    """One line: the variable, the value found, what is allowed."""


class ExchangeRefusesKey(OperatorMustAct):
    """One line: what the exchange refused, its label, and what the operator can do.

    An answer, unlike ExchangeUnavailable: asking again changes nothing until a person has acted.
    """


class AnotherDeployment(OperatorMustAct):
    """Another deployment holds the instance lock of the exchange account: nothing is done here."""


class SchemaUnknown(OperatorMustAct):
    """An item carries a schema version that this program does not know."""


class InvariantBroken(TradingError):  # noqa: N818 - says what happened
    """The books would have become untrue. Raised before anything is written."""
