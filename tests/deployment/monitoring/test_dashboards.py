"""The boards: well formed, and a Prometheus that scrapes a running installation answers every query of theirs."""

import json
import re

import pytest

from tests.programs.served import ROOT

BOARDS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")}
GRID = 24
NAME = re.compile(r"\b(cedrina[:_][a-z_:0-9]+|up)\b(?=[{\[ )]|$)")
# Their series begin with the first job that fails, delivery, or change of a policy.
BEGIN_LATER = {"cedrina_jobs_failed_total", "cedrina_webhook_deliveries_total", "cedrina_policy_age_seconds"}


def expressions(board):
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def filled(expression):
    """Return a query as Grafana sends it, with all variables filled in."""
    return expression.replace("$__rate_interval", "1m").replace("$instance", ".*")


class TestABoard:
    def test_is_one_of_four(self):
        assert set(BOARDS) == {"traffic", "security", "capacity", "business"}
        assert len({board["uid"] for board in BOARDS.values()}) == 4

    @pytest.mark.parametrize("name", sorted(BOARDS))
    def test_has_panels_that_do_not_overlap_and_a_source_to_choose(self, name):
        board = BOARDS[name]
        taken = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert at["x"] + at["w"] <= GRID
            assert not cells & taken, panel["title"]
            taken |= cells
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["fieldConfig"]["defaults"]["unit"]
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "instance"}

    @pytest.mark.parametrize("name", sorted(BOARDS))
    def test_asks_what_prometheus_answers_by_figures_that_exist(self, name, prometheus):
        known = set(prometheus.ask("label/__name__/values")) | BEGIN_LATER
        for expression in map(filled, expressions(BOARDS[name])):
            assert "$" not in expression
            prometheus.query(expression)
            named = set(NAME.findall(expression))
            assert named, expression
            assert named <= known, (expression, named - known)

    @pytest.mark.parametrize(
        ("board", "title"),
        [
            ("traffic", "Requests by status"),
            ("traffic", "Time of token checks and refreshes"),
            ("traffic", "Share of 5xx, one hour"),
            ("security", "Sign-ins by outcome"),
            ("security", "Risk of sign-ins"),
            ("capacity", "Connections in use"),
            ("capacity", "Health of each part"),
            ("business", "People active in 30 days"),
        ],
    )
    def test_shows_numbers(self, board, title, prometheus):
        panel = next(panel for panel in BOARDS[board]["panels"] if panel["title"] == title)
        for target in panel["targets"]:
            assert prometheus.query(filled(target["expr"])), target["expr"]

    def test_finds_its_instances(self, prometheus):
        assert prometheus.ask("label/instance/values", **{"match[]": "cedrina_build_info"})


class TestTheRules:
    def test_are_evaluated_by_prometheus_without_an_error(self, prometheus):
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert len(rules) >= 33
        assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
