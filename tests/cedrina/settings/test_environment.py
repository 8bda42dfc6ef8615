"""What the environment may say, and how a bad start is stopped in words."""

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cedrina.settings import dotenv, environment
from cedrina.settings.development_secrets import development_secret
from cedrina.settings.environment_settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
KEY = base64.b64encode(b"k" * 32).decode()
PRODUCTION = {
    "CEDRINA_ENV": "production",
    "SECRET_KEY": "r4nd0m-enough-" + "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "FIELD_ENCRYPTION_KEYS": f"k1:{KEY}",
    "DATABASE_URL": "postgres://u:p@db/cedrina",
    "ALLOWED_HOSTS": "id.example.com",
    "PUBLIC_URL": "https://id.example.com",
    "EMAIL_URL": "smtp://mail.example.com",
}


def refused(**changes):
    source = {name: value for name, value in {**PRODUCTION, **changes}.items() if value is not None}
    with pytest.raises(environment.ConfigurationError) as stopped:
        environment.load(source)
    assert stopped.value.code.startswith("Cedrina does not start:")
    return stopped.value.sentences


class TestLoad:
    def test_takes_a_good_production(self):
        values = environment.load(PRODUCTION)
        assert values.FIELD_ENCRYPTION_KEYS == [("k1", b"k" * 32)]
        assert values.ACCESS_TOKEN_SECONDS == 900
        assert not values.is_development

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"CEDRINA_BCRYPT_ROUNDS": "12"}, "CEDRINA_BCRYPT_ROUNDS is not a setting. Did you mean BCRYPT_ROUNDS?"),
            ({"CEDRINA_EVN": "x"}, "CEDRINA_EVN is not a setting. Did you mean CEDRINA_ENV?"),
            ({"CEDRINA_QQQQ": "x"}, "CEDRINA_QQQQ is not a setting. Remove it."),
            ({"SECRET_KEY": None}, "SECRET_KEY is not set; production has no default for it."),
            ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak; give it at least 50 random characters."),
            ({"SECRET_KEY": "a" * 80}, "SECRET_KEY is too weak; give it at least 50 random characters."),
            ({"SECRET_KEY": "django-insecure-" + PRODUCTION["SECRET_KEY"]}, "SECRET_KEY is a development key"),
            ({"FIELD_ENCRYPTION_KEYS": None}, "FIELD_ENCRYPTION_KEYS is not set"),
            ({"FIELD_ENCRYPTION_KEYS": "k1:c2hvcnQ="}, "FIELD_ENCRYPTION_KEYS must be `id:base64 of 32 bytes`"),
            ({"FIELD_ENCRYPTION_KEYS": f"a:{KEY},a:{KEY}"}, "FIELD_ENCRYPTION_KEYS names one id twice"),
            ({"DATABASE_URL": None}, "DATABASE_URL is not set"),
            ({"DATABASE_URL": "mysql://db/x"}, "DATABASE_URL must begin with one of"),
            ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL and DATABASE_URL_FILE are both set; keep one of them."),
            ({"DATABASE_URL": None, "DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL can't be read from the file"),
            ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
            ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must not contain *"),
            ({"PUBLIC_URL": "http://id.example.com"}, "PUBLIC_URL must begin with https://"),
            ({"EMAIL_URL": "consolemail:"}, "EMAIL_URL must deliver"),
            ({"BCRYPT_ROUNDS": "8"}, "BCRYPT_ROUNDS is below 10; use 12."),
            ({"BCRYPT_ROUNDS": "twelve"}, "BCRYPT_ROUNDS must be a whole number."),
            ({"BCRYPT_ROUNDS": "3"}, "BCRYPT_ROUNDS must be at least 4."),
            ({"BCRYPT_ROUNDS": "21"}, "BCRYPT_ROUNDS must be at most 20."),
            ({"SESSION_IDLE_SECONDS": "1" * 13}, "SESSION_IDLE_SECONDS must be less than 1000000000000."),
            ({"RATELIMIT_ENABLED": "ture"}, "RATELIMIT_ENABLED must be true or false."),
            ({"PUBLIC_URL": "id.example.com"}, "PUBLIC_URL must be a URL, beginning with its scheme."),
            ({"ACCESS_TOKEN_SECONDS": "7200"}, "ACCESS_TOKEN_SECONDS is over an hour"),
            ({"CORS_ALLOWED_ORIGINS": "*"}, "CORS_ALLOWED_ORIGINS must not contain *"),
            ({"CORS_ALLOWED_ORIGINS": "https://a.example/path"}, "CORS_ALLOWED_ORIGINS must list origins"),
            ({"CORS_ALLOWED_ORIGINS": "http://a.example"}, "CORS_ALLOWED_ORIGINS must begin with https://"),
            ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES must list addresses or networks; 'proxy' is neither."),
            ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES must not hold every address"),
            (
                {"SESSION_IDLE_SECONDS": "7200", "SESSION_ABSOLUTE_SECONDS": "3600"},
                "SESSION_IDLE_SECONDS is longer than SESSION_ABSOLUTE_SECONDS",
            ),
            ({"SESSION_IDLE_SECONDS": "60"}, "ACCESS_TOKEN_SECONDS is longer than SESSION_IDLE_SECONDS"),
            ({"DATABASE_POOL_MIN": "5", "DATABASE_POOL_MAX": "4"}, "DATABASE_POOL_MIN is more than DATABASE_POOL_MAX"),
            ({"EMAIL_CONFIRMATION": "maybe"}, "EMAIL_CONFIRMATION must be one of required, optional."),
            (
                {"AUDIT_SINKS": "/var/log/notes,syslog+tls://siem?ca=a&secret=x"},
                "AUDIT_SINKS URL 2: it has no option secret",
            ),
            ({"AUDIT_SINKS": "http://archive.example.com/token"}, "AUDIT_SINKS must not begin with http://"),
            ({"DEFAULT_FROM_EMAIL": "Ada <m\u00edna@example.com>"}, "DEFAULT_FROM_EMAIL must be an address that mail"),
            ({"RELAYS": "198.51.100.7/24"}, "RELAYS must be networks and autonomous systems"),
            ({"RELAYS": "AS4294967296"}, "RELAYS must be networks and autonomous systems"),
            ({"CEDRINA_ENV": "prod"}, "CEDRINA_ENV must be one of development, staging, production."),
        ],
    )
    def test_refuses_in_a_sentence(self, changes, sentence):
        assert any(found.startswith(sentence) for found in refused(**changes)), refused(**changes)

    @pytest.mark.attack("CWE-178; RFC 5891, 5.4")
    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ("Post <post@stra\u00dfe.de>", "Post <post@xn--strae-oqa.de>"),
            ("post@stra\u00dfe.de", "post@xn--strae-oqa.de"),
            ("Jos\u00e9 <post@m\u00fcnchen.de>", "=?utf-8?b?Sm9zw6k=?= <post@xn--mnchen-3ya.de>"),
            ("Cedrina <no-reply@localhost>", "Cedrina <no-reply@localhost>"),
        ],
    )
    def test_encodes_the_sender_before_django_does(self, given, taken):
        assert taken == environment.load({**PRODUCTION, "DEFAULT_FROM_EMAIL": given}).DEFAULT_FROM_EMAIL

    def test_takes_relays_in_one_form(self):
        taken = environment.load({**PRODUCTION, "RELAYS": "as64500, AS4294967295,2001:DB8:7::/48"})
        assert taken.RELAYS == ["AS64500", "AS4294967295", "2001:db8:7::/48"]

    def test_names_every_fault_at_once(self):
        assert len(refused(SECRET_KEY=None, ALLOWED_HOSTS="*", BCRYPT_ROUNDS="8")) == 3

    def test_names_contradictions_beside_values_of_the_wrong_type(self):
        assert refused(BCRYPT_ROUNDS="twelve", DATABASE_POOL_MIN="5", CEDRINA_QQQQ="x") == [
            "CEDRINA_QQQQ is not a setting. Remove it.",
            "BCRYPT_ROUNDS must be a whole number.",
            "DATABASE_POOL_MIN is more than DATABASE_POOL_MAX; lower it or raise the other.",
        ]

    def test_shows_no_secret(self):
        assert PRODUCTION["SECRET_KEY"] not in repr(environment.load(PRODUCTION))

    def test_never_repeats_a_secret(self):
        key = "not-base64-but-secret"
        text = "\n".join(refused(FIELD_ENCRYPTION_KEYS=f"k1:{key}", SECRET_KEY="short-secret", EMAIL_URL="x"))
        assert key not in text
        assert "short-secret" not in text

    def test_is_as_strict_in_staging(self):
        assert refused(CEDRINA_ENV="staging", SECRET_KEY=None) == [
            "SECRET_KEY is not set; staging has no default for it."
        ]

    def test_reads_secrets_from_files(self, tmp_path):
        path = tmp_path / "key"
        path.write_text(PRODUCTION["SECRET_KEY"] + "\n")
        source = {**PRODUCTION, "SECRET_KEY_FILE": str(path)}
        del source["SECRET_KEY"]
        assert PRODUCTION["SECRET_KEY"] == environment.load(source).SECRET_KEY

    def test_takes_a_dollar_as_it_stands(self):
        """django-environ would look the rest up as another variable."""
        key = "$" + PRODUCTION["SECRET_KEY"]
        assert key == environment.load({**PRODUCTION, "SECRET_KEY": key}).SECRET_KEY


