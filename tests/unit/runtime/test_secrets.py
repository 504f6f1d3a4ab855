"""Each secret from exactly one source, and shown by none."""

import json
import pickle
from base64 import b64encode
from pathlib import Path

import pytest

from crypto_ai_bot.domain.errors import BadSetting, ParameterUnavailable
from crypto_ai_bot.runtime.secrets import Secret, SecretSources

KEY, SECRET = "0123456789abcdef" * 2, "fedcba9876543210" * 4
TOKEN, OTHER_TOKEN = "t" * 16, "u" * 20
PAIR = json.dumps({"API_KEY": KEY, "API_SECRET": SECRET})


def no_parameter(name: str) -> str:
    raise AssertionError(f"{name} was read")


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def read_pair(**given: str) -> tuple[str, str]:
    credentials = SecretSources.of(given).credentials(lambda _: PAIR)
    assert credentials is not None
    return credentials.api_key.reveal(), credentials.api_secret.reveal()


def refusal(parameter: str = PAIR, **given: str) -> str:
    with pytest.raises(BadSetting) as caught:
        SecretSources.of(given).credentials(lambda _: parameter)
    line = str(caught.value)
    assert KEY not in line
    assert SECRET not in line
    assert "\n" not in line
    return line


def test_the_pair_comes_as_it_is_from_files_from_base64_from_json_or_from_a_parameter(
    tmp_path: Path,
) -> None:
    files = {
        "API_KEY_FILE": written(tmp_path, "key", f"{KEY}\n"),
        "API_SECRET_FILE": written(tmp_path, "secret", SECRET),
    }
    encoded = {
        "API_KEY_B64": b64encode(KEY.encode()).decode(),
        "API_SECRET_B64": b64encode(f"{SECRET}\n".encode()).decode(),
    }
    lower = json.dumps({"api_key": KEY, "api_secret": SECRET})
    for given in (
        {"API_KEY": KEY, "API_SECRET": SECRET},
        files,
        encoded,
        {"SECRETS_FILE": written(tmp_path, "both", lower)},
        {"CREDENTIALS_PARAMETER": "/bot/key"},
        {"API_KEY": KEY, "API_SECRET_FILE": files["API_SECRET_FILE"]},
    ):
        assert SecretSources.of(given).offer_credentials
        assert read_pair(**given) == (KEY, SECRET)


def test_nothing_given_is_no_credentials_and_reads_no_parameter() -> None:
    sources = SecretSources.of({})
    assert not sources.offer_credentials
    assert sources.credentials(no_parameter) is None
    assert sources.api_tokens(no_parameter) == ()


def test_two_sources_of_one_secret_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "both", PAIR)
    assert refusal(API_KEY=KEY, API_SECRET=SECRET, SECRETS_FILE=path) == (
        "API_KEY and SECRETS_FILE: each gives API_KEY; give one of them only"
    )
    encoded = b64encode(SECRET.encode()).decode()
    assert refusal(API_KEY=KEY, API_SECRET=SECRET, API_SECRET_B64=encoded) == (
        "API_SECRET and API_SECRET_B64: each gives API_SECRET; give one of them only"
    )
    assert refusal(API_KEY=KEY, CREDENTIALS_PARAMETER="/bot/key") == (
        "API_KEY and CREDENTIALS_PARAMETER: each gives API_KEY; give one of them only"
    )


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    assert refusal(API_KEY=KEY) == (
        "API_SECRET: not given, but API_KEY is; give both in any of their forms"
    )
    path = written(tmp_path, "half", json.dumps({"API_SECRET": SECRET}))
    assert refusal(SECRETS_FILE=path).startswith("API_KEY: not given, but API_SECRET is")
    assert not SecretSources.of({"API_KEY": KEY}).offer_credentials


