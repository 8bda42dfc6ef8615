"""docker-compose.yml against the code, the Dockerfile and nginx.conf; and its processes, as it starts them."""

import base64
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis

from cedrina.settings import environment as settings_environment
from cedrina.settings.environment_settings import SETTINGS
from cedrina.tooling.embedded import binaries, postgres_server, processes
from security_events.verifier import VerificationKey, open_checkpoint
from tests import nginx_server, served
from tests.deployment import composed, roles
from tests.mail_server import MailServer, worker
from tests.nginx_server import DEPLOY, LOOPBACK, Nginx
from tests.ports import free_port
from tests.problem_shape import assert_problem

CEDRINA = ("migrate", "web", "web2", "sockets", "worker")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Give what the guide's first block makes: the values of .env and of cedrina.env."""
    return composed.made_files(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def document(made):
    return composed.compose(made[0])


def secrets_of(document, made, service):
    """Return what the files of a service's secrets contain, by the files' paths."""
    named = document["services"][service].get("secrets", [])
    return {f"/run/secrets/{name}": made[0][document["secrets"][name]["environment"]] for name in named}


def settings_of(document, made, service):
    """Return the environment of a container of ours: the image's, the file's, and what the service says.

    Settings that a file holds are read from it, as the container does.
    """
    files = secrets_of(document, made, service)
    given = {name: str(value) for name, value in document["services"][service]["environment"].items()}
    read = {name.removesuffix("_FILE"): files[value] for name, value in given.items() if name.endswith("_FILE")}
    others = {name: value for name, value in given.items() if not name.endswith("_FILE")}
    # What PgBouncer and the replica would answer, one PostgreSQL answers here.
    return {**composed.image_environment(), **made[1], **others, **read}


class TestTheFile:
    def test_gives_settings_that_exist_and_that_start(self, document, made):
        for service in CEDRINA:
            given = settings_of(document, made, service)
            unknown = set(given) - set(SETTINGS) - {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
            assert unknown == set(), service
            settings_environment.load(given)  # ConfigurationError, if it has a fault

    def test_gives_each_secret_as_a_file_to_those_who_need_it(self, document, made):
        of_cedrina = {"replica_url", "redis_url"}
        expected = {
            "migrate": of_cedrina | {"database_url", "migration_url"},
            "web": of_cedrina | {"web_database_url"},
            "web2": of_cedrina | {"web_database_url"},
            "sockets": of_cedrina | {"web_database_url"},
            "worker": of_cedrina | {"database_url"},
            "redis": {"redis_password"},
            "postgres": {"superuser_password", "owner_password", "serving_password", "replication_password"},
            "replica": {"replication_password"},
            "receive-wal": {"replication_password"},
            "backup": {"replication_password"},
            "pgbouncer": {"serving_password"},
            "alertmanager": {"alertmanager_smtp_password", "alertmanager_pager_token"},
            "grafana": {"grafana_password"},
            "nginx": set(),
            "prometheus": set(),
        }
        services = document["services"]
        assert {name: set(service.get("secrets", ())) for name, service in services.items()} == expected
        assert {secret["environment"] for secret in document["secrets"].values()} == set(made[0])
        passwords = [value for name, value in made[0].items() if not name.startswith("ALERTMANAGER")]
        for name, service in services.items():
            assert not any(value in str(service) for value in passwords), name
            assert service.get("env_file") == ("cedrina.env" if name in CEDRINA else None)

    def test_names_a_file_for_each_secret_that_is_mounted(self, document):
        for name, service in document["services"].items():
            named = {value for key, value in service.get("environment", {}).items() if key.endswith("_FILE")}
            mounted = {f"/run/secrets/{secret}" for secret in service.get("secrets", ())}
            if name == "alertmanager":
                named = set(re.findall(r"/run/secrets/\w+", (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()))
            assert named == mounted, name

    def test_isolates_what_need_not_meet(self, document):
        """Nothing of the stores leads out or is reached from outside; nginx reaches servers alone."""
        networks = {name: set(service["networks"]) for name, service in document["services"].items()}
        assert {name for name, of in networks.items() if of == {"store"}} == {
            "postgres", "replica", "receive-wal", "backup", "pgbouncer", "redis", "migrate"
        }  # fmt: skip
        assert networks["nginx"] == {"front"}
        assert {name for name, of in networks.items() if "front" in of} == {
            "nginx", "web", "web2", "sockets", "worker"
        }  # fmt: skip
        assert {name for name, network in document["networks"].items() if (network or {}).get("internal")} == {
            "store", "watch"
        }  # fmt: skip
        published = {name for name, service in document["services"].items() if "ports" in service}
        assert published == {"nginx", "grafana"}
        assert document["services"]["grafana"]["ports"][0].startswith("127.0.0.1:")

    def test_is_accepted_by_compose(self, made, tmp_path):
        """The document that Compose itself resolves has the services of this one."""
        program = Path(importlib.util.find_spec("compose").origin).parent / "docker-compose"
        lines = [f"{name}={value}" for name, value in made[0].items()]
        (tmp_path / ".env").write_text("\n".join(lines))
        (tmp_path / "cedrina.env").write_text("\n".join(f"{name}={value}" for name, value in made[1].items()))
        shutil.copy(served.ROOT / "docker-compose.yml", tmp_path)
        done = subprocess.run([program, "config", "--format", "json"], cwd=tmp_path, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        resolved = json.loads(done.stdout)
        assert set(resolved["services"]) == set(composed.compose(made[0])["services"])
        assert resolved["services"]["nginx"]["networks"]["front"]["ipv4_address"] == "172.30.87.10"
        assert resolved["services"]["web2"]["command"] == ["python", "-m", "cedrina.serving", "--http"]

    def test_starts_commands_that_exist(self, document):
        for service in CEDRINA:
            command = document["services"][service]["command"]
            assert command[0] == "python"
            if command[1] == "-m":
                assert command[2] == "cedrina.serving"
                help_text = subprocess.run(
                    [sys.executable, *command[1:3], "--help"],
                    capture_output=True,
                    text=True,
                    check=True,
                    cwd=served.ROOT,
                ).stdout
                assert command[3] in help_text
            else:
                assert command[1] == "manage.py"
                assert command[2] in ("migrate", "run_worker")

    def test_mounts_what_is_shipped_where_it_is_looked_for(self, document):
        nginx = (DEPLOY / "nginx.conf").read_text()
        for service in document["services"].values():
            for volume in service.get("volumes", []):
                source, target, *mode = volume.split(":")
                if source.startswith("./"):
                    assert (served.ROOT / source).exists(), source
                    assert mode == ["ro"], source
                    if target.endswith("/etc/nginx/cedrina"):
                        assert set(re.findall(r"include /etc/nginx/cedrina/(\S+);", nginx)) <= {
                            path.name for path in (served.ROOT / source).iterdir()
                        }
        assert document["services"]["redis"]["command"][1] in str(document["services"]["redis"]["volumes"])

    def test_has_the_addresses_and_ports_that_nginx_knows(self, document, made):
        nginx = (DEPLOY / "nginx.conf").read_text()
        upstreams = dict(re.findall(r"server (\w+):(\d+)[ ;]", nginx))
        assert upstreams == {name: settings_of(document, made, name)["PORT"] for name in ("web", "web2", "sockets")}
        listens = re.findall(r"^listen (\d+);", (DEPLOY / "nginx" / "listen.conf").read_text(), re.MULTILINE)
        assert document["services"]["nginx"]["ports"] == [f"8080:{listens[0]}"]
        assert f":{listens[0]}/" in document["services"]["nginx"]["healthcheck"]["test"][-1]
        network = document["networks"]["front"]["ipam"]["config"][0]
        fixed = {
            name: service["networks"]["front"]["ipv4_address"]
            for name, service in document["services"].items()
            if isinstance(service["networks"], dict) and "front" in service["networks"]
        }
        assert set(fixed) == {"nginx", "web", "web2", "sockets"}
        prometheus = document["services"]["prometheus"]["networks"]["watch"]["ipv4_address"]
        assert {settings_of(document, made, name)["METRICS_ALLOWED_NETWORKS"] for name in CEDRINA} == {
            f"{prometheus}/32"
        }
        assert {settings_of(document, made, name)["TRUSTED_PROXIES"] for name in CEDRINA} == {fixed["nginx"]}
        assert network["subnet"].startswith("172.30.87.")
        assert all(int(address.rpartition(".")[2]) < 128 for address in fixed.values())

    def test_waits_for_what_has_a_health_check(self, document):
        for service in document["services"].values():
            for name, wait in service.get("depends_on", {}).items():
                other = document["services"][name]
                if wait["condition"] == "service_healthy":
                    has_own = "test" in other.get("healthcheck", {})
                    assert has_own or (other.get("image") == "cedrina" and "healthcheck" not in other), name

    def test_runs_everything_of_ours_without_privileges(self, document):
        for name, service in document["services"].items():
            if name == "postgres":  # its image changes the owner of the new data directory, as root
                continue
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]


def here(value, places):
    """Put the addresses of this machine in the place of the containers' names."""
    for name, address in places.items():
        value = value.replace(name, address)
    return value


@contextlib.contextmanager
def redis_of(script_password, directory):
    """Run deploy/redis/start.sh as the container does, but for the port."""
    port = free_port()
    password = directory / "redis_password"
    password.write_text(script_password + "\n")
    process = subprocess.Popen(
        ["sh", DEPLOY / "redis" / "start.sh", "--port", str(port), "--bind", LOOPBACK],
        env={
            "PATH": f"{binaries.find_redis().parent}:{os.environ['PATH']}",
            "REDIS_PASSWORD_FILE": str(password),
            "TMPDIR": str(directory),
        },
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=processes.ends_with_parent(signal.SIGTERM),
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                socket.create_connection((LOOPBACK, port), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        yield SimpleNamespace(port=port, process=process)
    finally:
        processes.stop(process, with_signal=signal.SIGTERM, patience=10)


@pytest.fixture(scope="module")
def started(document, made, tmp_path_factory):
    """Start the processes of the file in its order, each with the environment that it gives."""
    directory = tmp_path_factory.mktemp("started")
    secret, _ = made
    mail = MailServer().start()
    with contextlib.ExitStack() as everything:
        everything.callback(mail.stop)
        postgres = everything.enter_context(postgres_server.temporary())
        passwords = {roles.OWNER: secret["OWNER_PASSWORD"], roles.SERVING: secret["SERVING_PASSWORD"]}
        assert roles.run_script(postgres, directory, passwords=passwords).returncode == 0
        cache = everything.enter_context(redis_of(secret["REDIS_PASSWORD"], directory))
        places = {"@redis:6379": f"@{LOOPBACK}:{cache.port}"}
        # One PostgreSQL is all of these here; deploy/run_without_engine.py starts each of its own.
        places |= dict.fromkeys(("@postgres:5432", "@pgbouncer:6432", "@replica:5432"), f"@{LOOPBACK}:{postgres.port}")

        def environment(service):
            given = settings_of(document, made, service)
            given = {name: here(value, places) for name, value in given.items()}
            given |= {"HOST": LOOPBACK, "TRUSTED_PROXIES": LOOPBACK, "EMAIL_URL": mail.url}
            given["METRICS_DIR"] = str(directory)
            return {**{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}, **given}

        migrated = served.manage(*document["services"]["migrate"]["command"][2:], environment=environment("migrate"))
        servers = {}
        for service in ("web", "sockets"):
            server = served.Served(database_url="", flags=document["services"][service]["command"][3:], is_checked=True)
            server.environment = {**environment(service), "PORT": str(server.port)}
            everything.callback(server.stop)
            servers[service] = server.start()
        everything.enter_context(worker(SimpleNamespace(environment=environment("worker"))))
        place = everything.enter_context(nginx_server.directory())
        nginx = Nginx(directory=place).use_shipped(web=servers["web"].port, sockets=servers["sockets"].port)
        everything.enter_context(nginx_server.running(nginx))
        yield SimpleNamespace(
            **servers,
            nginx=nginx,
            mail=mail,
            redis=cache,
            postgres=postgres,
            migrated=migrated,
            environment=environment,
            directory=directory,
        )


def client_of(started):
    host = urlsplit(started.web.environment["PUBLIC_URL"]).hostname
    return httpx.Client(base_url=f"{started.nginx.url}/api/v1", headers={"Host": host}, timeout=120)


class TestTheProcesses:
    def test_are_healthy_by_the_command_of_the_image(self, started):
        command = [sys.executable, *composed.health_command()[1:]]
        for server in (started.web, started.sockets):
            environment = {**server.environment, "http_proxy": "http://127.0.0.1:1"}
            done = subprocess.run(command, env=environment, capture_output=True, check=False, cwd=served.ROOT)
            assert done.returncode == 0, done.stderr
        nobody = {**started.web.environment, "PORT": str(free_port())}
        assert subprocess.run(command, env=nobody, capture_output=True, check=False).returncode != 0

    def test_of_the_stores_are_healthy_by_the_commands_of_the_file(self, started, document):
        path = f"{binaries.find_redis().parent}:{started.postgres._binaries.directory}:{os.environ['PATH']}"
        ping = document["services"]["redis"]["healthcheck"]["test"][1:]
        done = subprocess.run(
            [*ping[:1], "-p", str(started.redis.port), *ping[1:]], env={"PATH": path}, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, b"PONG\n")
        ready = document["services"]["postgres"]["healthcheck"]["test"][1:]
        done = subprocess.run([*ready, f"--port={started.postgres.port}"], env={"PATH": path}, check=False)
        assert done.returncode == 0

    def test_serve_a_person_from_the_mailed_link_to_the_end_of_the_session(self, started):
        with client_of(started) as client:
            body = {"username": "ada", "email": "ada@example.com", "password": "four quiet green lamps"}
            assert client.post("/auth/register", json=body).status_code == 202
            message = started.mail.wait_for(1)[0]
            text = message.get_body(("plain",)).get_content()
            base, token = re.search(r"(https://\S+)/account/[a-z-]+/(cdm_[A-Za-z0-9_-]+)", text).groups()
            assert base == started.web.environment["PUBLIC_URL"]
            confirmed = client.post("/auth/confirm-email", json={"token": token, "password": body["password"]})
            assert confirmed.status_code == 200
            signed_in = client.post("/auth/login", json={"username": "ada", "password": body["password"]})
            assert signed_in.status_code == 200
            first = signed_in.json()["tokens"]
            second = client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
            bearer = {"Authorization": f"Bearer {second['access_token']}"}
            assert client.get("/auth/me", headers=bearer).status_code == 200
            activity = client.get("/auth/me/security-events", headers=bearer).json()["results"]
            assert activity
            client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
            answer = client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
            assert_problem(answer, status=401, code="refresh_token_reused")
            assert_problem(client.get("/auth/me", headers=bearer), status=401, code="session_revoked")
            assert client.get(f"{started.nginx.url}/readyz").json() == {"status": "ok"}

    def test_let_operators_do_their_work_as_the_role_that_serves(self, started, tmp_path):
        environment = started.environment("worker")

        def manage(*arguments):
            return served.manage(*arguments, environment=environment)

        people = tmp_path / "people.csv"
        people.write_text("username,email,password_hash\nimported,imported@example.com,\n")
        manage("create_admin", "--username", "root-of-all", "--email", "root@example.com")
        for options in (["--dry-run"], []):
            assert json.loads(manage("import_users", str(people), "--format", "bcrypt", "--json", *options))
        manage("rotate_signing_key")
        manage("reencrypt_fields", "--dry-run")
        manage("purge_expired")
        manage("unlock_account", "root-of-all")
        manage("export_user", "root-of-all")
        manage("revoke_sessions", "--all", "--yes", "--reason", "a test")
        manage("ratelimit_status")
        assert "database.serving_role" not in findings_of(environment)

    def test_do_each_job_of_the_worker_as_the_role_that_serves(self, started):
        code = (
            "import django; django.setup()\n"
            "import time, inspect, cedrina.operations.jobs\n"
            "from procrastinate.contrib.django import app\n"
            "for name in ('prepare_partitions', 'purge_expired', 'purge_accounts', 'erase_deleted', 'purge_attempts',"
            " 'announce_expired_locks', 'reset_factors', 'seal_audit_trail',"
            " 'purge_security_events'):\n"
            "    getattr(cedrina.operations.jobs, name)(int(time.time()) + 20 * 86400)\n"
        )
        environment = {**started.environment("worker"), "DJANGO_SETTINGS_MODULE": "cedrina.settings.prod"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=served.ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def test_seal_the_trail_by_the_worker_under_the_public_address(self, started):
        deadline, note = time.monotonic() + 60, None
        with psycopg.connect(started.postgres.url.replace("postgres://", "postgresql://"), autocommit=True) as owner:
            while note is None and time.monotonic() < deadline:
                time.sleep(0.2)
                note = owner.execute(
                    "SELECT note FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1"
                ).fetchone()
        with client_of(started) as client:
            keys = client.get(f"{started.nginx.url}/.well-known/jwks.json").json()["keys"]
        (jwk,) = [key for key in keys if "audit_trail" in key]
        public = base64.urlsafe_b64decode(jwk["x"] + "=")
        origin = started.web.environment["PUBLIC_URL"].removeprefix("https://")
        assert open_checkpoint(note[0], [VerificationKey(origin, public)]).origin == origin

    def test_are_migrated_by_the_owner_and_served_by_the_other(self, started):
        assert "Rights of cedrina_app:" in started.migrated
        with psycopg.connect(started.postgres.url.replace("postgres://", "postgresql://")) as connection:
            owners = connection.execute(
                "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            serving = connection.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'cedrina'"
            ).fetchall()
        assert owners == [("cedrina_owner",)]
        assert serving == [("cedrina_app",)]


def findings_of(environment):
    try:
        return served.manage("doctor", "--json", environment=environment)
    except AssertionError as failed:
        return str(failed)


class TestRedis:
    """deploy/redis/start.sh, of which the processes above use everything."""

    @pytest.fixture
    def users(self, started):
        password = urlsplit(started.web.environment["REDIS_URL"]).password
        opened = [
            redis.Redis(port=started.redis.port, username=name, password=secret, protocol=2)
            for name, secret in (("cedrina", password), (None, None), ("cedrina", "guessed"))
        ]
        yield opened
        for each in opened:
            each.close()

    def test_shows_its_password_nowhere(self, started):
        password = urlsplit(started.web.environment["REDIS_URL"]).password.encode()
        for name in ("cmdline", "environ"):
            assert password not in Path(f"/proc/{started.redis.process.pid}/{name}").read_bytes()
        for path in started.directory.rglob("users.acl"):
            assert password not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0

    def test_lets_others_connect_than_those_of_its_own_machine(self, started):
        # Not from 127.0.0.1: protected mode lets that in, whatever is configured.
        with socket.create_connection((LOOPBACK, started.redis.port), source_address=("127.0.0.9", 0)) as connection:
            connection.settimeout(5)
            connection.sendall(b"PING\r\n")
            assert connection.recv(64) == b"+PONG\r\n"
            connection.sendall(b"GET x\r\n")
            assert connection.recv(64).startswith(b"-NOPERM")

    @pytest.mark.attack("OWASP ASVS 5.0, 13.2.2")
    def test_does_nothing_for_those_without_the_password(self, users):
        _, nobody, guessing = users
        assert nobody.ping()
        for command in (["GET", "x"], ["SET", "x", "1"], ["INFO"], ["PUBLISH", "x", "1"], ["EVAL", "return 1", "0"]):
            with pytest.raises(redis.ResponseError):
                nobody.execute_command(*command)
        with pytest.raises(redis.AuthenticationError):
            guessing.ping()

    @pytest.mark.attack("OWASP ASVS 5.0, 13.2.2")
    @pytest.mark.parametrize(
        "command",
        [
            "CONFIG GET *",
            "CONFIG SET dir /",
            "FLUSHALL",
            "FLUSHDB",
            "KEYS *",
            "SCAN 0",
            "ACL LIST",
            "ACL WHOAMI",
            "SHUTDOWN",
            "DEBUG SLEEP 0",
            "MODULE LIST",
            "SAVE",
            "BGSAVE",
            "REPLICAOF NO ONE",
            "MONITOR",
            "CLIENT LIST",
            "SCRIPT FLUSH",
            "MIGRATE x 1 x 0 1",
            "SWAPDB 0 1",
            "INFO",
            "SLOWLOG GET",
            "DUMP x",
        ],
    )
    def test_administers_nothing_for_cedrina(self, users, command):
        with pytest.raises(redis.ResponseError, match=r"(?i)no permissions|NOPERM"):
            users[0].execute_command(*command.split())

    def test_has_the_counts_the_cache_and_the_channels(self, started):
        code = (
            "import asyncio, django; django.setup()\n"
            "from django.core.cache import cache\n"
            "from channels.layers import get_channel_layer\n"
            "cache.set('a', 1, 60); assert cache.get('a') == 1\n"
            "assert cache.add('b', 1, 60) and not cache.add('b', 1, 60)\n"
            "assert cache.incr('a') == 2 and cache.get_many(['a', 'b'])\n"
            "assert cache.touch('a', 60) and cache.delete('a')\n"
            "cache.set_many({'c': 1}, 60)\n"
            "async def talk():\n"
            "    layer = get_channel_layer(); name = await layer.new_channel()\n"
            "    await layer.group_add('g', name); await layer.group_send('g', {'type': 'x'})\n"
            "    assert (await asyncio.wait_for(layer.receive(name), 10))['type'] == 'x'\n"
            "    await layer.group_discard('g', name)\n"
            "asyncio.run(talk())\n"
            "from ratelimiting.stores.redis import RedisStore\n"
            "from django.conf import settings\n"
            "store = RedisStore(settings.RATELIMITING['REDIS_URL'], deadline=5)\n"
            "assert store.reset(['nothing']) == 0\n"
        )
        environment = {**started.environment("web"), "DJANGO_SETTINGS_MODULE": "cedrina.settings.prod"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=served.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with redis.Redis(port=started.redis.port) as nobody:
            assert nobody.ping()

    def test_counts_the_requests_of_the_processes(self, started):
        with client_of(started) as client:
            answer = client.post("/auth/login", json={"username": "nobody-here", "password": "x"})
        assert "RateLimit" in answer.headers
        # Another worker, or another process, goes on with the same count.
        left = int(answer.headers["X-RateLimit-Remaining"])
        with client_of(started) as client:
            again = client.post("/auth/login", json={"username": "nobody-here", "password": "x"})
        assert int(again.headers["X-RateLimit-Remaining"]) == left - 1
