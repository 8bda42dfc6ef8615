"""The order in which the document shows its tags, and the operations of each: that in which a client needs them.

An operation that is not listed stands after those of its tag that are, and a tag after the listed ones.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Tag(NamedTuple):
    """A group of operations, and the ids of these in the order of their use."""

    name: str
    description: str
    operations: tuple[str, ...] = ()


TAGS = (
    Tag(
        "sign-in",
        "Open an account, sign in, stay signed in and sign out.",
        (
            "register",
            "confirm_email",
            "resend_confirmation",
            "login",
            "verify_mfa",
            "passkey_options",
            "passkey_login",
            "refresh",
            "logout",
            "forgot_password",
            "reset_password",
            "reauthentication_options",
            "mail_code",
            "reauthenticate",
        ),
    ),
    Tag(
        "social sign-in",
        "Sign in by a provider, and connect accounts of providers.",
        (
            "list_social_providers",
            "begin_social_sign_in",
            "finish_social_sign_in",
            "sign_in_by_social_token",
            "reauthenticate_by_social_account",
            "list_social_accounts",
            "link_social_account",
            "unlink_social_account",
        ),
    ),
    Tag(
        "accounts",
        "Read and change your own account.",
        (
            "me",
            "update_me",
            "change_password",
            "change_email",
            "list_my_security_events",
            "export_me",
            "delete_me",
        ),
    ),
    Tag(
        "second factors",
        "Add and remove authenticator applications, security keys, passkeys and recovery codes.",
        (
            "second_factors",
            "begin_totp",
            "activate_totp",
            "remove_totp",
            "webauthn_options",
            "add_webauthn",
            "remove_webauthn",
            "renew_recovery_codes",
        ),
    ),
    Tag(
        "sessions",
        "List and end your sessions.",
        ("list_sessions", "end_session", "create_websocket_ticket", "end_other_sessions"),
    ),
    Tag(
        "access",
        "Ask what somebody may do, and who may.",
        (
            "check_access",
            "check_access_in_batch",
            "search_subjects",
            "search_objects",
            "search_actions",
            "authzen_metadata",
            "authzen_evaluation",
            "authzen_evaluations",
            "authzen_search_subjects",
            "authzen_search_resources",
            "authzen_search_actions",
        ),
    ),
    Tag("tokens", "Ask about tokens and revoke them: for services.", ("introspect", "revoke")),
    Tag("oauth", "The same for OAuth 2.0 clients, in the form of its RFCs."),
    Tag(
        "discovery",
        "Find the endpoints of this installation and the keys that verify its tokens.",
        ("authorization_server_metadata", "jwks"),
    ),
    Tag(
        "administration",
        "Operate an installation. These calls need permissions.",
        (
            "list_users",
            "create_user",
            "read_user",
            "change_user",
            "list_user_roles",
            "read_user_role",
            "give_user_role",
            "take_user_role",
            "list_user_sessions",
            "end_user_session",
            "invite_user",
            "confirm_email_user",
            "send_reset_user",
            "require_password_reset_user",
            "reset_second_factor_user",
            "withdraw_second_factor_reset_user",
            "read_second_factor_reset",
            "set_tier_user",
            "set_department_user",
            "set_location_user",
            "grant_staff_rights_user",
            "withdraw_staff_rights_user",
            "lock_user",
            "unlock_user",
            "logout_user",
            "delete_user",
            "restore_user",
            "anonymise_user",
            "break_glass",
            "list_service_clients",
            "register_service_client",
            "read_service_client",
            "change_service_client",
            "rotate_service_client_secret",
            "delete_service_client",
            "list_security_events",
            "read_security_event",
            "explain_security_event_risk",
            "list_incidents",
            "read_incident",
            "list_incident_events",
            "change_incident",
            "undo_incident_response",
            "list_detection_rules",
            "read_detection_rule",
            "change_detection_rule",
            "list_detection_rule_versions",
            "list_webhooks",
            "create_webhook",
            "read_webhook",
            "change_webhook",
            "rotate_webhook_secret",
            "test_webhook",
            "list_webhook_deliveries",
            "read_webhook_delivery",
            "replay_webhook_delivery",
            "replay_webhook",
            "delete_webhook",
            "list_policy_rules",
            "create_policy_rule",
            "read_policy_rule",
            "change_policy_rule",
            "delete_policy_rule",
            "list_roles",
            "read_role",
            "store_role",
            "delete_role",
            "list_policy_versions",
            "read_policy_version",
            "roll_policy_back",
            "list_policy_drafts",
            "create_policy_draft",
            "read_policy_draft",
            "change_policy_draft",
            "read_policy_draft_impact",
            "read_policy_draft_shadow",
            "switch_policy_draft_shadow",
            "approve_policy_draft",
            "apply_policy_draft",
            "delete_policy_draft",
            "list_unused_grants",
            "list_rate_limit_policies",
            "create_rate_limit_policy",
            "read_rate_limit_policy",
            "change_rate_limit_policy",
            "delete_rate_limit_policy",
            "list_rate_limit_policy_versions",
            "roll_rate_limit_policies_back",
        ),
    ),
    Tag(
        "audit trail",
        "Read the signed checkpoints of security events, and prove events against them.",
        (
            "prove_security_event",
            "read_checkpoint",
            "list_checkpoints",
            "prove_consistency",
            "read_public_checkpoint",
        ),
    ),
    Tag("system", "Ask whether a process runs and can answer calls.", ("livez", "readyz")),
)
_TAG_PLACES = {tag.name: place for place, tag in enumerate(TAGS)}
_PLACES = {operation: (place, n) for place, tag in enumerate(TAGS) for n, operation in enumerate(tag.operations)}


def place_of(tags: Iterable[str], operation_id: str) -> tuple[int, int]:
    """Return the place of an operation: that of its tag, and that among the operations of the tag."""
    if operation_id in _PLACES:
        return _PLACES[operation_id]
    return min((_TAG_PLACES.get(tag, len(TAGS)) for tag in tags), default=len(TAGS)), len(_PLACES)
