import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from tests.accounts.api.administration.conftest import client_of
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.mailbox import queued
from tokens.models import Session

pytestmark = pytest.mark.django_db
URL = "/api/v1/admin/users"
MEMBERS = {"department", "location", "deleted_at", "last_login_at", "risk"}


def names(answer):
    assert answer.status_code == 200, answer.json()
    return [user["username"] for user in answer.json()["results"]]


def code(answer):
    return answer.status_code, answer.json()["code"]


class TestList:
    def test_shows_people_newest_first_with_what_operators_see(self, operator, boss):
        UserFactory(username="mina", department="Sales")

        answer = operator.get(URL)

        assert names(answer) == ["mina", "boss"]
        mina, first = answer.json()["results"]
        assert set(mina) > MEMBERS
        assert (mina["department"], mina["risk"], first["roles"]) == ("Sales", None, ["admin"])
        assert mina["deleted_at"] is None
        assert "password" not in mina

    def test_shows_deleted_people_by_themselves(self, operator):
        UserFactory(username="mina", deleted_at=timezone.now())

        assert names(operator.get(URL)) == names(operator.get(URL, {"is_deleted": "false"})) == ["boss"]
        found = operator.get(URL, {"is_deleted": "true"})
        assert names(found) == ["mina"]
        assert found.json()["results"][0]["deleted_at"].endswith("Z")

    def test_reads_it_by_pages(self, operator):
        UserFactory.create_batch(4)

        first = operator.get(URL, {"limit": 2}).json()
        second = operator.get(URL, {"limit": 2, "cursor": first["next"]}).json()
        third = operator.get(URL, {"limit": 2, "cursor": second["next"]}).json()

        ids = [user["id"] for page in (first, second, third) for user in page["results"]]
        assert ids == sorted(ids, reverse=True)
        assert len(set(ids)) == 5
        assert third["next"] is None

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"search": "MIN"}, ["minou", "mina"]),
            ({"search": "mina@Example"}, ["mina"]),
            ({"search": "first."}, ["mina"]),
            ({"search": "ina"}, []),
            ({"search": "mi_a"}, []),
            ({"search": "%"}, []),
            ({"search": "min", "is_active": "false"}, ["minou"]),
            ({"role": "admin"}, ["boss"]),
            ({"role": "staff"}, ["helper", "boss"]),
            ({"role": "users:read"}, ["helper"]),
            ({"is_active": "false"}, ["minou"]),
        ],
        ids=str,
    )
    def test_finds_some_of_them(self, operator, query, found):
        UserFactory(username="helper", roles=["users:read"])
        UserFactory(username="mina", email="first.mina@example.com")
        if query.get("search", "").startswith("mina@"):
            User.objects.filter(username="mina").update(email_folded="mina@example.com")
        UserFactory(username="minou", email="other@example.com", is_active=False)

        assert names(operator.get(URL, query)) == found

    def test_finds_a_whole_id(self, operator):
        user = UserFactory()
        assert names(operator.get(URL, {"search": str(user.pk)})) == [user.username]
        assert names(operator.get(URL, {"search": str(uuid.uuid4())})) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"search": "x" * 255}, "search"),
            ({"search": ""}, "search"),
            ({"search": "a\nb"}, "search"),
            ({"role": "king"}, "role"),
            ({"role": "x\0"}, "role"),
            ({"is_deleted": "1"}, "is_deleted"),
            ({"is_active": "yes"}, "is_active"),
            ({"cursor": "1"}, "cursor"),
            ({"limit": 201}, "limit"),
            ({"order": "name"}, "order"),
        ],
        ids=str,
    )
    def test_names_what_is_wrong_with_a_query(self, operator, query, field):
        answer = operator.get(URL, query)
        assert code(answer) == (422, "validation_error")
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    def test_is_for_those_who_may_read_users(self, staff_client, events, api):
        assert names(staff_client("users:read").get(URL))
        assert code(staff_client("users:change").get(URL)) == (403, "permission_denied")
        assert events("permission.denied").get().risk_reasons == ["users:read"]
        assert code(client_of(UserFactory()).get(URL)) == (403, "permission_denied")
        assert code(api.get(URL)) == (401, "authentication_required")

    def test_takes_three_queries_and_no_password(self, operator, django_assert_max_num_queries):
        UserFactory.create_batch(3)
        operator.get(URL)
        with django_assert_max_num_queries(3) as captured:  # the access token, the accounts, and their risks
            operator.get(URL)
        assert '"password"' not in captured[1]["sql"]


