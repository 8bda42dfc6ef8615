"""The admin of access control."""

from django.contrib import admin

from accounts.access.administration.draft_admin import DraftAdmin
from accounts.access.administration.role_admin import RoleAdmin, RoleGrantAdmin
from accounts.access.administration.rule_admin import RuleAdmin
from accounts.access.administration.version_admin import VersionAdmin
from accounts.access.models import PolicyDraft, PolicyRule, PolicyVersion, Role, RoleGrant

admin.site.register(PolicyRule, RuleAdmin)
admin.site.register(Role, RoleAdmin)
admin.site.register(RoleGrant, RoleGrantAdmin)
admin.site.register(PolicyVersion, VersionAdmin)
admin.site.register(PolicyDraft, DraftAdmin)
