"""Text files that are there whole or not at all."""

from pathlib import Path

from crypto_ai_bot.domain.errors import BadSetting


def write_whole(path: Path, text: str, option: str) -> None:
    """Writes under another name first; what stood there before is replaced in one step.

    Raises BadSetting, naming `option`, where that fails; nothing is left behind.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BadSetting(f"{option} {path}: cannot be written: {error.strerror}") from None
