"""Public forms of events of every declared type: with every member, and with none that may be missing."""

from security_events.catalogue import CATALOGUE
from security_events.event_form import MEMBERS
from security_events.exporters.product import Product
from tests.for_each import for_each

PRODUCT = Product(name="Cedrina", version="1.2.3", source="https://id.example.org", has_truncated_addresses=False)
# What some keys of the data hold in truth. The others hold a text.
_DATA = {"amr": ["pwd", "otp", "mfa", "user"], "factor": "webauthn", "method": "POST", "route": "/api/v1/auth/login"}


def empty_form(event_type, **members):
    """Return an event of which nothing is known but what its type says."""
    return {
        **dict.fromkeys(MEMBERS),
        "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
        "occurred_at": "2026-01-05T10:00:00.123456Z",
        "type": event_type.id,
        "category": str(event_type.category),
        "severity": str(event_type.severity),
        "outcome": "success",
        "risk_score": 0,
        "risk_reasons": [],
        "data": {},
        **members,
    }


def full_form(event_type, **members):
    """Return an event with a value in each member, each of which is found nowhere else."""
    return (
        empty_form(
            event_type,
            outcome="failure",
            actor_id="actor-1",
            actor_name="a***@example.com",
            actor_pseudonym="c0ffee" * 5,
            target_id="target-1",
            target_name="t***@example.org",
            session_id="019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
            family_id="019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a13",
            correlation_id="correlation-1",
            ip_address="2001:db8::77",
            user_agent="Browser/7 (مرورگر; a=b|c\\d)",
            risk_score=77,
            risk_reasons=["first_reason", "second\nreason"],
            data={key: _DATA.get(key, f"the {key}") for key in event_type.data},
        )
        | members
    )


every_type = for_each("event_type", CATALOGUE.values())
each_form = for_each("form_of", [empty_form, full_form], ids=lambda form_of: form_of.__name__)
