"""The processes of docker-compose.yml, as it starts them."""

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
from tests.deployment import composed, roles
from tests.peers import nginx_server
from tests.peers.mail_server import MailServer, worker
from tests.peers.nginx_server import DEPLOY, LOOPBACK, Nginx
from tests.problem_shape import assert_problem
from tests.programs import forked_programs, served
from tests.programs.ports import free_port

CEDRINA = ("migrate", "web", "web2", "sockets", "worker")


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
            given = composed.settings_of(document, made, service)
            given = {name: here(value, places) for name, value in given.items()}
            given |= {"HOST": LOOPBACK, "TRUSTED_PROXIES": LOOPBACK, "EMAIL_URL": mail.url}
            given["METRICS_DIR"] = str(directory)
            return {**{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}, **given}

        migrated = served.manage(*document["services"]["migrate"]["command"][2:], environment=environment("migrate"))
        servers = {}
        for service in ("web", "sockets"):
            server = served.Served(database_url="", flags=document["services"][service]["command"][3:], is_forked=False)
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
        status, _out, err = forked_programs.run(["-c", code], environment=environment)
        assert status == 0, err

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
            "    layer = get_channel_layer('security_events'); name = await layer.new_channel()\n"
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
        status, _out, err = forked_programs.run(["-c", code], environment=environment)
        assert status == 0, err
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
