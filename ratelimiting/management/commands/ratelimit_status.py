"""Show the policies in force, what those in shadow mode would have refused, or what one key has left."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import FAILED, USAGE
from ratelimiting import keys, known_names, selectors
from ratelimiting.management.operator_command import RateLimitCommand
from ratelimiting.policy_schema import IP
from ratelimiting.services import active_policies, enforcement
from ratelimiting.types import Level

SHADOW_HOURS = 24


class Command(RateLimitCommand):
    help = gettext_noop("Show the policies in force and their source; with --key how much one key has left.")
    examples = ("ratelimit_status", "ratelimit_status --routes")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--key", help=gettext("policy:part=value,part=value, such as sign-in:ip=203.0.113.7"))
        parser.add_argument(
            "--routes", action="store_true", help=gettext("the names of routes that a policy may limit")
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["routes"]:
            return {"routes": sorted(known_names.routes())}
        version = active_policies.refresh()
        found = active_policies.current()
        if options["key"]:
            return {"version": version, "key": self._key(options["key"], found)}
        since = timezone.now() - timedelta(hours=SHADOW_HOURS)
        return {
            "version": version,
            "policies": [
                {**policy.document(), "source": found.sources[name]} for name, policy in sorted(found.policies.items())
            ],
            "shadow": [
                {
                    "policy": row.policy,
                    "began_at": row.began_at.isoformat(),
                    "refused": row.refused,
                    "keys": list(row.keys.values()),
                    "samples": row.samples,
                }
                for row in selectors.shadow_figures(since=since)
            ],
            "tightened_networks": [
                {
                    "network": row.network,
                    "reason": row.reason,
                    "began_at": row.began_at.isoformat(),
                    "ends_at": row.ends_at.isoformat(),
                }
                for row in selectors.tightened_networks(at=timezone.now())
            ],
        }

    def show(self, result: dict[str, Any]) -> None:
        if "routes" in result:
            self.stdout.write("\n".join(result["routes"]))
            return
        if "key" in result:
            key = result["key"]
            if key["retry_after"]:
                text = gettext(
                    "%(policy)s: %(remaining)d of %(limit)d left, all of it in %(reset_after).0f s; refused for "
                    "%(retry_after).0f s."
                )
            else:
                text = gettext("%(policy)s: %(remaining)d of %(limit)d left, all of it in %(reset_after).0f s.")
            self.stdout.write(text % key)
            return
        self.stdout.write(gettext("Version %(version)d of the stored policies.") % {"version": result["version"]})
        self.table(
            (
                gettext("policy"),
                gettext("mode"),
                gettext("limit"),
                gettext("window"),
                gettext("algorithm"),
                gettext("counted by"),
                gettext("routes"),
                gettext("source"),
            ),
            [
                (
                    p["name"],
                    p["mode"],
                    p["limit"],
                    f"{p['window']} s",
                    p["algorithm"],
                    "+".join(p["scope"]),
                    " ".join(p["match"]["routes"]) or gettext("services"),
                    p["source"],
                )
                for p in result["policies"]
            ],
        )
        if result["shadow"]:
            self.stdout.write(
                "\n" + gettext("Would have been refused in the last %(hours)d hours:") % {"hours": SHADOW_HOURS}
            )
            self.table(
                (gettext("policy"), gettext("hour"), gettext("refused"), gettext("for whom")),
                [(row["policy"], row["began_at"], row["refused"], _largest(row["keys"])) for row in result["shadow"]],
            )

        if result["tightened_networks"]:
            self.stdout.write(
                "\n" + gettext("Networks with lower limits for strangers, because attacks come from them:")
            )
            self.table(
                (gettext("network"), gettext("reason"), gettext("until")),
                [(row["network"], row["reason"], row["ends_at"]) for row in result["tightened_networks"]],
            )

    def _key(self, text: str, found: active_policies.PolicySet) -> dict[str, Any]:
        key = keys.parse_key(text, found.policies)
        if key is None:
            self.fail(
                "usage",
                gettext("%(key)r is no key: write one of %(spellings)s.")
                % {"key": text, "spellings": _spellings(found)},
                exit_code=USAGE,
            )
        self.require_shared()
        policy = found.policies[key.partition(":")[0]]
        quota = active_policies.quota_for(policy=policy, network=keys.parse_parts(text).get(IP, ""))
        decision = enforcement.peek([Level(policy=policy.name, quota=quota, key=key, cost=policy.cost)])
        if decision.is_local:
            self.fail("store_unavailable", gettext("The store does not answer: nobody knows."), exit_code=FAILED)
        result = decision.results[0]
        return {
            "key": key,
            "policy": policy.name,
            "limit": quota.burst or quota.limit,
            "remaining": result.remaining,
            "reset_after": result.reset_after,
            "retry_after": 0.0 if result.is_allowed else result.retry_after,
        }


def _largest(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    return f"{', '.join(f'{name}={value}' for name, value in found[0]['parts'].items())} ({found[0]['refused']})"


def _spellings(found: active_policies.PolicySet) -> str:
    examples = [
        keys.readable_key(name, dict.fromkeys(policy.scope, "...")) for name, policy in sorted(found.policies.items())
    ]
    return ", ".join(examples)
