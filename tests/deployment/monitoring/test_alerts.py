"""Every alert fires when it should and stays quiet when it should; the right people are told (promtool, amtool)."""

import re

import pytest
import yaml

from tests.deployment.monitoring import prometheus_tools as tools
from tests.deployment.monitoring.alert_cases import CASES
from tests.programs.served import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
RULES = sorted((tools.PROMETHEUS / "rules").glob("*.yml"))


def alerts():
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def page_of(alert):
    return "-".join(re.findall(r"[A-Z][a-z]+", alert.removeprefix("Cedrina"))).lower()


def unit(alert, case, *, fires):
    """Return one test of promtool: that exactly this alert fires, with exactly these labels, or that none does."""
    expression = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    labels = {**case.labels, "severity": alerts()[alert]["labels"]["severity"]}
    shown = ",".join(f'{name}="{value}"' for name, value in labels.items())
    expected = [{"labels": f"{expression[:-1]},{shown}}}", "value": 1}] if fires else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": f"{case.minute}m", "exp_samples": expected}],
    }


class TestTheRules:
    def test_are_what_prometheus_and_alertmanager_take(self):
        tools.run("promtool", "check", "rules", *map(str, RULES))
        tools.run("promtool", "check", "config", "--syntax-only", str(tools.PROMETHEUS / "prometheus.yml"))
        tools.run("amtool", "check-config", str(tools.ALERTMANAGER / "alertmanager.yml"))

    def test_have_a_case_in_which_they_fire_and_one_in_which_they_stay_quiet(self):
        assert set(CASES) == set(alerts())
        assert len(CASES) >= 20

    def test_fire_when_they_should_and_stay_quiet_when_they_should(self, tmp_path):
        tests = [
            unit(alert, case, fires=fires)
            for alert, cases in CASES.items()
            for case, fires in ((cases.fires, True), (cases.quiet, False))
        ]
        file = tmp_path / "cases.yml"
        file.write_text(
            yaml.safe_dump(
                {"rule_files": [str(path) for path in RULES], "evaluation_interval": "1m", "tests": tests},
                sort_keys=False,
            )
        )
        tools.run("promtool", "test", "rules", str(file))

    def test_notice_when_a_case_that_should_fire_stays_quiet(self, tmp_path):
        wrong = unit("CedrinaDown", CASES["CedrinaDown"].quiet, fires=True)
        file = tmp_path / "wrong.yml"
        file.write_text(yaml.safe_dump({"rule_files": [str(path) for path in RULES], "tests": [wrong]}))
        with pytest.raises(AssertionError, match="FAILED"):
            tools.run("promtool", "test", "rules", str(file))

    @pytest.mark.parametrize("alert", sorted(alerts()))
    def test_say_what_is_wrong_and_name_a_page(self, alert):
        rule = alerts()[alert]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"].endswith(f"/{page_of(alert)}")
        text = (RUNBOOKS / f"{page_of(alert)}.md").read_text()
        assert text.startswith(f"# {alert}\n")


class TestTheRoutes:
    @pytest.mark.parametrize(("severity", "receiver"), [("critical", "pager"), ("warning", "mail")])
    def test_lead_to_whom_it_concerns(self, severity, receiver):
        config = f"--config.file={tools.ALERTMANAGER / 'alertmanager.yml'}"
        assert tools.run("amtool", "config", "routes", "test", config, f"severity={severity}").strip() == receiver
