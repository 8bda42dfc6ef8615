"""SOCIAL_PROVIDERS: what is wrong with it is named in a sentence, without a secret."""

import json

import pytest

from cedrina.settings import environment, social_providers

GOOGLE = {
    "id": "google",
    "kind": "google",
    "client_id": "c",
    "secret": "a-very-secret-text",
    "redirect_uris": ["https://app.example.com/signed-in", "com.example.app:/signed-in", "http://127.0.0.1:8400/in"],
}
STAFF = {"id": "staff", "kind": "openid_connect", "client_id": "c", "issuer": "https://id.example.com/realms/staff"}
MICROSOFT = {**GOOGLE, "id": "microsoft", "kind": "microsoft", "issuer": "https://login.microsoftonline.com/t/v2.0"}


def faults(*entries, is_development=False):
    return social_providers.read(list(entries), is_development=is_development)[1]


class TestRead:
    def test_takes_each_kind_and_fills_in_the_rest(self):
        facebook = {**GOOGLE, "id": "facebook", "kind": "facebook"}
        found, problems = social_providers.read([GOOGLE, MICROSOFT, facebook, STAFF], is_development=False)
        assert problems == []
        assert [each["issuer"] for each in found] == [
            "https://accounts.google.com",
            "https://login.microsoftonline.com/t/v2.0",
            "https://www.facebook.com",
            "https://id.example.com/realms/staff",
        ]
        assert [each["name"] for each in found] == ["Google", "Microsoft", "Facebook", "staff"]
        assert found[3]["secret"] == ""

    def test_reads_a_secret_from_its_file(self, tmp_path):
        path = tmp_path / "secret"
        path.write_text("from a file\n")
        entry = {**{name: value for name, value in GOOGLE.items() if name != "secret"}, "secret_file": str(path)}
        assert social_providers.read([entry], is_development=False)[0][0]["secret"] == "from a file"

    @pytest.mark.parametrize("value", [None, {}, "x", 7, ["x"], [[]], [None]])
    def test_wants_a_list_of_objects(self, value):
        assert social_providers.read(value, is_development=False) == (
            [],
            ["SOCIAL_PROVIDERS must be a JSON list of objects."],
        )

    @pytest.mark.parametrize(
        ("entry", "sentence"),
        [
            ({**GOOGLE, "clientid": "x"}, "'google' has no member 'clientid'."),
            ({"kind": "google", "client_id": "c", "secret": "s"}, "entry 1 has no `id`."),
            ({"id": "google", "client_id": "c"}, "'google' has no `kind`."),
            ({**GOOGLE, "id": "Big One"}, "entry 1 has a `id` that is not 1 to 50 small letters"),
            ({**GOOGLE, "kind": "twitter"}, "'google' has a `kind` that is not one of google, microsoft"),
            ({**GOOGLE, "client_id": 7}, "has a `client_id` that is not a text."),
            ({**GOOGLE, "redirect_uris": "https://a.example"}, "has a `redirect_uris` that is not a list of URLs."),
            ({**GOOGLE, "trusted_for_email": "yes"}, "that is not true, false or a list of domains."),
            (
                {**GOOGLE, "trusted_for_email": ["a.example", "no domain"]},
                "'no domain' for addresses, which is no domain.",
            ),
            ({**GOOGLE, "secret_file": "/nowhere"}, "has both `secret` and `secret_file`; keep one of them."),
            ({**GOOGLE, "secret": ""}, "has a `secret` that is not a text."),
            ({"id": "google", "kind": "google", "client_id": "c"}, "has neither `secret` nor `secret_file`."),
            ({**STAFF, "secret_file": "/nowhere"}, "names a `secret_file` that can't be read or is empty."),
            ({"id": "s", "kind": "openid_connect", "client_id": "c"}, "'s' has no `issuer`."),
            ({**STAFF, "issuer": "http://id.example.com"}, "must have an `issuer` that begins with https://"),
            ({**STAFF, "issuer": "http://127.0.0.1:9"}, "must have an `issuer` that begins with https://"),
            ({**STAFF, "issuer": "https://id.example.com?a=b"}, "without query and fragment."),
            ({**STAFF, "graph_url": "https://g.example"}, "has a `graph_url`, which only facebook has."),
            (
                {**MICROSOFT, "issuer": "https://login.microsoftonline.com/common/v2.0"},
                "must name one tenant in `issuer`",
            ),
            ({**GOOGLE, "redirect_uris": ["/signed-in"]}, "compared to the letter"),
            ({**GOOGLE, "redirect_uris": ["http://[::1"]}, "compared to the letter"),
            ({**STAFF, "issuer": "https://[::1"}, "must have an `issuer` that begins with https://"),
            ({**GOOGLE, "redirect_uris": ["https://*.example.com/in"]}, "compared to the letter"),
            ({**GOOGLE, "redirect_uris": ["https://a.example.com/in#x"]}, "compared to the letter"),
            ({**GOOGLE, "redirect_uris": ["javascript:alert(1)"]}, "compared to the letter"),
            ({**GOOGLE, "redirect_uris": ["http://a.example.com/in"]}, "codes must not travel in the clear."),
        ],
    )
    def test_names_the_mistake(self, entry, sentence):
        (fault,) = faults(entry)
        assert fault.startswith("SOCIAL_PROVIDERS: ")
        assert sentence in fault
        assert "very-secret" not in fault

    def test_names_an_id_that_stands_there_twice(self):
        assert faults(GOOGLE, GOOGLE) == ["SOCIAL_PROVIDERS: 'google' stands there twice."]

    def test_lets_development_use_loopback_in_the_clear(self):
        assert faults({**STAFF, "issuer": "http://127.0.0.1:9000"}, is_development=True) == []
        assert faults({**STAFF, "issuer": "http://id.example.com"}, is_development=True) != []


class TestTheStart:
    def test_is_refused_with_the_sentences(self):
        with pytest.raises(environment.ConfigurationError) as stopped:
            environment.load({"SOCIAL_PROVIDERS": json.dumps([{**GOOGLE, "kind": "x"}])})
        assert any("'google' has a `kind`" in sentence for sentence in stopped.value.sentences)

    def test_is_refused_without_quoting_what_is_no_json(self):
        with pytest.raises(environment.ConfigurationError) as stopped:
            environment.load({"SOCIAL_PROVIDERS": '[{"secret": "a-very-secret-text"'})
        (sentence,) = stopped.value.sentences
        assert sentence.startswith("SOCIAL_PROVIDERS must be a JSON list; what is given is no JSON")
        assert "very-secret" not in stopped.value.text

    def test_takes_the_whole_setting_from_a_file(self, tmp_path):
        path = tmp_path / "providers.json"
        path.write_text(json.dumps([GOOGLE]))
        values = environment.load({"SOCIAL_PROVIDERS_FILE": str(path)})
        assert values.SOCIAL_PROVIDERS[0]["id"] == "google"

    def test_has_no_provider_unless_told_to(self):
        assert environment.load({}).SOCIAL_PROVIDERS == []
