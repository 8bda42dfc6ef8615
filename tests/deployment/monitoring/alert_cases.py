"""For each alert: series that make it fire, and series close to them that leave it quiet.

Series are in promtool's notation, one value a minute: `0+60x30` begins at 0 and grows by 60, thirty times.
"""

from typing import NamedTuple

REQUESTS = 'cedrina_http_requests_total{method="GET",route="me",status="%s"}'
LOGIN_FAST = 'cedrina_http_request_seconds_bucket{route="login",le="0.5"}'
LOGIN_ALL = 'cedrina_http_request_seconds_count{route="login"}'
CHECKS_FAST = 'cedrina_http_request_seconds_bucket{route="%s",le="0.025"}'
CHECKS_ALL = 'cedrina_http_request_seconds_count{route="%s"}'
ERRORS = 'cedrina_database_errors_total{kind="%s"}'
SIGN_INS = 'cedrina_sign_ins_total{outcome="%s",factor="password"}'
MAIL = 'cedrina_mail_total{outcome="%s"}'
DELIVERIES = 'cedrina_webhook_deliveries_total{sink="webhook",outcome="%s"}'
JOBS = 'cedrina_jobs_failed_total{task="%s"}'


class Case(NamedTuple):
    """Series by name, the minute to look, and the labels of the alert beside its severity."""

    series: dict[str, str]
    minute: int
    labels: dict[str, str] = {}


class AlertCases(NamedTuple):
    """When an alert fires, and when it stays quiet though something is the matter."""

    fires: Case
    quiet: Case


def health(check, *, was, minute=10, then=None):
    name = f'cedrina_health_check{{check="{check}",instance="web:8000"}}'
    labels = {"check": check, "instance": "web:8000"}
    return Case({name: f"1 {was}x60" if then is None else then}, minute, labels)


def steady(value, *, length=60):
    return f"{value}x{length}"


