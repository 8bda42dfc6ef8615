"""The rules about sign-ins that succeeded and about operators: what each finds, and which innocent people it spares."""

from dataclasses import replace

import pytest

from accounts import takeover_rules as ours
from cedrina.detection_rules import EVASION
from security_events.detection.facts import Fact
from security_events.detection.windows import MemoryWindows
from security_events.geoip import Location
from tokens.detection_rules import TOKEN_THEFT

FAILED, SUCCEEDED = "authentication.login_failed", "authentication.login_succeeded"
HOME, HOTEL = "192.0.2.7", "198.51.100.9"
HOUR, DAY = 3600.0, 86400.0
OSLO, LIMA = Location(latitude=59.91, longitude=10.75), Location(latitude=-12.05, longitude=-77.04)


def fact(at, type_=FAILED, *, account="mina", address=HOTEL, program="curl", **more):
    return Fact(
        event_id=f"{type_}-{at}-{account}",
        at=float(at),
        type=type_,
        succeeded=type_ == SUCCEEDED,
        account=account,
        actor=account,
        ip_address=address,
        network=address.rpartition(".")[0],
        program=program,
        **more,
    )


def found(rule, facts, **thresholds):
    windows = MemoryWindows([rule], thresholds={rule.id: thresholds})
    return [(each.key, each.trigger.at) for each in windows.findings(facts)]


def at_home(days=4):
    return [fact(day * DAY, SUCCEEDED, address=HOME, program="Firefox", location=OSLO) for day in range(days)]


class TestSuccessAfterGuessing:
    BEGAN = 4 * DAY

    def guesses(self, number=5, every=60, type_=FAILED, **more):
        return [fact(self.BEGAN + every * each, type_, **more) for each in range(number)]

    def success(self, after=2 * HOUR, **more):
        return fact(self.BEGAN + after, SUCCEEDED, **{"address": "203.0.113.5", **more})

    def test_a_strange_client_that_signs_in_within_three_hours_is_found(self):
        facts = [*at_home(), *self.guesses()]

        assert found(ours.SUCCESS_AFTER_GUESSING, [*facts, self.success()]) == [("mina", self.BEGAN + 2 * HOUR)]
        assert found(ours.SUCCESS_AFTER_GUESSING, [*facts, self.success(after=4 * HOUR)]) == []

    def test_so_it_is_after_codes_and_after_slow_guesses_from_many_addresses(self):
        codes = [*at_home(), *self.guesses(10, 30, "mfa.failed")]
        botnet = [
            replace(each, ip_address=f"203.0.{n}.1", network=f"203.0.{n}")
            for n, each in enumerate(self.guesses(10, 150))
        ]

        assert found(ours.SUCCESS_AFTER_GUESSING, [*codes, self.success()])
        assert found(ours.SUCCESS_AFTER_GUESSING, [*at_home(), *botnet, self.success()])
        assert found(ours.SUCCESS_AFTER_GUESSING, [*at_home(), *botnet[:9], self.success()]) == []

    def test_the_person_at_home_or_with_the_own_program_is_left_alone_whatever_an_attacker_does(self):
        attacked = [*at_home(), *self.guesses(50, 10)]

        assert found(ours.SUCCESS_AFTER_GUESSING, [*attacked, self.success(address=HOME, program="new")]) == []
        assert found(ours.SUCCESS_AFTER_GUESSING, [*attacked, self.success(program="Firefox")]) == []

    def test_the_guessers_program_is_strange_even_if_the_person_uses_it_too(self):
        facts = [*at_home(), *self.guesses(10, 20, program="Firefox"), self.success(program="Firefox")]

        assert found(ours.SUCCESS_AFTER_GUESSING, facts) == [("mina", self.BEGAN + 2 * HOUR)]

    def test_of_a_new_account_nothing_is_known_but_of_an_old_one_that_was_away_everything_is_strange(self):
        assert found(ours.SUCCESS_AFTER_GUESSING, [*self.guesses(10, 20), self.success()]) == []
        assert found(ours.SUCCESS_AFTER_GUESSING, [*self.guesses(10, 20), self.success(days_since_last=90)])


