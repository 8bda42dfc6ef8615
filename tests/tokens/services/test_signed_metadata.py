"""Signed metadata are made anew in time, and for a new key. Another library verifies them in tests of AuthZEN."""

from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc import jws

from tokens.services import keys, signed_metadata

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]
METADATA = {"policy_decision_point": "https://id.example.org"}


def sign(at, metadata=METADATA):
    return signed_metadata.sign(metadata, "authzen-metadata+jwt", at)


def test_are_made_anew_after_an_hour_and_when_they_change():
    now = timezone.now()
    first = sign(now)
    assert sign(now + timedelta(minutes=59)) == first
    assert sign(now + timedelta(minutes=61)) != first
    assert sign(now, {**METADATA, "more": "said"}) != first


def test_are_made_anew_for_a_new_key():
    now = timezone.now()
    first = sign(now)
    keys.rotate(now=now, emergency=True)
    kids = [jws.extract_compact(token.encode()).headers()["kid"] for token in (first, sign(now))]
    assert kids[0] != kids[1]
