"""What each kind of background job does, for operators. The keys are the names of the tasks."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.services.mailing import erasure_notices, incident_mail, mail_queue, mail_requests, registration_mail

JOB_KINDS: Mapping[str, Promise] = {
    mail_queue.SEND_TASK: _("Send a mail"),
    mail_requests.PROCESS_TASK: _("Decide about a mail that somebody asked for"),
    registration_mail.ENQUEUE_TASK: _("Write the mail of a registration"),
    erasure_notices.SEND_TASK: _("Send the mail about an erased account"),
    incident_mail.SEND_TASK: _("Mail operators about new incidents"),
    "cedrina.tell_of_incidents": _("Look for incidents that operators were not told of"),
    "cedrina.prepare_partitions": _("Prepare the partitions of security events"),
    "cedrina.purge_deliveries": _("Delete old lines of the log of webhooks"),
    "cedrina.purge_expired": _("Delete expired sessions and keys"),
    "cedrina.take_up_abandoned": _("Take up the jobs of workers that are gone"),
    "cedrina.forget_done_jobs": _("Delete finished jobs"),
    "cedrina.purge_accounts": _("Delete expired data of accounts"),
    "cedrina.erase_deleted": _("Erase deleted accounts"),
    "cedrina.reset_factors": _("Carry out the resets of second factors whose wait is over"),
    "cedrina.refresh_role_columns": _("Bring what follows from ended roles up to date"),
    "cedrina.purge_attempts": _("Delete expired counters of failed sign-ins"),
    "cedrina.announce_expired_locks": _("Record the locks that have expired"),
    "cedrina.seal_audit_trail": _("Seal the audit trail"),
    "cedrina.offer_checkpoint": _("Offer the signed trail to its witnesses"),
    "cedrina.purge_security_events": _("Delete security events whose term is over"),
    "cedrina.sum_up_refusals": _("Record how often something was refused"),
}

JOB_STATES: Mapping[str, Promise] = {
    "todo": _("waiting"),
    "doing": _("running"),
    "succeeded": _("done"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
    "aborted": _("aborted"),
}