class TestSuccessAmongAttacks:
    def attack(self, number, again=1):
        return [
            fact(600 * round_ + each, account=f"person-{each}") for round_ in range(again) for each in range(number)
        ]

    def hit(self, **more):
        return fact(3000, SUCCEEDED, account="omar", **{"is_new_client": True, **more})

    def test_a_hit_of_a_list_of_stolen_passwords_is_found_and_is_an_incident_of_the_account(self):
        assert found(ours.SUCCESS_AMONG_STUFFING, [*self.attack(25), self.hit()]) == [("omar", 3000.0)]
        assert found(ours.SUCCESS_AMONG_STUFFING, [*self.attack(24), self.hit()]) == []

    def test_a_hit_of_common_passwords_is_found(self):
        assert found(ours.SUCCESS_AMONG_SPRAYING, [*self.attack(5, again=3), self.hit()]) == [("omar", 3000.0)]

    def test_a_hit_of_a_botnet_is_found_from_a_network_that_tries_others(self):
        tries = [
            replace(each, ip_address=f"203.0.{n % 7}.1", network=f"203.0.{n % 7}")
            for n, each in enumerate(self.attack(30))
        ]
        rule = ours.SUCCESS_AMONG_DISTRIBUTED_SPRAYING

        assert found(rule, [*tries, self.hit(address="203.0.3.9")]) == [("omar", 3000.0)]
        assert found(rule, [*tries, self.hit(address="192.0.2.9")]) == []

    def test_a_colleague_in_the_network_of_the_attack_is_left_alone_with_a_known_client(self):
        for rule in (ours.SUCCESS_AMONG_STUFFING, ours.SUCCESS_AMONG_SPRAYING):
            attack = self.attack(25) if rule is ours.SUCCESS_AMONG_STUFFING else self.attack(5, again=3)
            assert found(rule, [*attack, self.hit(is_new_client=False)]) == []

    def test_the_own_mistyped_password_is_no_attack_of_the_network(self):
        tries = [replace(each, network="elsewhere") for each in self.attack(30)]
        own = fact(2999, account="omar")

        assert found(ours.SUCCESS_AMONG_DISTRIBUTED_SPRAYING, [*tries, own, self.hit()]) == []


class TestNewClient:
    def visit(self, **more):
        return fact(5 * DAY, SUCCEEDED, **{"location": LIMA, "is_new_client": True, **more})

    def test_a_new_program_far_away_is_found(self):
        assert found(ours.NEW_CLIENT, [*at_home(), self.visit()]) == [("mina", 5 * DAY)]

    def test_a_traveller_a_new_device_at_home_and_a_relay_are_left_alone(self):
        assert found(ours.NEW_CLIENT, [*at_home(), self.visit(program="Firefox")]) == []
        assert found(ours.NEW_CLIENT, [*at_home(), self.visit(location=OSLO)]) == []
        assert found(ours.NEW_CLIENT, [*at_home(), self.visit(is_relay=True)]) == []
        assert found(ours.NEW_CLIENT, [*at_home(days=2), self.visit()]) == []

    def test_without_a_database_of_places_the_network_has_to_do(self):
        unplaced = [replace(each, location=None) for each in [*at_home(), self.visit()]]

        assert found(ours.NEW_CLIENT, unplaced) == [("mina", 5 * DAY)]


class TestDormantAccount:
    def sign_in(self, **more):
        usual = {"is_new_client": True, "is_password_alone": True, "days_since_last": 180}
        return fact(100, SUCCEEDED, **{**usual, **more})

    def test_a_password_alone_after_half_a_year_is_found(self):
        assert found(ours.DORMANT_ACCOUNT, [self.sign_in()]) == [("mina", 100.0)]

    def test_people_with_a_factor_or_a_reset_password_or_a_shorter_absence_are_left_alone(self):
        assert found(ours.DORMANT_ACCOUNT, [self.sign_in(days_since_last=179)]) == []
        assert found(ours.DORMANT_ACCOUNT, [self.sign_in(is_password_alone=False)]) == []
        assert found(ours.DORMANT_ACCOUNT, [fact(10, "password.reset"), self.sign_in()]) == []


