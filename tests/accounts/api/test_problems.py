import pytest

from accounts import errors
from accounts.api.problems import STATUS_CODES, as_api_exception

REFUSALS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AccountError) and kind is not errors.AccountError
]


class TestAsApiException:
    @pytest.mark.parametrize("kind", [kind for kind in REFUSALS if kind is not errors.DetailsInvalid])
    def test_gives_every_error_its_status_and_hides_its_context(self, kind):
        wait = {"retry_after": 3} if issubclass(kind, errors.RetryLater) else {}
        exc = as_api_exception(kind(secret="for the trail", **wait))

        assert exc.status_code == next(STATUS_CODES[each] for each in kind.__mro__ if each in STATUS_CODES)
        assert exc.detail.code == kind.code
        assert "for the trail" not in str(exc.detail)

    def test_returns_when_to_try_again(self):
        for kind, status in ((errors.HashingBusy, 503), (errors.AttemptsExhausted, 429)):
            exc = as_api_exception(kind(retry_after=3))

            assert (exc.status_code, exc.wait) == (status, 3)

    def test_keeps_all_problems_of_a_field(self):
        problems = [errors.FieldProblem("password", code, "words") for code in ("one", "two")]

        detail = as_api_exception(errors.DetailsInvalid(problems)).detail

        assert [error.code for error in detail["password"]] == ["one", "two"]
