"""Turn the rights of the staff that there are into roles, which alone count from now on.

Superusers get the role of administrators. Staff get, one by one, the permissions that their permissions of Django and
those of their groups stood for. What they had of other permissions of Django opened nothing in this product; a project
that asks for them writes rules about ``django/<app label>/<codename>``. The tables of Django stay as they are.
"""

from typing import Any

from django.db import migrations
from django.utils import timezone

# What each permission of Django allowed until now.
_PERMISSIONS = {
    "accounts.view_user": ("docs:read", "users:read"),
    "accounts.change_user": ("users:change", "factors:reset"),
    "accounts.add_user": ("users:create",),
    "accounts.delete_user": ("users:erase",),
    "auth.change_permission": ("roles:grant",),
    "tokens.view_session": ("sessions:read",),
    "tokens.change_session": ("sessions:end",),
    "tokens.view_signingkey": ("keys:read",),
    "tokens.view_tokenfamily": ("tokens:introspect",),
    "tokens.view_serviceclient": ("service_clients:read",),
    "tokens.change_serviceclient": ("service_clients:change",),
    "tokens.view_signalstream": ("ssf:read",),
    "tokens.change_signalstream": ("ssf:manage",),
    "security_events.view_securityevent": ("events:read",),
    "security_events.view_incident": ("incidents:read",),
    "security_events.change_incident": ("incidents:change",),
    "security_events.view_ruleversion": ("detection_rules:read",),
    "security_events.add_ruleversion": ("detection_rules:change",),
    "security_events.view_webhook": ("webhooks:read",),
    "security_events.change_webhook": ("webhooks:change",),
    "procrastinate.view_procrastinatejob": ("jobs:read",),
    "ratelimiting.view_ratelimitpolicy": ("rate_limits:read",),
    "ratelimiting.change_ratelimitpolicy": ("rate_limits:change",),
}


def give_roles(apps: Any, _schema_editor: Any) -> None:
    User, Permission = apps.get_model("accounts", "User"), apps.get_model("auth", "Permission")
    RoleGrant = apps.get_model("access", "RoleGrant")
    now = timezone.now()
    for user in User.objects.filter(is_staff=True) | User.objects.filter(is_superuser=True):
        roles = {"admin"} if user.is_superuser else set()
        if user.is_staff:
            found = Permission.objects.filter(user=user) | Permission.objects.filter(group__user=user)
            for app_label, codename in found.values_list("content_type__app_label", "codename").distinct():
                roles.update(_PERMISSIONS.get(f"{app_label}.{codename}", ()))
        RoleGrant.objects.bulk_create(
            (
                RoleGrant(subject=f"user:{user.pk}", role=role, reason="held before there were roles", granted_at=now)
                for role in sorted(roles)
            ),
            ignore_conflicts=True,
        )
        # A grant has no end here, as accounts.rules.subject_facts packs it.
        User.objects.filter(pk=user.pk).update(role_grants=" ".join(sorted(roles)), is_staff=bool(roles))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0019_copies_of_role_grants"),
        ("access", "0001_the_policy"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(give_roles, migrations.RunPython.noop, elidable=True)]
