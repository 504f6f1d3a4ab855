"""Keys and tokens: where they may come from, and a type that never shows them.

Each of API_KEY, API_SECRET and API_TOKEN comes from exactly one place: the variable itself, a file
(`_FILE`), base64 (`_B64`), a JSON file for all of them (SECRETS_FILE), or a parameter of SSM
(CREDENTIALS_PARAMETER for key and secret, API_TOKEN_PARAMETER).
"""

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path
from typing import Final, NoReturn, Self

from crypto_ai_bot.domain.errors import BadSetting

_NAMES: Final = ("API_KEY", "API_SECRET", "API_TOKEN")
_FORMS: Final = ("", "_FILE", "_B64")
_LOCAL: Final = (*(name + form for name in _NAMES for form in _FORMS), "SECRETS_FILE")
VARIABLES: Final = (*_LOCAL, "CREDENTIALS_PARAMETER", "API_TOKEN_PARAMETER")

# Short values would be redacted out of innocent words, and are no secrets anyway.
SECRET_LENGTH_MIN: Final = 8
TOKEN_LENGTH_MIN: Final = 16
TOKENS_MAX: Final = 2  # an old and a new one, while callers change over


class Secret:
    """A text that must not be seen. `reveal` is the only way to it; it shows as ***."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one who signs or compares with it."""
        return self._text

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is the secret, in a time that tells nothing of it."""
        return compare_digest(self._text.encode(), candidate.encode("utf-8", "replace"))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied to anywhere that could be read")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key pair of one exchange account."""

    api_key: Secret
    api_secret: Secret

    @property
    def fingerprint(self) -> str:
        """Names the key without telling it: the first 12 hex digits of its SHA-256."""
        return hashlib.sha256(self.api_key.reveal().encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class SecretSources:
    """What the environment says about where secrets are; nothing is read before it is asked for."""

    variables: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    credentials_parameter: str = ""
    api_token_parameter: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Picks the sources out of the variables that are set."""
        return cls(
            {name: Secret(given[name]) for name in _LOCAL if name in given},
            given.get("CREDENTIALS_PARAMETER", ""),
            given.get("API_TOKEN_PARAMETER", ""),
        )

    @property
    def offer_credentials(self) -> bool:
        """Something was given that should lead to a key and its secret."""
        both = all(any(name + form in self.variables for form in _FORMS) for name in _NAMES[:2])
        return both or "SECRETS_FILE" in self.variables or bool(self.credentials_parameter)

    def credentials(self, get_parameter: Callable[[str], str]) -> Credentials | None:
        """The key pair; None when none was given.

        `get_parameter` reads a decrypted parameter by name; what it raises passes through. Raises
        BadSetting for two sources of one secret, half a pair, or a source that cannot be read.
        """
        parameter = self.credentials_parameter
        sources = self._json_parameter(parameter, get_parameter) if parameter else {}
        key, secret = (self._one_of(name, sources) for name in ("API_KEY", "API_SECRET"))
        if key is None and secret is None:
            return None
        if key is None or secret is None:
            missing, there = ("API_KEY", "API_SECRET") if key is None else ("API_SECRET", "API_KEY")
            raise BadSetting(
                f"{missing}: not given, but {there} is; give both in any of their forms"
            )
        return Credentials(key, secret)

    def api_tokens(self, get_parameter: Callable[[str], str]) -> tuple[Secret, ...]:
        """The bearer tokens that the API accepts: none, one, or two while they are changed.

        Raises BadSetting as `credentials` does, and for a token that is too short.
        """
        name = self.api_token_parameter
        found = {"API_TOKEN_PARAMETER": get_parameter(name)} if name else {}
        given = self._one_of("API_TOKEN", {"API_TOKEN": found} if found else {})
        if given is None:
            return ()
        tokens = [token.strip() for token in given.reveal().split(",")]
        if len(tokens) > TOKENS_MAX or min(map(len, tokens)) < TOKEN_LENGTH_MIN:
            raise BadSetting(
                f"API_TOKEN=***: must be one token, or two with a comma between, "
                f"of at least {TOKEN_LENGTH_MIN} characters each"
            )
        return tuple(map(Secret, tokens))

    def _one_of(self, name: str, elsewhere: Mapping[str, Mapping[str, str]]) -> Secret | None:
        found = {**dict(self._local(name)), **elsewhere.get(name, {})}
        if len(found) > 1:
            raise BadSetting(f"{' and '.join(found)}: each gives {name}; give one of them only")
        for source, text in found.items():
            if len(text.strip()) < SECRET_LENGTH_MIN or len(text.split()) > 1:
                raise BadSetting(
                    f"{source}=***: {name} must be at least {SECRET_LENGTH_MIN} characters "
                    "without blanks"
                )
            return Secret(text.strip())
        return None

    def _local(self, name: str) -> Iterator[tuple[str, str]]:
        """Everything that gives the secret `name` on this machine, by the variable that does."""
        if plain := self.variables.get(name):
            yield name, plain.reveal()
        if path := self.variables.get(f"{name}_FILE"):
            yield f"{name}_FILE", _file(f"{name}_FILE", path.reveal())
        if encoded := self.variables.get(f"{name}_B64"):
            yield f"{name}_B64", _base64(f"{name}_B64", encoded.reveal())
        if path := self.variables.get("SECRETS_FILE"):
            texts = _json("SECRETS_FILE", _file("SECRETS_FILE", path.reveal()))
            if name in texts:
                yield "SECRETS_FILE", texts[name]

    @staticmethod
    def _json_parameter(
        parameter: str, get_parameter: Callable[[str], str]
    ) -> Mapping[str, Mapping[str, str]]:
        texts = _json("CREDENTIALS_PARAMETER", get_parameter(parameter))
        for name in ("API_KEY", "API_SECRET"):
            if name not in texts:
                raise BadSetting(f"CREDENTIALS_PARAMETER={parameter}: its JSON has no {name}")
        return {name: {"CREDENTIALS_PARAMETER": text} for name, text in texts.items()}


def _file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadSetting(f"{variable}={path}: must be a readable file ({why})") from None


def _base64(variable: str, encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError:
        raise BadSetting(f"{variable}=***: must be base64 of UTF-8 text") from None


def _json(variable: str, text: str) -> Mapping[str, str]:
    """The texts of a JSON object by name in capitals."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise BadSetting(
            f'{variable}: must hold JSON like {{"API_KEY": "...", "API_SECRET": "..."}}'
        )
    return {str(name).upper(): value for name, value in read.items()}
