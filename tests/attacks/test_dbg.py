import gc
from functools import _lru_cache_wrapper

import pytest

import tests.attacks.test_remembered_texts as m
from tests.attacks.test_remembered_texts import _kept_connection


@pytest.mark.django_db
def test_dbg(settings):
    old = m.remembered

    def r():
        for cache in [f for f in gc.get_objects() if type(f) is _lru_cache_wrapper]:
            level, seen = [cache], set()
            for _ in range(5):
                level = [h for x in level for h in gc.get_referents(x) if id(h) not in seen]
                seen.update(map(id, level))
                for h in level:
                    if type(h) in (str, bytes) and m.MARK in str(h) and len(h) > 512:
                        print("CULPRIT", cache, len(h), str(h)[:300])
                level = [h for h in level if type(h) in (dict, tuple, list, set, frozenset)]
        return old()

    m.remembered = r
    m.test_caches_hold_no_long_texts(settings)
