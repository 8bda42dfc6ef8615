"""The texts of all mails. Subjects are fixed, and details are validated, so that no sender can choose what they say."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.services.mailing.mail_queue import MailKind

TranslatableText = str | Promise


@dataclass(frozen=True, slots=True)
class MailText:
    """The text of one mail: subject, paragraphs, the label of the button, and a warning.

    ``shows_circumstances`` adds the time and the details of the event. ``is_alarm`` colours the button red and puts it
    below the warning, for links that report a takeover.
    """

    subject: TranslatableText
    paragraphs: tuple[TranslatableText, ...]
    button: TranslatableText = ""
    warning: TranslatableText = ""
    shows_circumstances: bool = False
    is_alarm: bool = False


_NOT_ME = _("This wasn’t me")
_IF_NOT_YOU = _(
    "If that was not you, press the button. All sessions are ended, your password is switched off, and you get a link "
    "to choose a new one. The button works for %(lifetime)s."
)


_TO_OBJECT = _("If you don’t agree, or didn’t expect this, write to the operator of this service.")


def _notice(
    subject: TranslatableText, *paragraphs: TranslatableText, warning: TranslatableText = _IF_NOT_YOU
) -> MailText:
    """Return the text of a notice whose button reports a takeover."""
    return MailText(
        subject=subject, paragraphs=paragraphs, button=_NOT_ME, warning=warning, shows_circumstances=True, is_alarm=True
    )


def _by_operator(subject: TranslatableText, *paragraphs: TranslatableText) -> MailText:
    """Return the text of a notice of what an operator did. The operator's reason is not told: it is a free text."""
    return MailText(subject=subject, paragraphs=paragraphs, warning=_TO_OBJECT, shows_circumstances=True)


