"""Show which policies are in force, what the shadow ones would have refused, and how one key stands."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ratelimiting import keys, selectors
from ratelimiting.management.operator_command import USAGE, LimitsCommand
from ratelimiting.services import enforcement, rules
from ratelimiting.types import Level

SHADOW_HOURS = 24
HEADS = ("policy", "mode", "limit", "window", "algorithm", "counted by", "routes", "source")


class Command(LimitsCommand):
    help = "Show the policies in force and their source; with --key how much one key has left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--key", help="policy:part=value,part=value, such as sign-in:ip=203.0.113.7")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        version = rules.refresh()
        found = rules.current()
        if options["key"]:
            return {"version": version, "key": self._key(options["key"], found)}
        since = timezone.now() - timedelta(hours=SHADOW_HOURS)
        return {
            "version": version,
            "policies": [
                {**policy.document(), "source": found.sources[name]} for name, policy in sorted(found.policies.items())
            ],
            "shadow": [
                {"policy": row.policy, "began_at": row.began_at.isoformat(), "refused": row.refused,
                 "keys": list(row.keys.values()), "samples": row.samples}
                for row in selectors.shadow_figures(since=since)
            ],
        }  # fmt: skip

    def show(self, result: dict[str, Any]) -> None:
        if "key" in result:
            key = result["key"]
            self.stdout.write(
                f"{key['policy']}: {key['remaining']} of {key['limit']} left, all of it in {key['reset_after']:.0f} s"
                + (f"; refused for {key['retry_after']:.0f} s." if key["retry_after"] else ".")
            )
            return
        self.stdout.write(f"Version {result['version']} of the stored policies.")
        self.table(
            HEADS,
            [
                (p["name"], p["mode"], p["limit"], f"{p['window']} s", p["algorithm"], "+".join(p["scope"]),
                 " ".join(p["match"]["routes"]) or "services", p["source"])
                for p in result["policies"]
            ],
        )  # fmt: skip
        if result["shadow"]:
            self.stdout.write(f"\nWould have been refused in the last {SHADOW_HOURS} hours:")
            self.table(
                ("policy", "hour", "refused", "for whom"),
                [(row["policy"], row["began_at"], row["refused"], _largest(row["keys"])) for row in result["shadow"]],
            )

    def _key(self, text: str, found: rules.RuleSet) -> dict[str, Any]:
        key = keys.read(text, found.policies)
        if key is None:
            self.fail("usage", f"{text!r} is no key: {_spellings(found)}", exit_code=USAGE)
        policy = found.policies[key.partition(":")[0]]
        verdict = enforcement.peek([Level(policy=policy.name, quota=policy.quota, key=key, cost=policy.cost)]).verdicts[
            0
        ]
        return {
            "key": key, "policy": policy.name, "limit": policy.burst or policy.limit, "remaining": verdict.remaining,
            "reset_after": verdict.reset_after, "retry_after": 0.0 if verdict.is_allowed else verdict.retry_after,
        }  # fmt: skip


def _largest(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    return f"{', '.join(f'{name}={value}' for name, value in found[0]['parts'].items())} ({found[0]['refused']})"


def _spellings(found: rules.RuleSet) -> str:
    examples = [keys.spelt(name, dict.fromkeys(policy.scope, "...")) for name, policy in sorted(found.policies.items())]
    return f"write one of {', '.join(examples)}."
