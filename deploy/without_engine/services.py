"""Turn the services of docker-compose.yml into processes of this machine.

Each service gets a loopback address of its own, so ports stay as they are. Files of deploy/ are copied, and names of
services, paths of containers and published ports in them are replaced as text; nothing else is.
"""

import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import programs
import yaml

from cedrina.tooling.embedded import binaries
from cedrina.tooling.embedded.accounts import RunAs

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
PORTS = {
    "postgres": 5432, "replica": 5432, "pgbouncer": 6432, "redis": 6379, "web": 8000, "web2": 8000, "sockets": 8001,
    "nginx": 8443, "prometheus": 9090, "alertmanager": 9093,
}  # fmt: skip
CONTAINER_TMP = "/tmp/"
LEFT_OUT = {"grafana": "no package of it exists in Debian"}
UNPRIVILEGED = ("postgres", "replica", "receive-wal", "backup", "pgbouncer")
# The last lines of the shipped file, without their comment signs.
TLS = """
listen {address} ssl;
ssl_certificate {folder}/certificate.pem;
ssl_certificate_key {folder}/key.pem;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:tls:2m;
proxy_bind {host};
"""


@dataclass
class Service:
    """One process: how it is started, as whom, and what must answer before."""

    name: str
    command: list[str]
    environment: dict[str, str]
    address: str
    needs: dict[str, str]
    runs_once: bool = False
    user: RunAs | None = None
    prepare: list[tuple[list[str], dict[str, str]]] = field(default_factory=list)


def _moved(value: str, target: str, mine: Path) -> str:
    """Return a path of a container below ``target`` as one of this machine; anything else as it is."""
    return f"{mine}{value.removeprefix(target)}" if value == target or value.startswith(f"{target}/") else value


