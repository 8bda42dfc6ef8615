"""How many examples a property test gets: the profile that tests/conftest.py loads says it for all of them.

A test whose examples are costly, or whose cases are rare, takes a part or a multiple of what the profile grants.
"""

from hypothesis import settings


def examples(share=1.0):
    """Return the profile's number of examples, times a share; at least five."""
    return max(5, round(settings().max_examples * share))
