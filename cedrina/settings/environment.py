"""Read the environment by the table of settings. All faults together stop the start, each with a sentence."""

import base64
import binascii
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import environ

from cedrina.settings import social_providers, validation
from cedrina.settings.development_secrets import development_secret
from cedrina.settings.environment_setting import EnvironmentSetting, InvalidSettingValue
from cedrina.settings.environment_settings import SETTINGS
from cedrina.settings.environment_values import EnvironmentValues

BASE_DIR = Path(__file__).resolve().parents[2]
PREFIX = "CEDRINA_"
FIELD_KEY_BYTES = 32
# Names that the demonstration reads. It is a client and has no settings.
CLIENT_NAMES = frozenset({"CEDRINA_URL"})


class ConfigurationError(SystemExit):
    """The configuration has faults. It ends the process and prints one sentence for each fault, without a traceback."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(["Cedrina does not start:", *(f"  - {sentence}" for sentence in sentences)]))
        self.sentences = sentences
        self.text = str(self.code)


def read_dotenv() -> None:
    """Read `.env` for the names that the environment does not have."""
    path = BASE_DIR / ".env"
    if path.is_file():
        environ.Env.read_env(path, overwrite=False, parse_comments=True)


def environment_of_test_run() -> dict[str, str]:
    """Return the environment of a test run: the URLs of its stores, and nothing else of the real environment."""
    stores = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    field_key = base64.b64encode(b"only-in-tests-only-in-tests-only").decode()
    return {"SECRET_KEY": "only-in-tests-" * 5, "FIELD_ENCRYPTION_KEYS": f"test1:{field_key}", **stores}


def load(source: Mapping[str, str] | None = None) -> EnvironmentValues:
    """Parse and validate the environment, by default ``os.environ``.

    Raises: ConfigurationError with a sentence for each fault.
    """
    source = os.environ if source is None else source
    faults = _unknown_names(source)
    texts: dict[str, str] = {}
    values: dict[str, Any] = {}
    for setting in SETTINGS.values():
        try:
            text = _text_of(setting, source)
            if text is not None:
                texts[setting.name] = text
            values[setting.name] = setting.default if text is None else setting.parse(text)
        except InvalidSettingValue as error:
            # The sentence names the setting, never the value: it may be a secret.
            faults.append(f"{setting.name} {error}.")
            values[setting.name] = setting.default
    result = EnvironmentValues(values, frozenset(texts))
    if result.is_development:
        for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
            if name not in texts:
                values[name] = SETTINGS[name].parse(development_secret(name, directory=BASE_DIR / ".data"))
        values["PUBLIC_URL"] = values["PUBLIC_URL"] or f"http://127.0.0.1:{values['PORT']}"
    faults.extend(_field_keys(values))
    values["SOCIAL_PROVIDERS"], found = social_providers.read(
        values["SOCIAL_PROVIDERS"], is_development=result.is_development
    )
    faults.extend(found)
    faults.extend(validation.contradictions(result))
    if not result.is_development:
        faults.extend(validation.unsafe_values(result))
    if faults:
        raise ConfigurationError(faults)
    return result


def _text_of(setting: EnvironmentSetting, source: Mapping[str, str]) -> str | None:
    """Return the text of a setting, or the content of the file that NAME_FILE names. An empty text means not set.

    Raises: InvalidSettingValue.
    """
    text = source.get(setting.name) or None
    path = source.get(f"{setting.name}_FILE") if setting.is_secret else None
    if not path:
        return text
    if text is not None:
        raise InvalidSettingValue(f"and {setting.name}_FILE are both set; keep one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingValue(f"can't be read from the file that {setting.name}_FILE names") from error


def _unknown_names(source: Mapping[str, str]) -> list[str]:
    known = {*SETTINGS, *(f"{name}_FILE" for name, setting in SETTINGS.items() if setting.is_secret)}
    faults = []
    for name in sorted(source):
        if not name.startswith(PREFIX) or name in known or name in CLIENT_NAMES:
            continue
        bare = name.removeprefix(PREFIX)
        near = [bare] if bare in known else difflib.get_close_matches(name, known, 1, 0.75)
        near = near or difflib.get_close_matches(bare, known, 1, 0.75)
        hint = f" Did you mean {near[0]}?" if near else " Remove it."
        faults.append(f"{name} is not a setting.{hint}")
    return faults


def _field_keys(values: dict[str, Any]) -> list[str]:
    """Replace the texts of FIELD_ENCRYPTION_KEYS by (id, key) pairs. Return their faults."""
    keys: list[tuple[str, bytes]] = []
    for text in values["FIELD_ENCRYPTION_KEYS"] or ():
        key_id, _, encoded = text.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not key_id.isalnum() or len(key) != FIELD_KEY_BYTES:
            return [
                "FIELD_ENCRYPTION_KEYS must be `id:base64 of 32 bytes`, comma separated; an id is letters and digits."
            ]
        keys.append((key_id, key))
    if len({key_id for key_id, _ in keys}) != len(keys):
        return ["FIELD_ENCRYPTION_KEYS names one id twice; give each key an id of its own."]
    values["FIELD_ENCRYPTION_KEYS"] = keys
    return []
