"""Fixed paths of the API lead to the views that Django finds by trying all routes, and nothing else is kept."""

import pytest
from django.urls import Resolver404, get_resolver, include, path, resolve

from cedrina.http.fixed_paths import FixedPathsFirst
from cedrina.http.paths import fixed_paths


def routes():
    return next(each for each in get_resolver().url_patterns if isinstance(each, FixedPathsFirst))


def test_lead_to_the_same_views_each_time():
    plain = path("api/v1/", include(routes().url_patterns))
    found = sorted(each for each in fixed_paths() if each.startswith("/api/v1/"))
    assert len(found) > 50
    for each in found:
        expected = plain.resolve(each.removeprefix("/"))
        for _time in range(2):
            match = resolve(each)
            assert (match.func, match.kwargs, match.view_name) == (
                expected.func,
                expected.kwargs,
                expected.view_name,
            )


def test_keep_no_path_with_a_variable_part():
    one, two = (resolve(f"/api/v1/admin/roles/{name}") for name in ("one", "two"))
    assert (one.kwargs, two.kwargs) == ({"name": "one"}, {"name": "two"})
    assert not {"api/v1/admin/roles/one", "api/v1/admin/roles/two"} & routes()._found.keys()


@pytest.mark.parametrize("spelling", ["/api/v1/auth/me/", "/api/v1/AUTH/me", "/api/v1//auth/me", "/api/v1/"])
def test_lead_nowhere_in_another_spelling(spelling):
    resolve("/api/v1/auth/me")
    with pytest.raises(Resolver404):
        resolve(spelling)
