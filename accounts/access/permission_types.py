"""The permissions of this app."""

from django.utils.translation import gettext_lazy as _

from accounts.access.known_permissions import Permission, declare

CHECK = declare(Permission("authz:check", _("ask what others may do")))
EXPLAIN = declare(Permission("authz:explain", _("be told which rule decided")))
READ_POLICIES = declare(Permission("policies:read", _("read rules, roles and versions"), ("access.view_policyrule",)))
CHANGE_POLICIES = declare(
    Permission("policies:change", _("change rules and roles"), ("access.change_policyrule", "access.add_policyrule"))
)
APPROVE_POLICIES = declare(Permission("policies:approve", _("approve drafts of others")))
GRANT_ROLES = declare(Permission("roles:grant", _("give and take roles"), ("access.change_rolegrant",)))
START_BREAK_GLASS = declare(Permission("access:break_glass", _("take all rights for minutes, in an emergency")))