def read_values(path: Path) -> dict[str, str]:
    """Return the lines NAME=value of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Installation:
    """The services of the file, in a folder that holds their volumes, secrets and copies."""

    def __init__(self, *, settings: Path, state: Path, run_as: RunAs) -> None:
        self.state, self.run_as = state, run_as
        self.values = read_values(settings / ".env")
        self.of_cedrina = read_values(settings / "cedrina.env")
        text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        text = VARIABLE.sub(lambda found: self.values.get(found[1], found[3] or ""), text)
        self.document = yaml.safe_load(text)
        self.addresses = {
            name: f"127.30.87.{number}" for number, name in enumerate(self.document["services"], start=20)
        }
        self.postgres = programs.postgres(run_as=run_as, copies=state)
        self._copy_files()

    def services(self) -> list[Service]:
        """Return the services, those first that others wait for."""
        found: dict[str, Service] = {}
        waiting = [name for name in self.document["services"] if name not in LEFT_OUT]
        while waiting:
            for name in list(waiting):
                if set(self.document["services"][name].get("depends_on", {})) <= set(found):
                    found[name] = self._service(name)
                    waiting.remove(name)
        return list(found.values())

    def _copy_files(self) -> None:
        shutil.rmtree(self.state / "deploy", ignore_errors=True)
        shutil.copytree(ROOT / "deploy", self.state / "deploy")
        for path in (self.state / "deploy").rglob("*"):
            if path.suffix in {".conf", ".ini", ".yml"}:
                path.write_text(self.here(path.read_text(encoding="utf-8")), encoding="utf-8")
        secrets = self.state / "secrets"
        secrets.mkdir(exist_ok=True, mode=0o700)
        for name, source in self.document["secrets"].items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(self.values[source["environment"]] + "\n", encoding="utf-8")
            (secrets / name).write_text(self.here((secrets / name).read_text(encoding="utf-8")), encoding="utf-8")
        for path in (secrets, *secrets.iterdir(), self.state):
            self.run_as.own(path)

    def here(self, text: str) -> str:
        """Put addresses and paths of this machine in the place of the containers'."""
        for name, address in self.addresses.items():
            text = re.sub(rf"(?<=[@/\s\"'=]){re.escape(name)}(?=:\d|\s+port=)", address, text)
        front = self.document["services"]["nginx"]["networks"]["front"]["ipv4_address"]
        watch = self.document["services"]["prometheus"]["networks"]["watch"]["ipv4_address"]
        mine = {
            front: self.addresses["nginx"],
            f"{watch}/32": "127.0.0.1/32",
            "/run/secrets/": f"{self.state}/secrets/",
            "/etc/nginx/cedrina/": f"{self.state}/deploy/nginx/",
            CONTAINER_TMP: f"{self.state}/tmp/",
        }
        # In one pass: the folder of this machine may itself lie below one of those.
        return re.sub("|".join(map(re.escape, mine)), lambda found: mine[found[0]], text)

    def _service(self, name: str) -> Service:
        given = self.document["services"][name]
        environment = {key: self.here(str(value)) for key, value in given.get("environment", {}).items()}
        for volume in given.get("volumes", ()):
            source, target, *_mode = volume.split(":")
            mine = self.state / (source.removeprefix("./") if source.startswith("./") else f"volumes/{source}")
            if not source.startswith("./"):
                mine.mkdir(parents=True, exist_ok=True)
                if name in UNPRIVILEGED:
                    self.run_as.own(mine)
            environment = {key: _moved(value, target, mine) for key, value in environment.items()}
        service = Service(
            name=name,
            command=[*given.get("entrypoint", ()), *given.get("command", ())],
            environment={"PATH": f"{self.postgres}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **environment},
            address=self.addresses[name],
            needs={other: each["condition"] for other, each in given.get("depends_on", {}).items()},
            runs_once=given.get("restart") == "no",
            user=self.run_as if name in UNPRIVILEGED else None,
        )
        kind = "cedrina" if given.get("image") == "cedrina" else name
        getattr(self, f"_{kind.replace('-', '_')}")(service)
        return service

    def _cedrina(self, service: Service) -> None:
        service.command[0] = sys.executable
        service.environment = {**self.of_cedrina, **service.environment}
        if "HOST" in service.environment:
            service.environment["HOST"] = service.address

    def _postgres(self, service: Service) -> None:
        data = self.state / "volumes" / "postgres" / "data"
        flags = {"listen_addresses": service.address, "unix_socket_directories": ""}
        service.command += ["-D", str(data), *(part for item in flags.items() for part in ("-c", "=".join(item)))]
        if (data / "PG_VERSION").exists():
            return
        variables = service.environment
        initdb = ["initdb", f"--pgdata={data}", "--username=postgres", "--encoding=UTF8", "--locale=C",
                  "--auth=scram-sha-256", f"--pwfile={variables['POSTGRES_PASSWORD_FILE']}"]  # fmt: skip
        # What the image's entry point does when the directory is new, by a server that nobody else reaches.
        socket = self.state / "tmp"
        start = [
            "pg_ctl",
            "-D",
            str(data),
            "-w",
            "-o",
            f"-c listen_addresses= -c unix_socket_directories={socket}",
            "start",
        ]
        account = {**variables, "PGHOST": str(socket), "PGDATA": str(data)}
        account["PGPASSWORD"] = Path(variables["POSTGRES_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()
        create = ["createdb", "--username=postgres", variables["POSTGRES_DB"]]
        roles = ["sh", str(self.state / "deploy" / "postgres" / "roles.sh")]
        stop = ["pg_ctl", "-D", str(data), "-w", "stop"]
        service.prepare = [(command, account) for command in (initdb, start, create, roles, stop)]

    def _replica(self, service: Service) -> None:
        self._shell(service)
        data = f"{self.state}/volumes/replica/replica"
        service.command = [data if part.startswith("/var/lib/postgresql/") else part for part in service.command]
        service.command += [
            "-c",
            f"listen_addresses={service.address}",
            "-c",
            f"unix_socket_directories={self.state}/tmp",
        ]
        service.environment["PGHOST"] = self.addresses["postgres"]

    def _receive_wal(self, service: Service) -> None:
        self._shell(service)
        service.environment["PGHOST"] = self.addresses["postgres"]

    _backup = _receive_wal

    def _shell(self, service: Service) -> None:
        service.command = [part.replace("/deploy/", f"{self.state}/deploy/") for part in service.command]

    def _pgbouncer(self, service: Service) -> None:
        folder = self.state / "deploy" / "pgbouncer"
        ini = folder / "pgbouncer.ini"
        ini.write_text(ini.read_text().replace("listen_addr = 0.0.0.0", f"listen_addr = {service.address}"))
        program, needed = programs.unpacked("pgbouncer", folder=ROOT / ".data" / "debian")
        service.environment |= {**needed, "PGBOUNCER_INI": str(ini), "TMPDIR": str(self.state / "tmp")}
        service.environment["PATH"] = f"{Path(program).parent}:{service.environment['PATH']}"
        service.command = ["sh", str(folder / "start.sh")]

    def _redis(self, service: Service) -> None:
        service.environment["PATH"] = f"{binaries.find_redis().parent}:{service.environment['PATH']}"
        service.environment["TMPDIR"] = str(self.state / "tmp")
        script = self.state / "deploy" / "redis" / "start.sh"
        service.command = ["sh", str(script), "--bind", service.address, "--port", str(PORTS["redis"])]

    def _nginx(self, service: Service) -> None:
        folder = self.state / "deploy" / "nginx"
        address = f"{service.address}:{PORTS['nginx']}"
        (folder / "listen.conf").write_text(TLS.format(address=address, host=service.address, folder=folder))
        service.prepare = [(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=id.example.org", "-addext", "subjectAltName=DNS:id.example.org",
             "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
            service.environment,
        )]  # fmt: skip
        configuration = str(self.state / "deploy" / "nginx.conf")
        service.command = [str(binaries.find_nginx()), "-c", configuration, "-g", "daemon off;"]

    def _prometheus(self, service: Service) -> None:
        program, needed = programs.unpacked("prometheus", folder=ROOT / ".data" / "debian")
        service.environment |= needed
        self._watching(service, program, port=PORTS["prometheus"])

    def _alertmanager(self, service: Service) -> None:
        program, needed = programs.unpacked("prometheus-alertmanager", folder=ROOT / ".data" / "debian")
        service.environment |= needed
        self._watching(service, program, port=PORTS["alertmanager"])
        share = Path(program).parents[1] / "share"
        if share != Path("/usr/share") and os.geteuid() == 0:
            # Debian's reads its templates by a fixed path: show it there, to this process alone.
            show = 'mount -t overlay overlay -o "lowerdir=$0:/usr/share" /usr/share && exec "$@"'
            service.command = ["unshare", "--mount", "sh", "-euc", show, str(share), *service.command]

    def _watching(self, service: Service, program: str, *, port: int) -> None:
        name = service.name
        moved = (
            part.replace(f"/etc/{name}/", f"{self.state}/deploy/{name}/").replace(
                f"path=/{name}", f"path={self.state}/volumes/{name}"
            )
            for part in service.command
        )
        service.command = [program, *moved, f"--web.listen-address={service.address}:{port}"]