class TestOperators:
    def action(self, at, type_="password.reset_sent", operator="nora"):
        return fact(at, type_, account="somebody", operator=operator)

    def night_shift(self):
        return [self.action(day * DAY + 2 * HOUR) for day in range(12)]

    def test_rights_granted_at_noon_by_somebody_who_works_at_night_are_found(self):
        grant = self.action(12 * DAY + 12 * HOUR, "staff_rights.granted")

        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), grant]) == [("nora", grant.at)]

    def test_at_the_own_hour_across_midnight_they_are_not_and_one_emergency_makes_no_hour_usual(self):
        usual = self.action(12 * DAY + 23.5 * HOUR, "staff_rights.granted")
        long = [self.action(day * DAY / 2 + 2 * HOUR) for day in range(0, 58, 2)]
        emergency = self.action(28.9 * DAY, "password.reset_sent")
        again = self.action(29.9 * DAY, "staff_rights.granted")

        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), usual]) == []
        assert found(ours.UNUSUAL_GRANT, [*long, emergency, again]) == [("nora", again.at)]

    def test_on_the_first_day_it_is_found_whatever_was_done_before(self):
        assert found(ours.UNUSUAL_GRANT, [self.action(1, "staff_rights.granted")]) == [("nora", 1.0)]
        assert found(ours.UNUSUAL_GRANT, [self.action(1), self.action(2, "staff_rights.granted")]) == [("nora", 2.0)]
        assert found(ours.UNUSUAL_GRANT, [self.action(1), self.action(DAY + 2, "staff_rights.granted")]) == []
        assert found(ours.UNUSUAL_GRANT, [self.action(1, "staff_rights.granted", operator="")]) == []

    def test_an_hour_is_not_made_usual_by_what_was_done_in_it_today(self):
        warming_up = [self.action(12 * DAY + 12 * HOUR + each) for each in range(5)]
        grant = self.action(12 * DAY + 12.5 * HOUR, "policy.rule_added")

        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), *warming_up, grant]) == [("nora", grant.at)]

    @pytest.mark.parametrize(
        "type_",
        ["role.granted", "role.changed", "policy.rule_added", "policy.rule_deleted", "policy.draft_applied"],
    )
    def test_roles_and_the_access_policy_are_rights_too(self, type_):
        at_noon = self.action(12 * DAY + 12 * HOUR, type_)

        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), at_noon]) == [("nora", at_noon.at)]
        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), self.action(12 * DAY + 2 * HOUR, type_)]) == []

    def test_taking_a_role_and_preparing_a_draft_are_no_grants(self):
        at_noon = [self.action(12 * DAY + 12 * HOUR, type_) for type_ in ("role.revoked", "policy.draft_created")]

        assert found(ours.UNUSUAL_GRANT, [*self.night_shift(), *at_noon]) == []


class TestTokenTheft:
    def reuse(self, at=1, **more):
        """Return the reuse of a device that was restored at home, an hour after it was used."""
        restored = {"is_familiar_client": True, "generations_behind": 40, "idle_seconds": 3600}
        return fact(at, "token.reuse_detected", **{**restored, **more})

    def test_one_reuse_of_a_token_without_evidence_is_a_theft_as_before(self):
        assert found(TOKEN_THEFT, [fact(1, "token.reuse_detected")]) == [("mina", 1.0)]

    def test_a_person_who_restored_a_device_at_home_is_left_alone(self):
        assert found(TOKEN_THEFT, [self.reuse()]) == []
        assert found(TOKEN_THEFT, [self.reuse(), self.reuse(at=30, generations_behind=4, idle_seconds=900)]) == []

    def test_a_strange_client_is_found_at_once(self):
        assert found(TOKEN_THEFT, [self.reuse(is_familiar_client=False)]) == [("mina", 1.0)]

    def test_a_thief_on_the_owners_device_is_found_while_one_of_both_is_using_the_session(self):
        assert found(TOKEN_THEFT, [self.reuse(idle_seconds=899)]) == [("mina", 1.0)]

    def test_a_thief_who_exchanged_the_token_a_few_times_and_went_is_found(self):
        assert found(TOKEN_THEFT, [self.reuse(generations_behind=3)]) == [("mina", 1.0)]

    def test_a_thief_in_the_owners_network_is_found_when_the_other_of_both_comes_back(self):
        confirmed = fact(2 * DAY, "token.reuse_confirmed")

        assert found(TOKEN_THEFT, [self.reuse(), confirmed]) == [("mina", 2 * DAY)]

    def test_a_restored_device_does_not_count_for_the_number_of_reuses(self):
        facts = [self.reuse(), self.reuse(at=2, is_familiar_client=False)]

        assert found(TOKEN_THEFT, facts, events=2) == []
        assert found(TOKEN_THEFT, [*facts, fact(3, "token.reuse_confirmed")], events=2) == [("mina", 3.0)]


class TestOthers:
    def test_evasion_needs_two_kinds_from_one_network_within_an_hour(self):
        swept, manipulated = fact(1, "ratelimit.accounts_swept"), fact(3000, "network.request_manipulated")

        assert found(EVASION, [swept, manipulated]) == [("198.51.100", 3000.0)]
        assert found(EVASION, [swept, replace(swept, at=60.0, times=99)]) == []
        assert found(EVASION, [swept, replace(manipulated, at=3700.0)]) == []
