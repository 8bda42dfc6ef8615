from concurrent.futures import ThreadPoolExecutor

import pytest

from security_events.context import NO_REQUEST, RequestContext, bind, current

ONE = RequestContext(correlation_id="one")
OTHER = RequestContext(correlation_id="other")


class TestBind:
    def test_holds_until_the_block_ends_however_it_ends(self):
        with bind(ONE):
            with pytest.raises(ZeroDivisionError), bind(OTHER):
                _ = 1 / (current() is not OTHER)
            assert current() is ONE
        assert current() is NO_REQUEST

    def test_is_not_seen_by_other_threads(self):
        with bind(ONE), ThreadPoolExecutor(1) as pool:
            assert pool.submit(current).result() is NO_REQUEST
