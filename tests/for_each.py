"""Many cases in one test, where a case takes less time than pytest needs for a test.

Each test costs 5 ms of CPU: every worker collects it, fixtures of all tests are set up, and reports go to the process
that started the workers.
"""

import functools
import inspect


def for_each(name, cases, *, ids=str):
    """Call a test with each case as its argument ``name``, and raise all that failed together, with the case's id.

    It stands in place of ``pytest.mark.parametrize`` for tests that share nothing but what they read: fixtures are set
    up once for all cases.
    """
    cases = list(cases)
    assert cases, f"no case of {name}"

    def decorate(test):
        @functools.wraps(test)
        def test_of_all(*arguments, **fixtures):
            failures = []
            for case in cases:
                try:
                    test(*arguments, **fixtures, **{name: case})
                except Exception as failure:  # noqa: BLE001 - raised below, with those of the other cases
                    failure.add_note(f"{name}: {ids(case)}")
                    failures.append(failure)
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(cases)} cases of {name}", failures)

        signature = inspect.signature(test)
        others = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        assert len(others) < len(signature.parameters), f"the test takes no {name}"
        test_of_all.__signature__ = signature.replace(parameters=others)  # pytest takes what is left for fixtures
        return test_of_all

    return decorate
