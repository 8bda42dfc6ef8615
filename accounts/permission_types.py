"""The permissions of accounts and of the apps below, which know no access control."""

from django.utils.translation import gettext_lazy as _

from accounts.access.known_permissions import Permission, declare

for name, description, django_permissions in (
    ("docs:read", _("read the description of the API"), ()),
    ("users:read", _("read accounts"), ("accounts.view_user",)),
    ("users:change", _("change accounts"), ("accounts.change_user",)),
    ("users:create", _("create and invite accounts"), ("accounts.add_user",)),
    ("users:erase", _("erase accounts"), ("accounts.delete_user",)),
    ("factors:reset", _("reset second factors"), ()),
    ("sessions:read", _("read sessions"), ("tokens.view_session", "tokens.view_tokenfamily")),
    ("sessions:end", _("end sessions"), ("tokens.change_session",)),
    ("keys:read", _("read signing keys"), ("tokens.view_signingkey",)),
    ("tokens:introspect", _("introspect the tokens of others"), ()),
    ("events:read", _("read security events"), ("security_events.view_securityevent",)),
    ("incidents:read", _("read incidents"), ("security_events.view_incident",)),
    ("incidents:change", _("resolve incidents and undo responses"), ("security_events.change_incident",)),
    ("detection_rules:read", _("read rules of detection"), ("security_events.view_ruleversion",)),
    ("detection_rules:change", _("change rules of detection"), ("security_events.add_ruleversion",)),
    (
        "webhooks:read",
        _("read webhooks and sinks"),
        ("security_events.view_webhook", "security_events.view_sink"),
    ),
    ("webhooks:change", _("change webhooks"), ("security_events.change_webhook",)),
    # A job may be a mail to anybody: who has this can keep mails from administrators.
    ("jobs:change", _("retry and cancel background jobs"), ("procrastinate.change_procrastinatejob",)),
    ("jobs:read", _("read background jobs"), ("procrastinate.view_procrastinatejob",)),
    ("service_clients:read", _("read service clients"), ("tokens.view_serviceclient",)),
    ("service_clients:change", _("change service clients"), ("tokens.change_serviceclient",)),
    ("ssf:read", _("read streams of shared signals"), ("tokens.view_signalstream",)),
    ("ssf:manage", _("change streams of shared signals"), ("tokens.change_signalstream",)),
    ("rate_limits:read", _("read policies of the rate limiter"), ("ratelimiting.view_ratelimitpolicy",)),
    ("rate_limits:change", _("change policies of the rate limiter"), ("ratelimiting.change_ratelimitpolicy",)),
    ("health:read", _("read the health of each part"), ()),
    ("metrics:read", _("read metrics"), ()),
):
    declare(Permission(name, description, django_permissions))
