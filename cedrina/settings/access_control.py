"""The settings of access control."""

from datetime import timedelta
from typing import Any

from cedrina.settings.environment_settings import EnvironmentSettings
from cedrina.settings.shipped_roles import SHIPPED_ROLES, SHIPPED_RULES


def settings(values: EnvironmentSettings, *, public_url: str) -> dict[str, Any]:
    """Return the dict ``ACCESS``."""
    return {
        "ENGINE": values.ACCESS_ENGINE,
        "MAX_STALENESS": timedelta(seconds=values.ACCESS_MAX_STALENESS),
        "APPROVERS": values.POLICY_APPROVERS,
        "RECORD_RETENTION": timedelta(days=values.ACCESS_RECORD_DAYS),
        "RECORD_ONE_IN": 100 if values.ACCESS_RECORD_DAYS else 0,
        "FACTS_OF": "accounts.rules.subject_facts.facts_of",
        "SHIPPED_ROLES": SHIPPED_ROLES,
        "SHIPPED_RULES": SHIPPED_RULES,
        "CONTEXT_OF": "accounts.rules.subject_facts.context_of",
        "FIND_SUBJECT": "accounts.access_subjects.find_subject",
        "FIND_SUBJECTS": "accounts.access_subjects.find_subjects",
        "SUBJECTS": "accounts.access_subjects.existing_subjects",
        "CANDIDATES": "accounts.access_subjects.candidate_subjects",
        "OBJECTS": "accounts.access.hook_defaults.known_permission_objects",
        "FIND_OBJECT": "accounts.access.hook_defaults.no_object_attributes",
        "BASE_URL": public_url,
        "SIGN_METADATA": "tokens.services.signed_metadata.sign",
        "API_PERMISSIONS": "accounts.api.permissions.action_permissions",
        "REQUIRE_ADMINISTRATOR": "accounts.access_subjects.require_administrator",
        "SUBJECT_LINKS": "accounts.administration.subject_links.links_of_access_subjects",
        "SUBJECT_OF_NAME": "accounts.administration.subject_links.access_subject",
    }
