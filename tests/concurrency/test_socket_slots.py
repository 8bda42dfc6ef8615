"""The slots of sockets, taken by several processes at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from cedrina.models import SocketProcess, SocketSlot
from cedrina.websockets import socket_slots

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack("CWE-362, CWE-770")]
CONTENDERS = 14


def test_of_many_handshakes_at_once_ten_get_one_each():
    barrier = Barrier(CONTENDERS)

    def contend(_number):
        try:
            barrier.wait()
            return socket_slots.take(subject="mina", process_id=uuid4())
        finally:
            connection.close()

    with ThreadPoolExecutor(CONTENDERS) as pool:
        taken = [slot.number for slot in pool.map(contend, range(CONTENDERS)) if slot is not None]

    assert sorted(taken) == list(range(1, socket_slots.MOST_OF_PERSON + 1))


def test_the_slots_of_a_process_that_died_are_free_and_those_of_the_living_are_not():
    dead, living = uuid4(), uuid4()
    for _ in range(6):
        socket_slots.take(subject="mina", process_id=dead)
    for _ in range(4):
        socket_slots.take(subject="mina", process_id=living)
    assert socket_slots.take(subject="mina", process_id=living) is None

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cedrina_socketprocess SET alive_until = clock_timestamp() - interval '2 minutes' WHERE id = %s",
            [dead],
        )
    again = [socket_slots.take(subject="mina", process_id=living) for _ in range(3)]
    assert [slot.number for slot in again] == [1, 2, 3]
    assert SocketSlot.objects.filter(process_id=living).count() == 7

    # What the dead one says afterwards takes nothing from others.
    socket_slots.release(again, process_id=dead)
    assert SocketSlot.objects.filter(process_id=living).count() == 7
    socket_slots.forget_dead()
    assert not SocketProcess.objects.filter(pk=dead).exists()
    assert SocketSlot.objects.count() == 7
    socket_slots.release(again, process_id=living)
    assert SocketSlot.objects.count() == 4
