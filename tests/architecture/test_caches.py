"""Each thing that a process keeps between calls is in the table of docs/scaling.md, or is no copy of anything."""

import re

import pytest

from accounts.access.conf import access_settings
from accounts.providers import discovery
from cedrina.console import cached_figures, figures
from cedrina.monitoring.figures import exposition
from cedrina.monitoring.health import report
from cedrina.websockets import consumers, session_watch
from cedrina.websockets.feeds import access_decisions, incident_growth
from ratelimiting.conf import rate_limiting_settings
from security_events.live import feed
from security_events.services.detection import rule_settings
from tests.architecture.kept_results import kept
from tests.architecture.source import ROOT
from tokens.access_tokens import further_keys, keyring

PAGE = ROOT / "docs" / "scaling.md"
SPAN = re.compile(r"`([^`]+)`")
# What follows from its arguments, from the code and from the settings, which are read once.
COMPUTED = {
    "accounts.access.deciding.hours._known_zone",
    "accounts.access.api.question_bodies._NOTHING_CLAIMED",
    # Of one compiled policy, and gone with it.
    "accounts.access.deciding.index._expanded",
    "accounts.access.deciding.index._trees_about",
    "accounts.api.permissions.action_permission",
    "cedrina.http.accepted_formats._preferred_format",
    "cedrina.http.json._accepts_json",
    "cedrina.http.json._is_utf8",
    "cedrina.http.languages._negotiated",
    "cedrina.http.measures._STATUSES",
    "cedrina.http.middleware._matches_allowed_host",
    "cedrina.http.paths.event_loop_calls",
    "cedrina.http.paths.fixed_paths",
    "cedrina.monitoring.tracing.statements.describe",
    "cedrina.serving.application.django_application",  # the routes of fixed paths
    "cedrina.websockets.feeds.security_events._batches",  # by the events themselves, which never change
    "cedrina.websockets.frame_batches.wire",
    "cedrina_base.app_settings.imported",
    "cedrina_base.outgoing_http._policy_of",
    "cedrina_base.read_only_admin.count",  # of one page that is shown
    "cedrina_base.signed_tokens._code_under",
    "ratelimiting.algorithms.evaluation.algorithm_for",
    "ratelimiting.client_addresses.networks._normalised",
    "ratelimiting.client_addresses.networks.counted_network",
    "ratelimiting.client_addresses.networks.counted_networks",
    "ratelimiting.client_addresses.networks.enclosing_networks",
    "ratelimiting.client_addresses.networks.is_public",
    "ratelimiting.client_addresses.networks.is_within",
    "ratelimiting.client_addresses.networks.parse_networks",
    "ratelimiting.client_addresses.networks.surrounding_network",
    "ratelimiting.client_addresses.resolution._resolved",
    "ratelimiting.keys._digest_key",
    "ratelimiting.keys._key",
    "ratelimiting.known_names._routes_of",
    "ratelimiting.policy_schema._json_schema",
    "ratelimiting.services.active_policies._wider_quotas",
    "ratelimiting.services.simulation._route",
    "ratelimiting.stores.redis._pack",
    "ratelimiting.stores.redis._results",
    "security_events.detection.facts.program_digest",
    "security_events.event_values._masked_user_agent",
    "security_events.masking._is_secret_key",
    "security_events.relays._parsed",
    "security_events.selectors.detection.replayed_events.origins",  # of one run of a command
    "security_events.selectors.detection.replayed_events.data_of",  # the same
    "security_events.services.detection.sign_in_risk._load_rules",
    "security_events.user_agents._parsed",
    "security_events.user_agents._parser",
    "tokens.conf._derived_key",
    "tokens.devices._network_digest",
    "tokens.shared_signals.caep_events._in_all_languages",
    "tokens.statements.complete",
    "tokens.users._attribute_names",
    "tokens.users._converters",
    "tokens.users._fields",
    "tokens.users._model",
    "tokens.users._positions_left_out",
}
# What the code declares while it is imported.
DECLARED = {
    "accounts.access.deciding.attributes._NOTHING",
    "accounts.access.deciding.conditions._registered",
    "accounts.access.known_permissions._declared",
    "accounts.access.services.decisions._observers",
    "accounts.access.services.visible_rows.row_types._declared",
    "accounts.services.administration.operator_actions._actions",
    "cedrina.monitoring.figures.policy_figures.POLICY_KINDS",
    "cedrina.monitoring.figures.stored_figures.STORED_FIGURES",
    "cedrina.monitoring.health.checks.CHECKS",
    "cedrina.operations.diagnosis.DIAGNOSTICS",
    "cedrina_base.database_watch._followers",
    "cedrina_base.measures._measures",
    "security_events.catalogue._registered",
    "security_events.delivery.kinds._registered",
    "security_events.detection.rules._registered",
    "tokens.end_reasons._declared",
    "tokens.service_clients.scopes._declared",
    "tokens.shared_signals.caep_events._converters",
}
# What this process itself counts, does or has yet to store; nobody else has the original.
OWN = {
    "accounts.access.services.impact.drafts._state",
    "accounts.access.services.records.following._state",
    "accounts.access.services.records.observing._state",
    "accounts.api.form_limits._fallback",
    "accounts.providers.transport._slots",
    "accounts.services.passwords.hashing._pool",
    "cedrina_base.database_watch._state",
    "security_events.live.hint_sender._state",
    "ratelimiting.detection.proxy_misconfiguration._detector",
    "ratelimiting.services.background_thread._state",
    "ratelimiting.services.shadow_figures._counts",
    "security_events.services.detection.engine.judging.faults",
}
# The code's own figure for what the table says, in seconds.
LIMITS = {
    "accounts.providers.discovery.document_cache": discovery.FRESH_SECONDS,
    "cedrina.console.figures.RULES": figures._SLOW_SECONDS,
    "cedrina.console.figures.TRAFFIC": cached_figures.SECONDS,
    "cedrina.monitoring.figures.exposition._recent": exposition.KEPT_SECONDS,
    "cedrina.monitoring.health.report._recent": report.KEPT_SECONDS,
    "cedrina.websockets.consumers.cached_readiness": consumers.CACHE_SECONDS,
    "cedrina.websockets.feeds.access_decisions._watches": access_decisions.POLL_SECONDS,
    "cedrina.websockets.feeds.incident_growth._growths": incident_growth.SECONDS,
    "cedrina.websockets.session_watch._watches": session_watch.PERMISSION_SECONDS,
    "security_events.live.feed._feeds": feed.POLL_SECONDS,
    "security_events.services.detection.rule_settings._state": rule_settings.REFRESH_SECONDS,
    "tokens.access_tokens.further_keys.further_keys": further_keys._MAX_AGE_SECONDS,
    "tokens.access_tokens.keyring.keyring": keyring._MAX_AGE_SECONDS,
}