def test_a_source_that_cannot_be_read_gets_one_line(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert refusal(API_KEY_FILE=missing) == (
        f"API_KEY_FILE={missing}: must be a readable file (No such file or directory)"
    )
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xfd")
    assert refusal(SECRETS_FILE=str(tmp_path / "bytes")).endswith("(not UTF-8 text)")
    assert refusal(API_KEY_B64="not base64!") == "API_KEY_B64=***: must be base64 of UTF-8 text"
    for text in (KEY, json.dumps([KEY]), json.dumps({"API_KEY": 5})):
        path = written(tmp_path, "json", text)
        assert refusal(SECRETS_FILE=path).startswith("SECRETS_FILE: must hold JSON like {")
    assert refusal("oops", CREDENTIALS_PARAMETER="/bot/key").startswith("CREDENTIALS_PARAMETER: ")
    half = json.dumps({"API_KEY": KEY})
    assert refusal(half, CREDENTIALS_PARAMETER="/bot/key") == (
        "CREDENTIALS_PARAMETER=/bot/key: its JSON has no API_SECRET"
    )


@pytest.mark.parametrize("text", ["short", "has a blank", ""])
def test_what_cannot_be_a_key_is_refused(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, "key", text)
    assert refusal(API_KEY_FILE=path, API_SECRET=SECRET) == (
        "API_KEY_FILE=***: API_KEY must be at least 8 characters without blanks"
    )


def test_a_parameter_that_cannot_be_read_stays_what_it_is() -> None:
    def unavailable(name: str) -> str:
        raise ParameterUnavailable(name)

    with pytest.raises(ParameterUnavailable):
        SecretSources.of({"CREDENTIALS_PARAMETER": "/bot/key"}).credentials(unavailable)


def test_the_fingerprint_names_the_key_without_telling_it() -> None:
    credentials = SecretSources.of({"API_KEY": "abcdefgh", "API_SECRET": SECRET}).credentials(
        no_parameter
    )
    assert credentials
    assert credentials.fingerprint == "9c56cc51b374"  # printf abcdefgh | sha256sum


def tokens(**given: str) -> list[str]:
    found = SecretSources.of(given).api_tokens(lambda _: f"{TOKEN},{OTHER_TOKEN}")
    return [token.reveal() for token in found]


def test_one_token_or_two_while_callers_change_over(tmp_path: Path) -> None:
    assert tokens(API_TOKEN=TOKEN) == [TOKEN]
    assert tokens(API_TOKEN=f"{TOKEN},{OTHER_TOKEN}") == [TOKEN, OTHER_TOKEN]
    assert tokens(API_TOKEN_FILE=written(tmp_path, "token", f"{TOKEN}\n")) == [TOKEN]
    assert tokens(API_TOKEN_PARAMETER="/bot/token") == [TOKEN, OTHER_TOKEN]


@pytest.mark.parametrize("text", ["t" * 15, f"{TOKEN},", f"{TOKEN},short", ",".join([TOKEN] * 3)])
def test_other_tokens_are_refused(text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        tokens(API_TOKEN=text)
    assert str(caught.value) == (
        "API_TOKEN=***: must be one token, or two with a comma between, of at least 16 characters "
        "each"
    )


def test_two_sources_of_the_token_are_named() -> None:
    with pytest.raises(BadSetting, match=r"^API_TOKEN and API_TOKEN_PARAMETER: each gives"):
        tokens(API_TOKEN=TOKEN, API_TOKEN_PARAMETER="/bot/token")


def test_a_secret_shows_nowhere() -> None:
    secret = Secret(KEY)
    assert str(secret) == repr(secret) == f"{secret}" == "***"
    assert KEY not in f"{[secret]!r} {SecretSources({'API_KEY': secret})!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_candidate_matches_or_not() -> None:
    assert Secret(TOKEN).matches(TOKEN)
    for candidate in (TOKEN + "t", TOKEN[:-1], "", "ключ\ud800"):
        assert not Secret(TOKEN).matches(candidate)
