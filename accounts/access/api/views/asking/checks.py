"""May somebody do an action to an object? One question, or a hundred."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.access.api import question_examples as examples
from accounts.access.api.base import QuickWithIndex
from accounts.access.api.question_bodies import read_checks, read_each, read_question, read_version
from accounts.access.api.serializers import questions as shapes
from accounts.access.api.views.asking.base import AskingAPIView, matched, with_context
from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision
from accounts.access.services import questions
from cedrina_base.frequent_views import Answer, answer

_MEMBERS = frozenset({"subject", "object", "action", "attributes", "at_least_version"})
_UNEXPLAINED: Mapping[bool, Mapping[str, Any]] = {each: {"allowed": each, "matched": None} for each in (True, False)}
FIELD_CODES = ["required", "invalid", "blank", "max_length", "unknown_field"]


class CheckView(AskingAPIView):
    """One question."""

    event_loop_methods: Any = QuickWithIndex()
    waits_for = b"at_least_version"
    problem_codes: ClassVar = {"post": ["permission_denied", "service_unavailable"]}
    field_codes: ClassVar = {"post": FIELD_CODES}

    @extend_schema(
        operation_id="check_access",
        tags=["access"],
        summary="Ask whether somebody may do something",
        request=shapes.CheckInput,
        responses={200: shapes.CheckOutput},
        examples=[examples.CHECK, examples.CHECK_OF_ANOTHER, examples.ALLOWED],
    )
    def post(self, request: Request) -> Answer:
        """Ask whether you may do an action to an object, or, with `authz:check`, whether somebody else may.

        `matched` says with `authz:explain` which rule decided. With `at_least_version` the answer is by a policy of
        this version or a later one: send what a change of the policy answered in `X-Policy-Version`.
        """
        asked = read_question(request.data, own_name=self.asking.subject, members=_MEMBERS)
        wanted = read_version(request.data)
        if asked.subject:
            self.require_others_allowed(request)
        policy = questions.policy_of_version(wanted)
        question = self.with_known(request, asked)
        decision = questions.ask(self.subject_of(asked.subject), question, policy=policy, at=self.now)
        body = {**_answer(decision, is_explained=self.may_explain()), "version": policy.version}
        return answer(self, request, body)


class CheckBatchView(CheckView):
    """Many questions. A hundred take one or two milliseconds, in which the event loop would stand still."""

    event_loop_methods = frozenset()

    @extend_schema(
        operation_id="check_access_in_batch",
        tags=["access"],
        summary="Ask up to 100 questions at once",
        request=shapes.CheckBatchInput,
        responses={200: shapes.CheckBatchOutput},
        examples=[examples.CHECKS, examples.ALL_ALLOWED],
    )
    def post(self, request: Request) -> Answer:
        """Ask up to 100 questions at once; all are answered by the same version of the policy, in order."""
        checks = read_checks(request.data)
        asked = read_each(checks, partial(read_question, own_name=self.asking.subject, members=_MEMBERS))
        wanted = read_each(checks, read_version)
        names = {each.subject for each in asked}
        if names != {""}:
            self.require_others_allowed(request)
        policy = questions.policy_of_version(max((each for each in wanted if each is not None), default=None))
        subjects = questions.find_subjects(names - {""}, self.now) | {"": self.subject_of("")}
        known = access_settings.CONTEXT_OF(request.user)
        decided = questions.ask_each(
            [
                (subjects[subject], question if subject else with_context(question, known))
                for subject, question in asked
            ],
            policy=policy,
            at=self.now,
        )
        is_explained = self.may_explain()
        results = [_answer(each, is_explained=is_explained) for each in decided]
        return answer(self, request, {"results": results, "version": policy.version})


def _answer(decision: Decision, *, is_explained: bool) -> Mapping[str, Any]:
    if not is_explained:
        return _UNEXPLAINED[decision.is_allowed]
    return {"allowed": decision.is_allowed, "matched": matched(decision, is_explained=True)}