def rows():
    """Return the rows of the table: names of caches, how old, and the test that shows it."""
    _before, _head, table = PAGE.read_text(encoding="utf-8").partition("| what | kept in | at most |")
    found = {}
    for line in table.partition("\n\n")[0].splitlines()[2:]:
        _what, names, age, _learns, _outage, test = (cell.strip() for cell in line.strip("|").split("|"))
        module = ""
        for name in SPAN.findall(names):
            module = name.rpartition(".")[0] or module
            found[name if "." in name else f"{module}.{name}"] = (age, SPAN.findall(test))
    return found


@pytest.fixture(scope="module")
def table():
    return rows()


def test_each_cache_is_in_the_table_or_is_no_copy(table):
    sets = (set(table), COMPUTED, DECLARED, OWN)
    known = set().union(*sets)
    assert kept() - known == set(), "say in docs/scaling.md how old it may be"
    assert known - kept() == set()
    assert len(known) == sum(map(len, sets))


def test_the_table_says_what_the_code_does(table, settings):
    settings.ACCESS, settings.RATELIMITING = {}, {}  # the defaults; in tests no thread looks
    limits = {
        **LIMITS,
        "accounts.access.services.active_policy._state": access_settings.WATCH_SECONDS,
        "ratelimiting.services.active_policies._state": rate_limiting_settings.WATCH_SECONDS,
    }
    assert {name: table[name][0] for name in limits} == {name: f"{seconds:g} s" for name, seconds in limits.items()}


def test_each_row_names_a_test_that_is_there(table):
    for age, tests in table.values():
        assert age
        assert len(tests) == 1
        assert (ROOT / tests[0]).is_file(), tests
