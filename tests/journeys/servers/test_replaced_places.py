"""A file of places is replaced while a server answers: places change within seconds, and no request fails."""

import threading
import time
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.programs import served
from tests.programs.busy import Lateness

SECONDS = 5


def write(path, city):
    writer = MMDBWriter(6, "Test", ipv4_compatible=True, languages=["en"], description="")
    writer.insert_network(IPSet(["127.0.0.0/8"]), {"country_code": "NO", "city": city})
    writer.to_db_file(f"{path}.new")
    Path(f"{path}.new").replace(path)


def test_places_follow_the_file(tmp_path, database_url, newcomer):
    path = tmp_path / "city.mmdb"
    write(path, "Oslo")
    with served.serving(database_url=database_url, GEOIP_PATH=str(path)) as site:
        mina = newcomer(site)
        assert mina.register().status_code == 201
        answers, ended = [], threading.Event()

        def place():
            answer = mina.send("GET", "/auth/sessions")
            answers.append(answer.status_code)
            return answer.json()["results"][0]["location"]

        def ask():
            while not ended.is_set():
                place()

        assert place() == "Oslo, NO"
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for city in ("Bergen", "Tromsø", "Bodø"):
                write(path, city)
                with Lateness() as lateness:
                    began = time.monotonic()
                    while place() != f"{city}, NO":
                        assert time.monotonic() - began < SECONDS + lateness.allowance
        finally:
            ended.set()
            asking.join()

    assert len(answers) > 6
    assert set(answers) == {200}
