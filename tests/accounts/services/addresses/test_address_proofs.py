"""The effect of each proof on an account in each state: every cell of the table, in the database."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.client_tokens import known_devices, link_tokens
from accounts.errors import AccountError
from accounts.factors import enrolled, recovery_codes
from accounts.importing.parsed_users import ParsedUser
from accounts.models import (
    MailedToken,
    MailedTokenPurpose,
    PasswordHistory,
    PendingRegistration,
    SocialAuthorization,
    User,
)
from accounts.providers import links
from accounts.rules.address_proofs import (
    EFFECTS,
    AddressProof,
    AddressState,
    Credential,
    ProofEffect,
    removed_credentials,
)
from accounts.services.addresses import address_confirmation, address_proofs
from accounts.services.administration import administrators
from accounts.services.importing import import_storage
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import password_reset
from accounts.services.profile import takeover
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from accounts.services.social import joining
from cedrina_base.uuids import uuid7
from tests.factories import social
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
ADDRESS, NEW_ADDRESS, NEW = "mina@example.com", "new@example.com", "copper lantern seven owls"
ANYWHERE = ClientContext()
CELLS = list(product(AddressProof, AddressState))
MEMBERS = {
    AddressState.UNCONFIRMED: {"email_confirmed_at": None},
    AddressState.CONFIRMED: {},
    AddressState.DISABLED: {"is_active": False},
    AddressState.DELETED_UNCONFIRMED: {"email_confirmed_at": None, "deleted_at": datetime(2026, 3, 1, tzinfo=UTC)},
    AddressState.DELETED: {"deleted_at": datetime(2026, 3, 1, tzinfo=UTC)},
}


def make(state):
    """Return an account in a state with all kinds of credentials, or a pending registration.

    The credentials are older than the time in which a notice can be reported.
    """
    if state is AddressState.PENDING:
        return PendingRegistrationFactory(username="mina", email=ADDRESS, raw_password=PASSWORD)
    before = datetime.now(UTC) - timedelta(days=8)
    user = UserFactory(username="mina", email=ADDRESS, raw_password=PASSWORD)
    session_id = open_session(user=user).session_id
    add_totp(user, now=before, session_id=session_id)
    add_key(user, now=before, session_id=session_id, is_passkey=True)
    social.link(user, now=before, uid="the former holder's own", email="former@example.net")
    PasswordHistoryFactory(user=user)
    social.begin_linking(user, session_id=session_id, now=before)
    mailed_tokens.issue(mail_id=uuid7(), user=user, purpose=MailedTokenPurpose.DISOWN, address=ADDRESS, now=before)
    User.objects.filter(pk=user.pk).update(**MEMBERS[state])
    return User.objects.get(pk=user.pk)


def left(user):
    """Return the credentials by which the former holder could still use the account."""
    stored = User.objects.get(pk=user.pk)
    found = {
        Credential.PASSWORD: stored.check_password(PASSWORD),
        Credential.PASSWORD_HISTORY: PasswordHistory.objects.filter(user=user).exists(),
        Credential.SESSIONS: Session.objects.filter(user_id=user.pk, ended_at=None).exists(),
        Credential.FACTORS: enrolled.has_any(user.pk) or bool(recovery_codes.count_unused(user_id=user.pk)),
        Credential.CONNECTIONS: "former@example.net" in [link.email for link in links.list_links(user.pk)],
        Credential.AUTHORIZATIONS: SocialAuthorization.objects.filter(user=user).exists(),
        Credential.MAILED_LINKS: MailedToken.objects.filter(user=user, purpose="disown", used_at=None).exists(),
    }
    assert set(found) == set(Credential)
    return {what for what, is_there in found.items() if is_there}


def link(holder, purpose, *, address=ADDRESS):
    if isinstance(holder, PendingRegistration):
        purpose = MailedTokenPurpose.OPEN_ACCOUNT if purpose is MailedTokenPurpose.CONFIRM_EMAIL else purpose
        return link_tokens.mint(purpose=purpose, mail_id=holder.pk)
    return mailed_tokens.issue(mail_id=uuid7(), user=holder, purpose=purpose, address=address, now=timezone.now())


def browser_of(holder):
    return ConfirmationRequest(device_token=known_devices.mint(user=holder, device=None, now=datetime.now(UTC)))


def bring_from_elsewhere(_holder):
    person = ParsedUser(external_id="x:1", username="mina-2", email=ADDRESS, email_confirmed_at=datetime.now(UTC))
    return import_storage.store(people={1: person}, passwords={1: "!"}, source="x", now=datetime.now(UTC))


GIVE_PROOF = {
    AddressProof.CONFIRMATION_LINK: lambda holder: address_confirmation.confirm(
        token=link(holder, MailedTokenPurpose.CONFIRM_EMAIL), now=timezone.now()
    ),
    AddressProof.CONFIRMATION_LINK_BY_HOLDER: lambda holder: address_confirmation.confirm(
        token=link(holder, MailedTokenPurpose.CONFIRM_EMAIL), confirmation=browser_of(holder), now=timezone.now()
    ),
    AddressProof.RESET_LINK: lambda holder: password_reset.reset(
        token=link(holder, MailedTokenPurpose.RESET_PASSWORD), new_password=NEW, client=ANYWHERE, now=timezone.now()
    ),
    AddressProof.CHANGE_LINK: lambda holder: address_confirmation.confirm(
        token=link(holder, MailedTokenPurpose.CHANGE_EMAIL, address=NEW_ADDRESS), now=timezone.now()
    ),
    AddressProof.CHANGE_LINK_BY_HOLDER: lambda holder: address_confirmation.confirm(
        token=link(holder, MailedTokenPurpose.CHANGE_EMAIL, address=NEW_ADDRESS),
        confirmation=browser_of(holder),
        now=timezone.now(),
    ),
    AddressProof.PROVIDER: lambda _holder: joining.resolve_user(
        provider=social.provider(), identity=social.identity(email=ADDRESS), now=timezone.now()
    ),
    AddressProof.TAKEOVER_REPORT: lambda holder: takeover.report(
        token=link(holder, MailedTokenPurpose.DISOWN), now=timezone.now()
    ),
    AddressProof.IMPORT: bring_from_elsewhere,
    AddressProof.OPERATOR: lambda _holder: administrators.create(
        username="chief-1", email=ADDRESS, password=NEW, now=timezone.now()
    ),
}


@pytest.mark.attack("Pre-hijacked accounts, 4; ASVS 5.0, 6.4.4")
@pytest.mark.slow
class TestEveryCell:
    @pytest.mark.parametrize(("proof", "state"), [cell for cell in CELLS if cell[1] is not AddressState.PENDING])
    def test_of_an_account_leaves_what_the_table_says(self, proof, state, events):
        user, kept = make(state), EFFECTS[proof][state]
        device = browser_of(user).device_token
        assert left(user) == set(Credential)

        try:
            GIVE_PROOF[proof](user)
        except AccountError:
            assert kept is ProofEffect.REJECT

        expected = set(Credential) - removed_credentials(kept)
        if kept is ProofEffect.REMOVE_RECENT:
            expected |= {Credential.FACTORS, Credential.CONNECTIONS}
        if (proof, state) == (AddressProof.CHANGE_LINK_BY_HOLDER, AddressState.UNCONFIRMED):
            expected.remove(Credential.MAILED_LINKS)  # they were mailed to an address that was never confirmed
        assert left(user) == expected
        stored = User.objects.get(pk=user.pk)
        is_known = known_devices.recognise(device, user=stored, now=datetime.now(UTC)) is not None
        assert is_known == (Credential.PASSWORD in expected)
        assert stored.is_mfa_enabled == (Credential.FACTORS in expected)
        assert stored.is_email_confirmed == (user.is_email_confirmed or kept is not ProofEffect.REJECT)
        assert events("account.reclaimed").count() == (1 if kept is ProofEffect.REMOVE_EVERYTHING else 0)

    @pytest.mark.parametrize("proof", list(AddressProof))
    def test_of_a_registration_leaves_what_the_table_says(self, proof):
        registration, kept = make(AddressState.PENDING), EFFECTS[proof][AddressState.PENDING]
        token = link(registration, MailedTokenPurpose.CONFIRM_EMAIL)

        try:
            GIVE_PROOF[proof](registration)
        except AccountError:
            assert kept is ProofEffect.REJECT

        users = list(User.objects.all())
        assert len(users) == (0 if kept is ProofEffect.REJECT else 1)
        assert any(user.check_password(PASSWORD) for user in users) == (kept is ProofEffect.KEEP_EVERYTHING)
        assert all(user.is_email_confirmed and user.email == ADDRESS for user in users)
        assert address_confirmation.is_usable(token=token, now=timezone.now()) == (kept is ProofEffect.REJECT)


class TestApplyProof:
    def test_looks_at_the_account_as_it_is_now(self):
        user = make(AddressState.UNCONFIRMED)
        User.objects.update(is_active=False)

        applied = address_proofs.apply_proof(user=user, proof=AddressProof.RESET_LINK, now=timezone.now())

        assert applied.effect is ProofEffect.REJECT
        assert left(user) == set(Credential)

    def test_counts_what_is_removed(self):
        applied = address_proofs.apply_proof(
            user=make(AddressState.UNCONFIRMED), proof=AddressProof.PROVIDER, now=timezone.now()
        )

        assert applied.counts == {
            "ended_sessions": 1,
            "removed_factors": 3,
            "removed_social_accounts": 1,
            "removed_pending_links": 1,
        }


# Models that refer to a user and give nobody access. A new model must be added here or to CREDENTIALS.
NO_CREDENTIALS = {
    "accounts.FactorLock",
    "accounts.ImportedPerson",
    "accounts.OutgoingMail",
    "accounts.ProofCode",  # opens no session, only what a finding has closed in one
    "accounts.SecondFactorReset",
    "accounts.User_groups",
    "accounts.User_user_permissions",
    "admin.LogEntry",
    "tokens.SignalStream",
    "tokens.StepUpOrder",
}
CREDENTIALS = {
    Credential.PASSWORD_HISTORY: {"accounts.PasswordHistory"},
    Credential.SESSIONS: {"tokens.Session", "tokens.TokenFamily"},
    Credential.FACTORS: {
        "mfa.Authenticator",
        "accounts.TotpSecret",
        "accounts.RecoverySecret",
        "accounts.SecurityKey",
        "accounts.WebAuthnHandle",
        "accounts.Ceremony",
        "accounts.SignInChallenge",
        "accounts.TotpEnrolment",
    },
    Credential.CONNECTIONS: {"socialaccount.SocialAccount", "account.EmailAddress"},
    Credential.AUTHORIZATIONS: {"accounts.SocialAuthorization"},
    Credential.MAILED_LINKS: {"accounts.MailedToken"},
}


class TestModelsThatReferToAUser:
    def test_is_a_credential_of_the_table_or_signs_nobody_in(self):
        found = {
            model._meta.label
            for model in apps.get_models(include_auto_created=True)
            if any(
                field.is_relation and field.many_to_one | field.one_to_one and field.related_model is User
                for field in model._meta.get_fields()
                if field.concrete
            )
        }
        assert found == set().union(*CREDENTIALS.values()) | NO_CREDENTIALS
