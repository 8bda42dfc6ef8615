"""AuthZEN's evaluations: one (section 6), or many with common members (section 7)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.authzen import examples, shapes
from accounts.access.api.authzen.entities import MOST_EVALUATIONS, EntityInvalid, Evaluation, read_evaluation
from accounts.access.api.base import QuickWithIndex
from accounts.access.api.views.authzen.base import AuthZenAPIView, decision_body
from accounts.access.services import active_policy, questions
from accounts.access.services.compiling import Policy
from accounts.access.services.questions import AskedSubject
from accounts.access.types import Question

_EXECUTE_ALL = "execute_all"
# After which decision no further evaluation is made, by the semantic.
_ENDS_ON = {_EXECUTE_ALL: None, "deny_on_first_deny": False, "permit_on_first_permit": True}
_MEMBERS = ("subject", "action", "resource", "context")


class EvaluationView(AuthZenAPIView):
    """One evaluation."""

    event_loop_methods: Any = QuickWithIndex()

    @extend_schema(
        operation_id="authzen_evaluation",
        tags=["access"],
        summary="Evaluate access (AuthZEN)",
        request=shapes.EvaluationInput,
        responses={200: shapes.EvaluationOutput},
        examples=[examples.EVALUATION, examples.DECISION],
    )
    def post(self, request: Request) -> Response:
        """Decide whether a subject may do an action to a resource, as AuthZEN's Access Evaluation API says."""
        evaluation = read_evaluation(self.body_of(request))
        return Response(self.evaluate(evaluation, active_policy.current(), {}, is_explained=self.may_explain(request)))

    def evaluate(
        self, evaluation: Evaluation, policy: Policy, subjects: dict[Any, AskedSubject], *, is_explained: bool
    ) -> dict[str, Any]:
        """Return the answer to one evaluation. ``subjects`` keeps those that were found."""
        if evaluation.subject is None or evaluation.action is None:
            raise EntityInvalid(_("subject and action are needed."))
        who = (evaluation.subject.kind, evaluation.subject.key)
        subject = subjects.get(who)
        if subject is None:
            subject = subjects[who] = self.subject_of(evaluation.subject)
        question = Question(evaluation.object, evaluation.action.key, evaluation.claims)
        decision = questions.ask(subject, question, policy=policy, at=self.now)
        step_up = not decision.is_allowed and questions.needs_second_factor(
            subject, question, policy=policy, at=self.now
        )
        return decision_body(decision, is_explained=is_explained, step_up=step_up)


class EvaluationsView(EvaluationView):
    """Many evaluations. A hundred take some milliseconds, in which the event loop would stand still."""

    event_loop_methods = frozenset()
    problem_codes: ClassVar = EvaluationView.problem_codes

    @extend_schema(
        operation_id="authzen_evaluations",
        tags=["access"],
        summary="Evaluate access many times (AuthZEN)",
        request=shapes.EvaluationsInput,
        responses={200: shapes.EvaluationsOutput},
        examples=[examples.EVALUATIONS, examples.DECISIONS],
    )
    def post(self, request: Request) -> Response:
        """Decide up to 100 evaluations, as AuthZEN's Access Evaluations API says.

        The members beside `evaluations` are the defaults of each. Without `evaluations` this is one evaluation.
        """
        body = self.body_of(request)
        items, ends_on = _items(body), _ends_on(body)
        policy, is_explained = active_policy.current(), self.may_explain(request)
        subjects: dict[Any, AskedSubject] = {}
        if not items:
            return Response(self.evaluate(read_evaluation(body), policy, subjects, is_explained=is_explained))
        common = {name: _item(body[name]) for name in _MEMBERS if name in body}
        results: list[dict[str, Any]] = []
        for item in items:
            try:
                evaluation = read_evaluation({**common, **_item(item)})
                found = self.evaluate(evaluation, policy, subjects, is_explained=is_explained)
            except EntityInvalid as error:  # one that is ill formed is denied, and the others go on (7.2.1)
                found = {"decision": False, "context": {"error": {"status": 400, "message": error.sentence}}}
            results.append(found)
            if found["decision"] is ends_on:
                break
        return Response({"evaluations": results})


def _items(body: Mapping[str, Any]) -> list[Any]:
    items = body.get("evaluations", [])
    if not isinstance(items, list) or len(items) > MOST_EVALUATIONS:
        raise EntityInvalid(_("evaluations is a list of at most %d.") % MOST_EVALUATIONS)
    return items


def _item(item: Any) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise EntityInvalid(_("An evaluation and its members are objects."))
    return item


def _ends_on(body: Mapping[str, Any]) -> bool | None:
    options = body.get("options", {})
    semantic = options.get("evaluations_semantic", _EXECUTE_ALL) if isinstance(options, Mapping) else None
    if not isinstance(semantic, str) or semantic not in _ENDS_ON:
        raise EntityInvalid(_("options.evaluations_semantic is one of %s.") % ", ".join(_ENDS_ON))
    return _ENDS_ON[semantic]
