"""Whose turn it is, and who has to go when there is no room."""

import random
from collections import Counter

import pytest

from accounts.services.passwords.hashing_queue import FairQueue


def filled(*paths):
    """Return a queue with one item under each path, which is named after the path and its number under it."""
    queue, seen = FairQueue(), Counter()
    for path in paths:
        seen[path] += 1
        queue.put((path, seen[path]), path=path)
    return queue


def order(queue):
    return [queue.take() for _ in range(len(queue))]


A1, A2, B1 = ("a", "a1"), ("a", "a2"), ("b", "b1")


class TestTake:
    def test_serves_networks_in_turn_and_one_address_in_the_order_of_arrival(self):
        queue = filled(A1, A1, A1, A1, B1, B1)

        assert order(queue) == [(A1, 1), (B1, 1), (A1, 2), (B1, 2), (A1, 3), (A1, 4)]
        assert len(queue) == 0

    def test_serves_the_parts_of_a_network_in_turn(self):
        queue = filled(A1, A1, A1, A2, B1, B1, B1)

        assert [path for path, _ in order(queue)] == [A1, B1, A2, B1, A1, B1, A1]

    def test_delays_a_newcomer_by_one_turn_of_each_other_network(self):
        queue = filled(*[("a", f"a{number % 50}") for number in range(1000)])
        queue.put("honest", path=B1)

        assert "honest" in [queue.take() for _ in range(2)]

    def test_of_nothing_is_an_error(self):
        with pytest.raises(StopIteration):
            FairQueue().take()

    def test_can_give_one_name_a_smaller_part(self):
        queue = FairQueue({"a": 3})
        for number in range(6):
            queue.put(("a", number), path=A1)
            queue.put(("b", number), path=B1)

        assert [name for name, _ in order(queue)] == ["b", "b", "a"] * 3 + ["a"] * 3

    def test_gives_a_name_all_turns_while_no_other_waits(self):
        queue = FairQueue({"a": 3})
        for number in range(4):
            queue.put(number, path=A1)

        assert order(queue) == [0, 1, 2, 3]


class TestDrop:
    def test_takes_the_newest_of_the_network_that_has_most_waiting(self):
        queue = filled(A1, A2, A2, B1, B1)

        assert queue.drop(path=B1) == (A2, 2)
        assert queue.drop(path=B1) == (B1, 2)

    def test_takes_the_newcomer_where_all_have_as_many(self):
        queue = filled(A1, B1)

        assert queue.drop(path=B1) == (B1, 1)

    def test_looks_into_one_network_alone_if_told_to(self):
        queue = filled(A1, A1, A1, B1, ("b", "b2"), ("b", "b2"))

        assert queue.drop(path=B1, within=1) == (("b", "b2"), 2)
        assert queue.size(("a",)) == 3
        assert queue.size(("b",)) == 2
        assert queue.size(("c", "c1")) == 0


class TestRemove:
    def test_takes_one_item_out_and_says_whether_it_was_there(self):
        queue = filled(A1, A1, A2)

        assert queue.remove((A1, 1), path=A1)
        assert not queue.remove((A1, 1), path=A1)
        assert not queue.remove((B1, 1), path=B1)
        assert queue.remove((A2, 1), path=A2)
        assert order(queue) == [(A1, 2)]


@pytest.mark.property
class TestAnySequence:
    @pytest.mark.parametrize("seed", range(20))
    def test_keeps_every_item_once_and_deletes_empty_networks(self, seed):
        chance, queue, there = random.Random(seed), FairQueue(), {}
        for number in range(400):
            path = (f"n{chance.randrange(3)}", f"s{chance.randrange(3)}", f"h{chance.randrange(3)}")
            action = chance.random()
            if action < 0.5:
                queue.put(number, path=path)
                there[number] = path
            elif action < 0.7 and there:
                del there[queue.take()]
            elif action < 0.85 and there:
                del there[queue.drop(path=path)]
            elif there:
                item = chance.choice(list(there))
                assert queue.remove(item, path=there.pop(item))
            assert len(queue) == len(there)
            for depth in (1, 2, 3):
                for prefix, count in Counter(where[:depth] for where in there.values()).items():
                    assert queue.size(prefix) == count

        assert sorted(order(queue)) == sorted(there)
        assert not queue._root.branches