class TestDotenv:
    def test_of_another_encoding_is_refused_in_a_sentence_without_its_content(self, tmp_path):
        path = tmp_path / ".env"
        path.write_bytes("EMAIL_URL=smtp://u:geheimer-schl\u00fcssel@mail.example.com".encode("latin-1"))
        with pytest.raises(environment.ConfigurationError) as stopped:
            dotenv.read_dotenv(path)
        assert stopped.value.sentences == [f"{path} is not encoded in UTF-8; save it in that encoding."]
        assert stopped.value.__context__ is None

    @pytest.mark.parametrize("line", ["geheimer-schlüssel", "SECRET KEY=geheimer-schlüssel", "\ufeffPORT=geheim"])
    def test_refuses_a_line_without_a_name_by_its_number(self, tmp_path, caplog, line):
        path = tmp_path / ".env"
        path.write_text(f"# settings\n\nPORT=8010\n{line}\n", encoding="utf-8")
        with pytest.raises(environment.ConfigurationError) as stopped:
            dotenv.read_dotenv(path)
        assert stopped.value.sentences == [f"{path}, line 4 is neither NAME=value nor a comment that begins with #."]
        assert "geheim" not in stopped.value.text + caplog.text

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("DATABSE_URL", "DATABASE_URL"),
            ("ALOWED_HOSTS", "ALLOWED_HOSTS"),
            ("SECRET_KEY_FIL", "SECRET_KEY_FILE"),
            ("database_url", "DATABASE_URL"),
        ],
    )
    def test_refuses_a_name_that_is_nearly_that_of_a_setting(self, tmp_path, name, meant):
        path = tmp_path / ".env"
        path.write_text(f"{name}=geheim", encoding="utf-8")
        with pytest.raises(environment.ConfigurationError) as stopped:
            dotenv.read_dotenv(path)
        assert stopped.value.sentences == [f"{path}, line 1: {name} is not a setting. Did you mean {meant}?"]

    def test_takes_names_that_other_programs_read(self, tmp_path, monkeypatch, caplog):
        compose = (environment.BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")
        names = set(re.findall(r"(?:\$\{|environment: )([A-Z_]+)", compose))
        names |= {"COMPOSE_PROJECT_NAME", "PGHOST", "HTTPS_PROXY", "TZ"}
        names |= {"DJANGO_SETTINGS_MODULE", "DJANGO_SUPERUSER_PASSWORD", "CREATE_ADMIN_PASSWORD", "CEDRINA_DATA_DIR"}
        assert "SERVING_PASSWORD" in names
        variables = {}
        monkeypatch.setattr("environ.Env.ENVIRON", variables)
        path = tmp_path / ".env"
        path.write_text("  # indented\n \n" + "".join(f"export {name}='a' # b\n" for name in names), encoding="utf-8")
        dotenv.read_dotenv(path)
        assert variables == dict.fromkeys(names, "a")
        assert caplog.text == ""

    def test_does_not_limit_the_names_of_the_environment(self):
        assert PRODUCTION["DATABASE_URL"] == environment.load({**PRODUCTION, "DATABSE_URL": "x"}).DATABASE_URL


class TestMadeSecret:
    def test_is_made_once_and_readable_by_its_owner_alone(self, tmp_path):
        first = development_secret("SECRET_KEY", directory=tmp_path)
        assert development_secret("SECRET_KEY", directory=tmp_path) == first
        assert len(first) >= 50
        [path] = (tmp_path / "secrets").iterdir()
        assert path.stat().st_mode & 0o077 == 0

    def test_makes_field_keys_of_their_form(self, tmp_path):
        key_id, _, encoded = development_secret("FIELD_ENCRYPTION_KEYS", directory=tmp_path).partition(":")
        assert key_id.isalnum()
        assert len(base64.b64decode(encoded)) == 32


@pytest.mark.process
class TestConfigurationError:
    @pytest.mark.parametrize(
        "command", [["-m", "cedrina.serving"], ["-m", "cedrina.serving", "--http"], ["manage.py", "check"]]
    )
    def test_ends_a_process_with_the_sentences_alone(self, command):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "CEDRINA_ENV": "production"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "SECRET_KEY is not set; production has no default for it." in done.stderr
        assert "Traceback" not in done.stderr + done.stdout


class TestDocumentation:
    def test_holds_every_setting(self):
        page = (ROOT / "docs" / "configuration.md").read_text()
        assert all(f"| `{name}`" in page for name in SETTINGS)
