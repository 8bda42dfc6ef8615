from cedrina_base.uuids import uuid7


class TestUuid7:
    def test_is_of_version_7_and_ordered_by_time(self):
        made = [uuid7() for _ in range(100)]

        assert {each.version for each in made} == {7}
        assert made == sorted(made)
        assert len(set(made)) == 100
