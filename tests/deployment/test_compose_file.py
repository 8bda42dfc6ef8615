"""docker-compose.yml against the code, the Dockerfile and nginx.conf."""

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
from tests.programs import served
from tests.programs.ports import free_port

CEDRINA = ("migrate", "web", "web2", "sockets", "worker")


class TestTheFile:
    def test_gives_settings_that_exist_and_that_start(self, document, made):
        for service in CEDRINA:
            given = composed.settings_of(document, made, service)
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
        assert upstreams == {
            name: composed.settings_of(document, made, name)["PORT"] for name in ("web", "web2", "sockets")
        }
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
        assert {composed.settings_of(document, made, name)["METRICS_ALLOWED_NETWORKS"] for name in CEDRINA} == {
            f"{prometheus}/32"
        }
        assert {composed.settings_of(document, made, name)["TRUSTED_PROXIES"] for name in CEDRINA} == {fixed["nginx"]}
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
