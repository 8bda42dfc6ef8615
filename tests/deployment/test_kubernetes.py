"""deploy/kubernetes: valid by the schemas of Kubernetes, and right about the code."""

import warnings

import pytest
import yaml

from cedrina.settings import environment
from cedrina.settings.environment_settings import SETTINGS
from tests.deployment import composed
from tests.peers.nginx_server import DEPLOY

VERSION = "1.37"
FOLDER = DEPLOY / "kubernetes"
OBJECTS = [
    found
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
WITH_PODS = [each for each in OBJECTS if each["kind"] in ("Deployment", "Job")]
PODS = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in WITH_PODS}


def of_kind(kind):
    return {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == kind}


def container(name):
    (found,) = PODS[name]["containers"]
    return found


class TestTheManifests:
    @pytest.mark.parametrize("found", OBJECTS, ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")
    def test_are_valid(self, found):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library's own resources
            import kubernetes_validate
        kubernetes_validate.validate(found, VERSION, strict=True)

    def test_are_all_applied(self):
        listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
        assert {*listed, "kustomization.yaml"} == {path.name for path in FOLDER.glob("*.yaml")}

    def test_run_the_processes_of_the_compose_file(self, tmp_path):
        services = composed.compose(composed.made_files(tmp_path)[0])["services"]
        assert {name: container(name)["args"] for name in PODS} == {name: services[name]["command"] for name in PODS}
        assert set(PODS) == {"migrate", "web", "sockets", "worker"}

    def test_give_settings_that_exist_and_that_start(self, tmp_path):
        for name in ("secret_key", "field_encryption_keys"):
            (tmp_path / name).write_text(composed.made_files(tmp_path)[1][name.upper()])
        for name, url in {
            "database_url": "postgres://a:b@db/cedrina", "redis_url": "redis://r/0", "email_url": "smtp://m",
            "migration_url": "postgres://o:b@db/cedrina",
        }.items():  # fmt: skip
            (tmp_path / name).write_text(url)
        for name in PODS:
            own = {each["name"]: each["value"] for each in container(name).get("env", ())}
            given = {**of_kind("ConfigMap")["cedrina"]["data"], **own}
            assert {each.removesuffix("_FILE") for each in given} <= set(SETTINGS)
            mounted = {key: value.replace("/etc/cedrina", str(tmp_path)) for key, value in given.items()}
            environment.load(mounted)
            assert ("DATABASE_MIGRATION_URL_FILE" in own) is (name == "migrate")
            ports = container(name).get("ports")
            assert ports is None or str(ports[0]["containerPort"]) == given["PORT"]

    def test_run_without_privileges_on_a_read_only_root(self):
        for name, pod in PODS.items():
            assert pod["securityContext"]["runAsUser"] == 10001
            assert pod["automountServiceAccountToken"] is False
            own = container(name)["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            mounts = {each["name"] for each in container(name)["volumeMounts"]}
            assert {volume["name"] for volume in pod["volumes"]} == mounts

    def test_name_each_other_rightly(self):
        backends = {path["backend"]["service"]["name"] for rule in of_kind("Ingress")["cedrina"]["spec"]["rules"]
                    for path in rule["http"]["paths"]}  # fmt: skip
        assert backends == set(of_kind("Service")) == set(of_kind("PodDisruptionBudget")) == {"web", "sockets"}
        for service in of_kind("Service").values():
            labels = service["spec"]["selector"]
            assert of_kind("Deployment")[labels["part"]]["spec"]["template"]["metadata"]["labels"] == labels
        for policy in of_kind("NetworkPolicy").values():
            for expression in policy["spec"]["podSelector"].get("matchExpressions", ()):
                assert set(expression["values"]) <= set(PODS)