MAIL_TEXTS: Mapping[MailKind, MailText] = {
    MailKind.CONFIRM_EMAIL: MailText(
        subject=_("Confirm your e-mail address"),
        paragraphs=(
            _("An account was opened with this address. Confirm that the address is yours."),
            _("The link works once, for %(lifetime)s."),
        ),
        button=_("Confirm the address"),
        warning=_("If you didn’t open an account, do nothing: without a confirmation the address stays unconfirmed."),
    ),
    MailKind.CONFIRM_REGISTRATION: MailText(
        subject=_("Confirm your e-mail address"),
        paragraphs=(
            _("Somebody, probably you, wants to open an account with this address. It is opened when you confirm it."),
            _("The link works once, until %(expires)s."),
        ),
        button=_("Confirm the address"),
        warning=_("If that was not you, do nothing: no account is opened, and what was entered is deleted."),
    ),
    MailKind.CHOOSE_PASSWORD: MailText(
        subject=_("Choose a password for your account"),
        paragraphs=(
            _("Your e-mail address is confirmed. Your account has no password yet."),
            _("Choose one to sign in. The link works once, for %(lifetime)s."),
        ),
        button=_("Choose a password"),
        warning=_("If the link is too old, ask for another one by “Forgot your password?”."),
    ),
    MailKind.CONFIRM_NEW_EMAIL: MailText(
        subject=_("Confirm your new e-mail address"),
        paragraphs=(
            _("You asked for this address to become the one of your account. It does as soon as you confirm it."),
            _("The link works once, for %(lifetime)s."),
        ),
        button=_("Confirm the new address"),
        warning=_("If you know nothing of this, do nothing: then nothing changes."),
    ),
    MailKind.RESET_PASSWORD: MailText(
        subject=_("Choose a new password"),
        paragraphs=(
            _("Somebody, probably you, asked for a new password for your account."),
            _("The link works once, for %(lifetime)s. Choosing a new password ends all sessions."),
        ),
        button=_("Choose a new password"),
        warning=_("If that was not you, do nothing: your password stays as it is. Never pass this link on."),
    ),
    MailKind.PASSWORD_SWITCHED_OFF: MailText(
        subject=_("Your account is locked: choose a new password"),
        paragraphs=(
            _("You told us that somebody else used your account. All sessions were ended, and no password works."),
            _("Choose a new password to use it again. The link works once, for %(lifetime)s."),
        ),
        button=_("Choose a new password"),
        warning=_("If the link is too old, ask for another one by “Forgot your password?”."),
    ),
    MailKind.ADDRESS_ALREADY_REGISTERED: MailText(
        subject=_("You already have an account"),
        paragraphs=(
            _("Somebody, perhaps you, gave this address for an account. It already belongs to yours. Nothing changed."),
            _("If that was you, sign in with the username above. If you forgot your password, choose a new one."),
        ),
        button=_("I forgot my password"),
        warning=_("If that was not you, do nothing."),
    ),
    MailKind.PASSWORD_CHANGED: _notice(
        _("Your password was changed"), _("Your password was changed. All your other sessions were ended.")
    ),
    MailKind.EMAIL_CHANGE_REQUESTED: _notice(
        _("Your e-mail address is about to change"),
        _("Somebody who knows your password asked for another e-mail address for your account."),
        _("It changes as soon as the new address is confirmed. Until then, mail comes here."),
    ),
    MailKind.EMAIL_CHANGED: _notice(
        _("Your e-mail address was changed"),
        _("Your account has another e-mail address now. This is the last mail to this one."),
        warning=_(
            "If that was not you, press the button. Your account gets this address back, all sessions are ended, your "
            "password is switched off, and you get a link to choose a new one. The button works for %(lifetime)s."
        ),
    ),
    MailKind.EMAIL_RESTORED: MailText(
        subject=_("Your e-mail address was set back"),
        paragraphs=(
            _("The owner of the former address said that the change to this one was not theirs. It was undone."),
        ),
        warning=_("If the account is yours, tell the operator of this service."),
        shows_circumstances=True,
    ),
    MailKind.SESSION_ENDED_FOR_SAFETY: _notice(
        _("A session of yours was ended for safety"),
        _("A key to one of your sessions was used twice, as happens when it has been copied. The session was ended."),
        _("Sign in again to go on."),
    ),
    MailKind.SESSION_USED_ELSEWHERE: _notice(
        _("A session of yours was used from elsewhere"),
        _(
            "One of your sessions was continued by another kind of program in another network, right after the program "
            "that had it. That happens when you change both at once, and when somebody has copied a key to the session."
        ),
    ),
    MailKind.NEW_DEVICE: _notice(
        _("New sign-in to your account"),
        _("There was a sign-in to your account from a device or a network that we had not seen before."),
    ),
    MailKind.SIGN_IN_REFUSED: _notice(
        _("A sign-in to your account was refused"),
        _(
            "Somebody who knows your password tried to sign in. It was so unlike your earlier sign-ins that it was "
            "refused."
        ),
        _(
            "If that was you, sign in on a device that you have used before. Or choose a new password by “Forgot your "
            "password?” on this device: then it is known, too."
        ),
    ),
    MailKind.FACTOR_ADDED: _notice(
        _("A second factor was added"), _("A second factor was added to your account. Signing in takes it from now on.")
    ),
    MailKind.FACTOR_REMOVED: _notice(
        _("A second factor was removed"), _("A second factor was removed from your account.")
    ),
    MailKind.RECOVERY_CODE_USED: _notice(
        _("A recovery code was used"), _("One of your recovery codes was used in place of your second factor.")
    ),
    MailKind.FACTOR_LOCKED: _notice(
        _("Somebody tried to sign in with your password"),
        _("Somebody who knows your password failed several times at your second factor and was not let in."),
    ),
    MailKind.PROOF_CODE: _notice(
        _("Your code to confirm that it is you"),
        _(
            "Somebody, probably you, wants to do something in your account that needs a confirmation, because somebody "
            "else may be using the account."
        ),
        _("The code is %(code)s. It works once, for 10 minutes. Never tell it to anybody."),
    ),
    MailKind.ATTACK_WARDED_OFF: MailText(
        subject=_("Somebody tries to get into your account"),
        paragraphs=(
            _("This is what we have seen: %(finding)s"),
            _("All of them were refused, and you don’t have to do anything. Your own devices work as ever."),
            _("If you use the same password elsewhere, change it. A second factor protects you even if it is guessed."),
        ),
        shows_circumstances=True,
    ),
    MailKind.SUSPICIOUS_SIGN_IN: _notice(
        _("Was this you?"),
        _("This is what we have seen: %(finding)s"),
        _("If that was you, you don’t have to do anything."),
    ),
    MailKind.FACTOR_RESET_REQUESTED: MailText(
        subject=_("Your second factor is about to be removed"),
        paragraphs=(
            _("An operator of this service was told that you can’t use your second factor any more."),
            _(
                "After the time below your second factors and recovery codes are removed and all sessions are ended. "
                "Then your password is enough to sign in. Until then nothing changes."
            ),
            _("If you asked for this, you only have to wait. If you still have your second factor, just sign in."),
        ),
        button=_("Stop this"),
        warning=_(
            "If you didn’t ask for this, somebody may have pretended to be you: press the button, then choose a new "
            "password."
        ),
        shows_circumstances=True,
        is_alarm=True,
    ),
    MailKind.FACTOR_RESET_STOPPED: MailText(
        subject=_("Your second factor stays"),
        paragraphs=(
            _("The removal of your second factor was stopped by the link in the mail about it. Nothing was changed."),
            _("If you didn’t ask for the removal, choose a new password: somebody may have pretended to be you."),
        ),
        warning=_("If it was not you who stopped it, tell the operator of this service."),
        shows_circumstances=True,
    ),
    MailKind.SINK_STOPPED: MailText(
        subject=_("A webhook takes no security events"),
        paragraphs=(
            _("A webhook or another receiver of security events that you look after has stopped taking them."),
            _("No event is lost: they wait, and are sent in their order once it takes them again."),
            _("The page “Webhooks” of the administration shows which one it is, and why."),
        ),
    ),
    MailKind.SINK_RESUMED: MailText(
        subject=_("A webhook takes security events again"),
        paragraphs=(
            _("A webhook or another receiver of security events that you look after takes them again."),
            _("It gets all events that have waited, in their order. You don’t have to do anything."),
        ),
    ),
    MailKind.FACTOR_RESET_UNNECESSARY: _notice(
        _("Your second factor stays, because it was used"),
        _("Your second factor was about to be removed. It was used in the meantime, so it stays. Nothing was changed."),
    ),
    MailKind.FACTOR_RESET_WITHDRAWN: MailText(
        subject=_("Your second factor is not removed"),
        paragraphs=(
            _("The removal of your second factor, which we wrote to you about, was withdrawn. Nothing was changed."),
        ),
        warning=_("If you can’t use your second factor, ask the operator of this service again."),
        shows_circumstances=True,
    ),
    MailKind.FACTORS_RESET: _notice(
        _("Your second factor was removed"),
        _(
            "Your second factors and recovery codes were removed, as we announced, and all sessions were ended. "
            "Your password did not change."
        ),
        _("Sign in with it and add a new second factor as soon as you can."),
    ),
    MailKind.SOCIAL_ACCOUNT_LINKED: _notice(
        _("A way to sign in was added"),
        _("An account of another service was connected to yours. It can be used to sign in."),
    ),
    MailKind.SOCIAL_ACCOUNT_UNLINKED: _notice(
        _("A way to sign in was removed"),
        _("An account of another service was disconnected from yours. It can’t be used to sign in any more."),
    ),
    MailKind.DELETION_REQUESTED: _notice(
        _("Your account will be deleted"),
        _("You asked for your account to be deleted. All sessions were ended."),
        warning=_(
            "If that was not you, press the button. The account is kept, your password is switched off, and you get a "
            "link to choose a new one. The button works for %(lifetime)s."
        ),
    ),
    MailKind.INVITATION: MailText(
        subject=_("An account was made for you"),
        paragraphs=(
            _("An operator of this service made an account for you, with the username above."),
            _("Choose a password to use it. The link works once, for %(lifetime)s."),
        ),
        button=_("Choose a password"),
        warning=_("If you know nothing of this, do nothing: without you nobody can use the account."),
    ),
    MailKind.RESET_BY_OPERATOR: MailText(
        subject=_("Choose a new password"),
        paragraphs=(
            _("An operator of this service sent you a link to a new password for your account."),
            _("The link works once, for %(lifetime)s. Choosing a new password ends all sessions."),
        ),
        button=_("Choose a new password"),
        warning=_("If you didn’t ask for it, do nothing: your password stays as it is. Never pass this link on."),
    ),
    MailKind.PASSWORD_RESET_REQUIRED: MailText(
        subject=_("You must choose a new password"),
        paragraphs=(
            _("An operator of this service ended all your sessions. Your password opens no new ones."),
            _("Choose a new password to sign in again. The link works once, for %(lifetime)s."),
        ),
        button=_("Choose a new password"),
        warning=_("If the link is too old, ask for another one by “Forgot your password?”."),
    ),
    MailKind.EMAIL_CONFIRMED_BY_OPERATOR: _notice(
        _("Your e-mail address was confirmed"),
        _("An operator of this service confirmed that this is the address of your account."),
    ),
    MailKind.CHANGED_BY_OPERATOR: _by_operator(
        _("Your account was changed"), _("An operator of this service changed your account.")
    ),
    MailKind.STAFF_RIGHTS_GRANTED: _by_operator(
        _("You were given rights of the staff"), _("An operator of this service gave your account rights of the staff.")
    ),
    MailKind.STAFF_RIGHTS_WITHDRAWN: _by_operator(
        _("Your rights of the staff were withdrawn"),
        _("An operator of this service withdrew rights of the staff from your account. All your sessions were ended."),
    ),
    MailKind.BREAK_GLASS_STARTED: MailText(
        subject=_("Emergency access was taken"),
        paragraphs=(
            _("Somebody took the right to do everything, for a few minutes, as one does in an emergency."),
            _("If you know of no emergency, take the role break:glass from this account at once, and lock it."),
        ),
        shows_circumstances=True,
    ),
    MailKind.ACCOUNT_LOCKED: _by_operator(
        _("Your account was locked"),
        _("An operator of this service locked your account. All sessions were ended, and nobody can sign in to it."),
    ),
    MailKind.ACCOUNT_UNLOCKED: _by_operator(
        _("Your account was unlocked"), _("An operator of this service unlocked your account. You can sign in again.")
    ),
    MailKind.SESSIONS_ENDED_BY_OPERATOR: _by_operator(
        _("Your sessions were ended"),
        _("An operator of this service ended sessions of yours. You can sign in again."),
    ),
    MailKind.DELETED_BY_OPERATOR: _by_operator(
        _("Your account will be deleted"),
        _("An operator of this service closed your account. All sessions were ended."),
    ),
    MailKind.ACCOUNT_RESTORED: _by_operator(
        _("Your account was restored"), _("An operator of this service restored your account. You can sign in again.")
    ),
    MailKind.ERASED_BY_OPERATOR: _by_operator(
        _("Your account was erased"),
        _("An operator of this service erased your account and what was kept about you. It can’t be restored."),
    ),
}

# Names for the values that details may have; the keys are those of the API.
FACTOR_NAMES: Mapping[str, TranslatableText] = {
    "totp": _("authenticator app"),
    "webauthn": _("security key or passkey"),
    "recovery_code": _("recovery codes"),
    "recovery_codes": _("recovery codes"),
}
PROVIDER_NAMES: Mapping[str, str] = {"google": "Google", "microsoft": "Microsoft", "facebook": "Facebook"}
# What operators change about an account.
MEMBER_NAMES: Mapping[str, TranslatableText] = {
    "tier": _("tier"),
    "department": _("department"),
    "location": _("location"),
    "full_name": _("full name"),
    "locale": _("language"),
}
