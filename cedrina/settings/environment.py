"""Read the environment by the schema of settings. All faults together stop the start, each with a sentence."""

import base64
import difflib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cedrina.settings import social_providers, validation
from cedrina.settings.development_data import data_directory
from cedrina.settings.development_secrets import development_secret
from cedrina.settings.environment_settings import SETTINGS, EnvironmentSettings
from cedrina.settings.public_address import default_allowed_hosts, default_public_url

BASE_DIR = Path(__file__).resolve().parents[2]
PREFIX = "CEDRINA_"
SECRETS = frozenset(name for name, field in SETTINGS.items() if not field.repr)
KNOWN_NAMES = frozenset(SETTINGS) | {f"{name}_FILE" for name in SECRETS}
# Names that the demonstration reads. It is a client and has no settings.
CLIENT_NAMES = frozenset({"CEDRINA_URL"})
# By the type of pydantic's error: what follows the name of the setting. Errors of setting_types.py say it themselves.
_SENTENCES = {
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "less_than": "must be less than {lt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_parsing": "must be true or false",
    "literal_error": "must be one of {expected}",
    "json_invalid": "must be a JSON list; what is given is no JSON",
    "list_type": "must be a JSON list of objects",
    "dict_type": "must be a JSON list of objects",
}


class ConfigurationError(SystemExit):
    """The configuration has faults. It ends the process and prints one sentence for each fault, without a traceback."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(["Cedrina does not start:", *(f"  - {sentence}" for sentence in sentences)]))
        self.sentences = sentences
        self.text = str(self.code)


def environment_of_test_run() -> dict[str, str]:
    """Return the environment of a test run: the URLs of its stores, and nothing else of the real environment."""
    stores = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    field_key = base64.b64encode(b"only-in-tests-only-in-tests-only").decode()
    return {
        "SECRET_KEY": "only-in-tests-" * 5,
        "FIELD_ENCRYPTION_KEYS": f"test1:{field_key}",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        **stores,
    }


def load(source: Mapping[str, str] | None = None) -> EnvironmentSettings:
    """Parse and validate the environment, by default ``os.environ``.

    Raises: ConfigurationError with a sentence for each fault.
    """
    source = os.environ if source is None else source
    faults = list(_unknown_names(source))
    texts: dict[str, str] = {}
    for name in SETTINGS:
        try:
            text = _text_of(name, source)
        except _UnreadableFile as error:
            faults.append(f"{name} {error}.")
        else:
            texts |= {name: text} if text else {}
    values, found = _parse(texts)
    faults.extend(found)
    if values.is_development:
        missing = {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS"} - set(texts)
        data = data_directory(values.CEDRINA_DATA_DIR)
        made = {name: development_secret(name, directory=data) for name in missing}
        values, _ = _parse({"PUBLIC_URL": default_public_url(values.HOST, values.PORT), **made, **texts})
        if "ALLOWED_HOSTS" not in texts:
            values.ALLOWED_HOSTS = default_allowed_hosts(values.HOST, validation.host_of(values.PUBLIC_URL))
    values.SOCIAL_PROVIDERS, found = social_providers.read(
        values.SOCIAL_PROVIDERS, is_development=values.is_development
    )
    faults.extend(found)
    faults.extend(validation.contradictions(values))
    if not values.is_development:
        faults.extend(validation.unsafe_values(values, given=texts))
    if faults:
        raise ConfigurationError(faults)
    return values


def _parse(texts: Mapping[str, str]) -> tuple[EnvironmentSettings, list[str]]:
    """Return the values and the faults of the texts.

    A setting with a fault has its default, so that the contradictions of all others are found, too.
    """
    try:
        return EnvironmentSettings.model_validate(texts), []
    except ValidationError as error:
        errors = {str(each["loc"][0]): each for each in error.errors(include_url=False, include_input=False)}
    good = {name: text for name, text in texts.items() if name not in errors}
    return EnvironmentSettings.model_validate(good), [_sentence(name, each) for name, each in errors.items()]


def _sentence(name: str, error: ErrorDetails) -> str:
    """Return the sentence of a fault: the setting and what is expected, never the text, which may be a secret."""
    context = error.get("ctx", {})
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "").replace(" or ", ", ")
    return f"{name} {_SENTENCES.get(error['type'], error['msg']).format(**context)}."


class _UnreadableFile(Exception):
    """A setting can't be read from the file that its NAME_FILE names. The message follows the setting's name."""


def _text_of(name: str, source: Mapping[str, str]) -> str:
    """Return the text of a setting, or the content of the file that NAME_FILE names; empty if it is not set."""
    text = source.get(name, "").strip()
    path = source.get(f"{name}_FILE") if name in SECRETS else None
    if not path:
        return text
    if text:
        raise _UnreadableFile(f"and {name}_FILE are both set; keep one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _UnreadableFile(f"can't be read from the file that {name}_FILE names") from error


def _unknown_names(source: Collection[str]) -> Iterator[str]:
    for name in sorted(source):
        if not name.startswith(PREFIX) or name in KNOWN_NAMES or name in CLIENT_NAMES:
            continue
        bare = name.removeprefix(PREFIX)
        near = [bare] if bare in KNOWN_NAMES else difflib.get_close_matches(name, KNOWN_NAMES, 1, 0.75)
        near = near or difflib.get_close_matches(bare, KNOWN_NAMES, 1, 0.75)
        hint = f"Did you mean {near[0]}?" if near else "Remove it."
        yield f"{name} is not a setting. {hint}"
