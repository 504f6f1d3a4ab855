"""A `.env` file: the variables of a laptop."""

import re
from collections.abc import Mapping
from pathlib import Path

from crypto_ai_bot.domain.errors import BadSetting


def read_env_file(path: Path) -> Mapping[str, str]:
    """The variables of a `.env` file: KEY=VALUE lines, `#` at the start of a line is a comment.

    A value may stand in quotes. Raises BadSetting for a file that cannot be read and for a line
    that is neither; the line is not shown, for it may hold a secret.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        raise BadSetting(f"{path}: must be a readable text file of KEY=VALUE lines") from None
    found = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise BadSetting(f"{path}, line {number}: must be KEY=VALUE, or # and a comment")
        quoted = re.fullmatch(r"""(["'])(.*)\1""", value.strip())
        found[name.strip()] = quoted[2] if quoted else value.strip()
    return found