class TestRead:
    def test_shows_a_person_with_the_version(self, operator):
        user = UserFactory(username="mina", deleted_at=timezone.now())

        answer = operator.get(f"{URL}/{user.pk}")

        assert (answer.status_code, answer["ETag"], answer.json()["username"]) == (200, '"1"', "mina")
        assert answer["Cache-Control"] == "no-store"

    def test_finds_nobody(self, operator, staff_client):
        assert code(operator.get(f"{URL}/{uuid.uuid4()}")) == (404, "not_found")
        # Whether somebody exists is told to nobody who may not read users.
        assert code(staff_client("sessions:read").get(f"{URL}/{uuid.uuid4()}")) == (403, "permission_denied")


class TestChange:
    def change(self, api, user, body, version='"1"'):
        headers = {} if version is None else {"If-Match": version}
        return api.patch(f"{URL}/{user.pk}", {"reason": "moved", **body}, format="json", headers=headers)

    def test_changes_what_is_given(self, operator, empty_queue):
        user = UserFactory(full_name="Before")
        body = {"tier": "pro", "department": "Sales", "location": "", "full_name": "Mina", "locale": "fa"}

        answer = self.change(operator, user, body)

        assert answer.status_code == 200
        assert {name: answer.json()[name] for name in body} == body
        assert answer["ETag"] == '"2"'
        assert queued() == ["changed_by_operator"]

    def test_demands_the_version(self, operator):
        user = UserFactory()
        assert code(self.change(operator, user, {"tier": "pro"}, None)) == (428, "precondition_required")
        assert code(self.change(operator, user, {"tier": "pro"}, '"7"')) == (412, "version_mismatch")
        assert self.change(operator, user, {"tier": "pro"}, "*").status_code == 200

    @pytest.mark.parametrize(
        ("body", "field", "problem"),
        [
            ({"reason": ""}, "reason", "blank"),
            ({"reason": "x" * 201}, "reason", "max_length"),
            ({"reason": 7}, "reason", "invalid"),
            ({"tier": "gold"}, "tier", "invalid"),
            ({"department": "a\u2028b"}, "department", "invalid"),
            ({"location": "x" * 101}, "location", "max_length"),
            ({"locale": "xx"}, "locale", "invalid"),
            ({"email": "other@example.com"}, "email", "unknown_field"),
            ({"is_superuser": True}, "is_superuser", "unknown_field"),
            ({"is_active": "no"}, "is_active", "invalid"),
            ({"is_active": None}, "is_active", "invalid"),
            ({"is_staff": True}, "is_staff", "invalid"),
        ],
    )
    def test_refuses_what_is_no_such_value(self, operator, body, field, problem):
        answer = self.change(operator, UserFactory(), body)
        assert code(answer) == (422, "validation_error")
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, problem)]

    def test_closes_and_opens_an_account(self, operator, empty_queue):
        user = UserFactory()
        pair = open_session(user=user)

        closed = self.change(operator, user, {"is_active": False, "department": "Sales"})

        assert (closed.status_code, closed.json()["is_active"], closed.json()["department"]) == (200, False, "Sales")
        assert Session.objects.get(pk=pair.session_id).ended_at is not None
        assert queued() == ["changed_by_operator", "account_locked"]
        opened = self.change(operator, user, {"is_active": True}, closed["ETag"])
        assert (opened.status_code, opened.json()["is_active"]) == (200, True)

    def test_takes_the_rights_of_the_staff(self, operator, empty_queue):
        user = UserFactory(roles=("users:read", "users:change"))

        answer = self.change(operator, user, {"is_staff": False})

        assert answer.status_code == 200
        user.refresh_from_db()
        assert (user.is_staff, user.role_grants) == (False, "")

    def test_changes_all_or_nothing(self, operator):
        user = UserFactory()
        answer = self.change(operator, user, {"department": "Sales", "is_active": False, "is_staff": True})
        assert code(answer) == (422, "validation_error")
        user.refresh_from_db()
        assert (user.department, user.is_active, user.version) == ("", True, 1)

    def test_changes_nobody_oneself(self, operator, boss):
        assert code(self.change(operator, boss, {"tier": "enterprise"})) == (403, "permission_denied")

    def test_takes_a_recent_sign_in(self, boss):
        stale = client_of(boss, now=timezone.now() - timedelta(minutes=6))
        answer = self.change(stale, UserFactory(), {"tier": "pro"})
        assert code(answer) == (403, "reauthentication_required")