CASES: dict[str, AlertCases] = {
    "CedrinaErrorsFast": AlertCases(
        # 2 % of all answers, for an hour.
        Case({REQUESTS % 200: "0+98x90", REQUESTS % 503: "0+2x90"}, 80),
        # As bad, but over: the short window sees that it has ended.
        Case({REQUESTS % 200: "0+98x90", REQUESTS % 503: "0+2x70 140x20"}, 85),
    ),
    "CedrinaErrorsSlow": AlertCases(
        Case({REQUESTS % 200: "0+992x420", REQUESTS % 503: "0+8x420"}, 410),
        Case({REQUESTS % 200: "0+9999x420", REQUESTS % 503: "0+1x420"}, 410),
    ),
    "CedrinaSignInsVerySlow": AlertCases(
        Case({LOGIN_ALL: "0+100x90", LOGIN_FAST: "0+20x90"}, 80),
        Case({LOGIN_ALL: "0+100x90", LOGIN_FAST: "0+50x90"}, 80),
    ),
    "CedrinaSignInsSlow": AlertCases(
        Case({LOGIN_ALL: "0+100x420", LOGIN_FAST: "0+60x420"}, 410),
        Case({LOGIN_ALL: "0+100x420", LOGIN_FAST: "0+96x420"}, 410),
    ),
    "CedrinaTokenChecksSlow": AlertCases(
        Case({CHECKS_ALL % "me": "0+1000x90", CHECKS_FAST % "me": "0+600x90"}, 80),
        # Others that are slow are not meant.
        Case(
            {
                CHECKS_ALL % "refresh": "0+1000x90",
                CHECKS_FAST % "refresh": "0+990x90",
                CHECKS_ALL % "login": "0+1000x90",
                CHECKS_FAST % "login": "0+0x90",
            },
            80,
        ),
    ),
    "CedrinaDown": AlertCases(
        Case({'up{job="cedrina",instance="web:8000"}': "1 0x10"}, 5, {"job": "cedrina", "instance": "web:8000"}),
        Case({'up{job="other",instance="web:8000"}': "1 0x10", 'up{job="cedrina",instance="web:8000"}': "1x10"}, 5),
    ),
    "CedrinaDatabaseUnavailable": AlertCases(
        health("database", was=0), health("database", was=1, then="1 1 1 0 1 1 1 1 1 1 1", minute=4)
    ),
    "CedrinaDatabaseErrors": AlertCases(
        Case({ERRORS % "deadlock": "0+30x30"}, 20, {"kind": "deadlock"}),
        Case({ERRORS % "other": "0+600x30", ERRORS % "deadlock": "0+1x30"}, 20),
    ),
    "CedrinaReplicaBehind": AlertCases(health("replica", was=0.5), health("replica", was=1)),
    "CedrinaRedisUnavailable": AlertCases(
        Case({'cedrina_health_check{check="channels",instance="a"}': "1 0x20"}, 10),
        # A process that counts alone for a while is no outage of Redis.
        Case(
            {
                'cedrina_health_check{check="rate_limits",instance="a"}': "1 0.5x20",
                'cedrina_health_check{check="cache",instance="a"}': "1x20",
            },
            10,
        ),
    ),
    "CedrinaWorkerGone": AlertCases(health("jobs", was=0), health("jobs", was=0.5)),
    "CedrinaJobsLate": AlertCases(
        Case({"cedrina_jobs_oldest_seconds": steady(400)}, 10), Case({"cedrina_jobs_oldest_seconds": steady(200)}, 10)
    ),
    "CedrinaJobsFailing": AlertCases(
        Case({JOBS % "cedrina.seal_audit_trail": "0+1x60"}, 40, {"task": "cedrina.seal_audit_trail"}),
        # Mails have an alert of their own.
        Case({JOBS % "accounts.send_mail": "0+9x60", JOBS % "cedrina.purge_expired": "0 0x20 1x39"}, 40),
    ),
    "CedrinaMailFailing": AlertCases(
        Case({MAIL % "failed": "0+2x60", MAIL % "sent": steady(7)}, 40),
        Case({MAIL % "failed": "0+2x60", MAIL % "sent": "0+50x60"}, 40),
    ),
    "CedrinaHashingSaturated": AlertCases(
        Case({SIGN_INS % "busy": "0+30x30"}, 20), Case({SIGN_INS % "busy": "0 5x30"}, 20)
    ),
    "CedrinaConnectionsExhausted": AlertCases(
        Case({"cedrina_connection_slots_in_use": steady(31), "cedrina_connection_slots": steady(32)}, 20),
        Case({"cedrina_connection_slots_in_use": steady(20), "cedrina_connection_slots": steady(32)}, 20),
    ),
    "CedrinaAuditTrailNotSealed": AlertCases(
        Case({"cedrina_audit_seal_age_seconds": steady(600)}, 10),
        Case({"cedrina_audit_seal_age_seconds": "0+60x3 0+60x3 0+60x3"}, 10),
    ),
    "CedrinaDetectionBehind": AlertCases(health("detection", was=0), health("detection", was=0.5)),
    "CedrinaSignInAttack": AlertCases(
        Case({SIGN_INS % "refused": "0+120x60", SIGN_INS % "succeeded": "0+10x60"}, 50),
        # As many wrong passwords, of as many people.
        Case({SIGN_INS % "refused": "0+120x60", SIGN_INS % "succeeded": "0+900x60"}, 50),
    ),
    "CedrinaTokensReused": AlertCases(
        Case({'cedrina_refreshes_total{verdict="reused"}': "0+1x30"}, 20),
        Case(
            {
                'cedrina_refreshes_total{verdict="reused"}': "0x10 1x20",
                'cedrina_refreshes_total{verdict="repeated"}': "0+9x30",
            },
            20,
        ),
    ),
    "CedrinaCriticalIncident": AlertCases(
        Case({'cedrina_incidents_open{severity="critical"}': steady(1)}, 5, {"severity": "critical"}),
        Case({'cedrina_incidents_open{severity="high"}': steady(9)}, 5),
    ),
    "CedrinaSinkFailing": AlertCases(
        Case({DELIVERIES % "failed": "0+1x60", DELIVERIES % "delivered": steady(4)}, 50, {"sink": "webhook"}),
        Case({DELIVERIES % "failed": "0+1x60", DELIVERIES % "delivered": "0+2x60"}, 50),
    ),
    "CedrinaDiskFilling": AlertCases(health("disk", was=0.5), health("disk", was=1)),
}
