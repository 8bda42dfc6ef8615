"""From URLs to what Django wants."""

import os

import pytest

from cedrina.settings import connections


class TestDatabase:
    def test_knows_sockets_in_each_spelling(self):
        assert connections.database("postgres:////run/pg/cedrina", is_prepared=True)["HOST"] == "/run/pg"
        assert connections.database("postgres://u@%2Frun%2Fpg/cedrina", is_prepared=True)["HOST"] == "/run/pg"
        by_query = connections.database("postgres:///cedrina?host=/run/pg", is_prepared=True)
        assert (by_query["HOST"] or by_query["OPTIONS"]["host"]) == "/run/pg"

    def test_notices_a_dead_server_soon(self):
        config = connections.database("postgres://u:p@db:5433/cedrina", is_prepared=False)
        assert config["OPTIONS"]["connect_timeout"] == 2
        assert (config["CONN_MAX_AGE"], config["ATOMIC_REQUESTS"]) == (None, False)


class TestMail:
    def test_keeps_the_whole_path_of_a_directory(self):
        assert connections.mail("filemail:///var/mail/out")["EMAIL_FILE_PATH"] == "/var/mail/out"

    def test_reads_smtp(self):
        found = connections.mail("smtp+tls://user:p%40ss@mail:587")
        assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == ("mail", 587, True)
        assert found["EMAIL_HOST_PASSWORD"] == "p@ss"

    @pytest.mark.attack("CWE-178; RFC 5891, 5.4")
    def test_looks_up_the_host_that_is_meant(self):
        assert connections.mail("smtp://mail.stra\u00dfe.de")["EMAIL_HOST"] == "mail.xn--strae-oqa.de"
        assert connections.mail("smtp://mail.internal")["EMAIL_HOST"] == "mail.internal"


class TestStores:
    def test_live_in_the_process_without_redis(self):
        assert "locmem" in connections.cache(None)["BACKEND"]
        assert connections.channel_layers(None) == {}  # hints would reach nobody

    def test_live_in_redis(self):
        assert connections.cache("redis://r/1")["LOCATION"] == "redis://r/1"
        (layer,) = connections.channel_layers("redis://r/1").items()
        assert (layer[0], layer[1]["BACKEND"]) == ("security_events", "channels_redis.pubsub.RedisPubSubChannelLayer")


class TestNameLookups:
    def test_are_limited_unless_the_operator_says_how(self, monkeypatch):
        monkeypatch.delenv("RES_OPTIONS", raising=False)
        connections.limit_name_lookups()
        assert os.environ["RES_OPTIONS"] == "timeout:1 attempts:2"
        monkeypatch.setenv("RES_OPTIONS", "rotate")
        connections.limit_name_lookups()
        assert os.environ["RES_OPTIONS"] == "rotate"
