"""The embedded cloud as a process: state kept, alone on it, and gone when its starter is."""

import subprocess
import sys
from pathlib import Path

import pytest

from crypto_ai_bot.local.cloud import embedded_cloud
from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.places import Places, project_root
from crypto_ai_bot.local.processes import free_port, listens

pytestmark = pytest.mark.cloud

TETHERED = project_root() / "layers/trading/crypto_ai_bot/local/tethered.py"


@pytest.fixture
def own_places(tmp_path: Path) -> Places:
    return Places(project_root(), tmp_path)


def test_its_state_outlives_it(own_places: Places) -> None:
    with embedded_cloud(own_places) as cloud:
        cloud.client("ssm").put_parameter(Name="/kept", Value="this", Type="String")
    assert not listens(cloud.port)
    with embedded_cloud(own_places, cloud.port) as again:
        assert again.port == cloud.port
        found = again.client("ssm").get_parameter(Name="/kept")
    assert found["Parameter"]["Value"] == "this"


def test_a_second_one_on_the_same_state_is_refused(own_places: Places) -> None:
    with (
        embedded_cloud(own_places),
        pytest.raises(RehearsalError, match="in use by another rehearsal"),
        embedded_cloud(own_places),
    ):
        pass


def test_it_leaves_no_unpacked_function_behind(own_places: Places) -> None:
    with embedded_cloud(own_places):
        assert (own_places.cloud / "scratch").is_dir()
    assert not (own_places.cloud / "scratch").exists()


def test_the_functions_interpreter_knows_nothing_but_the_standard_library(
    own_places: Places,
) -> None:
    with embedded_cloud(own_places):
        pass
    [interpreter] = own_places.made.glob("lambda-python-*/bin/python")
    modules = ("json", "boto3", "pydantic", "ccxt", "crypto_ai_bot")
    code = "import importlib.util as u, sys; print([bool(u.find_spec(m)) for m in sys.argv[1:]])"
    found = subprocess.run(
        [interpreter, "-c", code, *modules], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[True, False, False, False, False]"


def test_a_process_on_a_tether_ends_with_its_starter() -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, TETHERED, "crypto_ai_bot.cli.exchange", "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"exchange ready")
        assert process.stdin is not None
        process.stdin.close()  # as the system does for a starter that was killed
        assert process.wait(10) == 0
    assert not listens(port)
