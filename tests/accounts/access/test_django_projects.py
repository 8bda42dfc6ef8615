"""What a Django project has: a backend, a decorator, a template filter and tag, and classes for its API."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from rest_framework.test import APIRequestFactory

from accounts.access.api.row_permissions import RowPermission, VisibleRows
from accounts.access.decorators import requires
from accounts.access.services.visible_rows import row_types
from accounts.access.services.visible_rows.row_types import declare_rows
from accounts.models import User
from tests.factories.accounts import UserFactory, give

pytestmark = pytest.mark.django_db
OWN = {"name": "same", "arguments": {"left": "subject.id", "right": "resource.id"}}


@pytest.fixture
def users(policy, settings):
    """Rows of a model that is there: people are objects, and may read and edit themselves."""
    settings.AUTHENTICATION_BACKENDS = ["accounts.access.backends.PolicyBackend"]
    declare_rows(User, path="people/{pk}", attributes={"id": "pk", "department": "department"})
    policy.add(
        *(
            {"subject": "role:person", "object": "people/*", "action": action, "effect": "allow", "conditions": [OWN]}
            for action in ("read", "update")
        ),
        roles=["person"],
    )
    found = UserFactory.create_batch(3)
    for user in found:
        give(user, "person")
    yield found
    row_types._declared.pop(User, None)


class TestBackend:
    def test_answers_by_the_policy(self, users, policy):
        user = users[0]
        assert not user.has_perm("accounts.view_user")
        give(user, "person", "users:read")
        assert user.has_perm("accounts.view_user")
        assert user.has_module_perms("accounts")
        assert not user.has_module_perms("tokens")
        assert user.get_all_permissions() == {"accounts.view_user"}
        policy.allow(f"user:{user.pk}", "django/library/publish", "use")
        assert user.has_perm("library.publish")
        assert not user.has_perm("library.delete")

    def test_answers_about_rows(self, users):
        ada, ben = users[:2]
        assert ada.has_perm("accounts.update", ada)
        assert not ada.has_perm("accounts.update", ben)
        assert not ada.has_perm("accounts.update", object())
        assert ada.get_all_permissions(ada) == set()


class TestViews:
    def test_ask_for_a_permission(self, users, policy):
        view = requires("users:read", login_url="/sign-in")(lambda _request: HttpResponse("in"))
        request = RequestFactory().get("/")
        request.user = users[0]
        with pytest.raises(PermissionDenied):
            view(request)
        give(users[0], "users:read")
        assert view(request).content == b"in"
        request.user = AnonymousUser()
        assert view(request).url == "/sign-in?next=/"

    def test_show_what_is_allowed(self, users):
        template = Template(
            '{% load access %}{% if user|may:"users:read" %}list {% endif %}'
            '{% may_do user other "update" as editable %}{% if editable %}edit{% endif %}'
        )
        ada, ben = users[:2]
        assert template.render(Context({"user": ada, "other": ben})) == ""
        give(ada, "person", "users:read")
        assert template.render(Context({"user": ada, "other": ada})) == "list edit"

    def test_of_an_api_show_and_change_rows_that_the_policy_allows(self, users):
        ada, ben = users[:2]
        request = APIRequestFactory().patch("/")
        request.user = ada
        assert RowPermission().has_object_permission(request, None, ada)
        assert not RowPermission().has_object_permission(request, None, ben)
        request.method = "DELETE"
        assert not RowPermission().has_object_permission(request, None, ada)
        request.method = "TRACE"
        assert not RowPermission().has_object_permission(request, None, ada)
        assert list(VisibleRows().filter_queryset(request, User.objects.all(), None)) == [ada]
