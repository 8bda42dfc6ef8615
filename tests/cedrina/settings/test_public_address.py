import pytest

from cedrina.settings import environment
from cedrina.settings.public_address import default_allowed_hosts, default_public_url

SECRETS = environment.environment_of_test_run()


class TestDefaultPublicUrl:
    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("127.0.0.1", "http://localhost:8010"),
            ("127.0.0.2", "http://localhost:8010"),
            ("0.0.0.0", "http://localhost:8010"),
            ("::", "http://localhost:8010"),
            ("::1", "http://localhost:8010"),
            ("192.0.2.7", "http://192.0.2.7:8010"),
            ("2001:db8::7", "http://[2001:db8::7]:8010"),
            ("box.lan", "http://box.lan:8010"),
        ],
    )
    def test_is_where_a_browser_reaches_the_server(self, host, url):
        assert default_public_url(host, 8010) == url


class TestDefaultAllowedHosts:
    def test_are_loopback_and_what_was_named(self):
        assert default_allowed_hosts("127.0.0.1", "localhost") == ["localhost", "127.0.0.1", "[::1]"]
        assert default_allowed_hosts("192.0.2.7", "id.lan")[3:] == ["192.0.2.7", "id.lan"]


class TestDevelopment:
    def load(self, **settings):
        return environment.load({**SECRETS, "PUBLIC_URL": "", **settings})

    def test_says_localhost_where_passkeys_need_it(self):
        values = self.load(PORT="8010")
        assert values.PUBLIC_URL == "http://localhost:8010"
        assert values.ALLOWED_HOSTS == ["localhost", "127.0.0.1", "[::1]"]

    def test_allows_the_hosts_that_it_names(self):
        assert "id.lan" in self.load(PUBLIC_URL="http://id.lan:8000").ALLOWED_HOSTS
        assert self.load(ALLOWED_HOSTS="only.lan", PUBLIC_URL="http://id.lan").ALLOWED_HOSTS == ["only.lan"]

    def test_adds_no_host_in_production(self):
        with pytest.raises(environment.ConfigurationError) as stopped:
            environment.load({"CEDRINA_ENV": "production", "PUBLIC_URL": "https://id.example.org"})
        assert "ALLOWED_HOSTS is not set; production has no default for it." in stopped.value.sentences

    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"])
    def test_refuses_a_url_whose_password_is_not_encoded_without_quoting_it(self, name):
        scheme = {"DATABASE_URL": "postgres", "REDIS_URL": "redis", "EMAIL_URL": "smtp", "PUBLIC_URL": "http"}[name]
        with pytest.raises(environment.ConfigurationError) as stopped:
            self.load(**{name: f"{scheme}://u:geheim/geheim@host/x"})
        [sentence] = stopped.value.sentences
        assert sentence.startswith(f"{name} has no host and port that can be read; write /, @, :")
        assert "geheim" not in stopped.value.text
