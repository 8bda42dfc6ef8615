"""A test of many cases names each one that fails, and goes on with the others."""

import inspect

import pytest

from tests.for_each import for_each


def even(number, seen):
    seen.append(number)
    assert number % 2 == 0


evens = for_each("number", [1, 2, 3, 4], ids=lambda number: f"the {number}")(even)


class TestForEach:
    def test_calls_the_test_with_each_case(self):
        seen = []
        for_each("number", [2, 4])(even)(seen=seen)
        assert seen == [2, 4]

    def test_names_all_that_failed(self):
        seen = []
        with pytest.raises(ExceptionGroup, match="2 of 4 cases of number") as caught:
            evens(seen=seen)

        assert seen == [1, 2, 3, 4]
        assert [failure.__notes__ for failure in caught.value.exceptions] == [
            ["number: the 1"],
            ["number: the 3"],
        ]

    def test_leaves_the_other_arguments_to_fixtures(self):
        assert list(inspect.signature(evens).parameters) == ["seen"]

    def test_refuses_to_test_nothing(self):
        with pytest.raises(AssertionError, match="no case of number"):
            for_each("number", [])