class TestCreate:
    BODY = {"username": "nora", "email": "nora@example.com", "reason": "new colleague"}

    def test_creates_and_invites_a_person(self, operator, empty_queue):
        answer = operator.post(URL, {**self.BODY, "locale": "ar", "department": "Sales"}, format="json")

        assert answer.status_code == 201
        assert (answer.json()["username"], answer.json()["email_confirmed"]) == ("nora", False)
        assert (answer.json()["locale"], answer["ETag"]) == ("ar", '"1"')
        assert queued() == ["invitation"]

    def test_creates_nobody_twice(self, operator, empty_queue):
        operator.post(URL, self.BODY, format="json")
        assert code(operator.post(URL, self.BODY, format="json")) == (409, "username_taken")
        other_name = {**self.BODY, "username": "nora2"}
        assert code(operator.post(URL, other_name, format="json")) == (409, "email_taken")
        assert queued() == ["invitation"]

    @pytest.mark.parametrize(
        ("body", "field", "problem"),
        [
            ({"password": "chosen by somebody else"}, "password", "unknown_field"),
            ({"is_staff": True}, "is_staff", "unknown_field"),
            ({"username": "n!"}, "username", "username_invalid"),
            ({"email": "nora"}, "email", "email_invalid"),
            ({"invite": "no"}, "invite", "invalid"),
        ],
    )
    def test_refuses_what_is_no_such_value(self, operator, body, field, problem):
        answer = operator.post(URL, {**self.BODY, **body}, format="json")
        assert code(answer) == (422, "validation_error")
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, problem)]

    def test_is_for_those_who_may(self, staff_client):
        assert code(staff_client("users:change").post(URL, self.BODY, format="json")) == (403, "permission_denied")
        creator = staff_client("users:create")
        assert code(creator.post(URL, {**self.BODY, "tier": "pro"}, format="json")) == (403, "permission_denied")
        assert creator.post(URL, self.BODY, format="json").status_code == 201


class TestSessions:
    def test_are_listed_and_ended(self, operator, empty_queue):
        user = UserFactory()
        pair, other = open_session(user=user), open_session(user=user)
        url = f"{URL}/{user.pk}/sessions"

        listed = operator.get(url).json()["results"]
        ended = operator.delete(f"{url}/{pair.session_id}?reason=stolen+laptop")
        again = operator.delete(f"{url}/{pair.session_id}")

        assert {row["id"] for row in listed} == {str(pair.session_id), str(other.session_id)}
        assert not any(row["current"] for row in listed)
        assert (ended.status_code, code(again)) == (204, (404, "not_found"))
        assert Session.objects.filter(user=user, ended_at=None).count() == 1
        assert queued() == ["sessions_ended_by_operator"]

    def test_of_one_person_are_not_anothers(self, operator):
        pair = open_session(user=UserFactory())
        assert code(operator.delete(f"{URL}/{UserFactory().pk}/sessions/{pair.session_id}")) == (404, "not_found")
        assert Session.objects.get(pk=pair.session_id).ended_at is None

    def test_are_for_those_who_may(self, staff_client):
        user = UserFactory()
        pair = open_session(user=user)
        reader = staff_client("sessions:read")
        assert reader.get(f"{URL}/{user.pk}/sessions").status_code == 200
        assert code(reader.delete(f"{URL}/{user.pk}/sessions/{pair.session_id}")) == (403, "permission_denied")
