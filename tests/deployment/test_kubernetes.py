"""The manifests of deploy/kubernetes against the schemas of Kubernetes, the settings and docker-compose.yml."""

import kubernetes_validate
import pytest
import yaml

from cedrina.settings import environment as settings_environment
from cedrina.settings.environment_settings import SETTINGS
from tests.deployment import composed
from tests.served import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSION = "1.33"
POD_KINDS = {"Deployment", "Job"}
FORM = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "FIELD_ENCRYPTION_KEYS": "k1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def documents(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


ALL = [
    (path.name, document)
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for document in documents(path.name)
]
PODS = {each["metadata"]["name"]: each for _name, each in ALL if each["kind"] in POD_KINDS}


def pod(name):
    return PODS[name]["spec"]["template"]["spec"]


def named(kind, name):
    found = [each for _name, each in ALL if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("name", "document"), ALL, ids=lambda value: value if isinstance(value, str) else value["kind"]
)
def test_follow_the_schema(name, document):
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_are_all_part_of_the_kustomization_but_the_example_of_secrets():
    (kustomization,) = documents("kustomization.yaml")

    assert set(kustomization["resources"]) == {name for name, _document in ALL} - {"secrets.example.yaml"}
    assert {image["name"] for image in kustomization["images"]} == {
        pod(name)["containers"][0]["image"] for name in PODS
    }


@pytest.mark.parametrize("name", PODS)
def test_start_as_compose_does(name):
    document = composed.compose(dict.fromkeys(["SERVING_PASSWORD", "OWNER_PASSWORD", "REDIS_PASSWORD"], "x"))

    assert pod(name)["containers"][0]["args"] == document["services"][name]["command"]


@pytest.mark.parametrize("name", PODS)
def test_give_settings_that_exist_and_that_start(name):
    given = {}
    for source in pod(name)["containers"][0]["envFrom"]:
        ((kind, reference),) = source.items()
        wanted = {"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind]
        found = named(wanted, reference["name"])
        given |= found.get("data") or found["stringData"]
    given |= {each["name"]: each["value"] for each in pod(name)["containers"][0].get("env", ())}

    assert set(given) <= set(SETTINGS)
    settings_environment.load({**given, **FORM})  # ConfigurationError, if it has a fault


@pytest.mark.parametrize("name", PODS)
def test_run_without_any_right_of_the_machine(name):
    spec, container = pod(name), pod(name)["containers"][0]

    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["web", "sockets"])
def test_are_reached_by_the_port_that_they_listen_on(name):
    container, service = pod(name)["containers"][0], named("Service", name)
    port = container["ports"][0]["containerPort"]

    assert {"name": "PORT", "value": str(port)} in container["env"]
    assert service["spec"]["selector"].items() <= PODS[name]["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["port"] == port
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_ingress_sends_sockets_to_their_servers():
    (rule,) = named("Ingress", "cedrina")["spec"]["rules"]
    ways = {way["path"]: way["backend"]["service"]["name"] for way in rule["http"]["paths"]}

    assert ways == {"/ws/": "sockets", "/": "web"}


def test_network_policies_begin_with_nothing():
    policy = named("NetworkPolicy", "nothing")["spec"]

    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_workflow_calls_what_a_desk_calls():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())

    assert workflow["jobs"]["checks"]["steps"][-1] == {"run": "bash .ci/run"}
    assert workflow["permissions"] == {"contents": "read"}
