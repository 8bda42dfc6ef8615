"""The judges that keep something about their windows, written so that they read the whole window at each question."""

from collections import Counter

from security_events.detection import judges, takeover_judges


def open_failures(facts):
    tries, succeeded = Counter(), {}
    for fact in facts:
        if fact.succeeded:
            tries.pop(fact.account, None)
            succeeded[fact.account] = fact.at
        elif fact.began_at >= succeeded.get(fact.account, -1.0):
            tries[fact.account] += fact.times
    return tries


def reached(thresholds, **counts):
    return counts if all(count >= thresholds.get(name, 1) for name, count in counts.items()) else None


def strange_failures(facts):
    successes = [fact for fact in facts if fact.succeeded]
    strange = []
    for fact in facts:
        if fact.succeeded or any(fact.network == each.network for each in successes):
            continue
        is_like_known = not successes or any(is_alike(fact, each) for each in successes)
        strange.append((fact, fact.times * (1 if is_like_known else 2)))
    return strange


def is_alike(failure, success):
    here, there = failure.location, success.location
    is_in_country = here is not None and there is not None and here.country != "" and here.country == there.country
    return failure.program == success.program or is_in_country


def guessed_passwords(facts, thresholds):
    since = facts[-1].began_at - thresholds["seconds"]
    strange = [(fact, halves) for fact, halves in strange_failures(facts) if fact.ended_at >= since]
    failures = sum(halves for _fact, halves in strange) // 2
    return reached(thresholds, failures=failures, addresses=len({fact.ip_address for fact, _halves in strange}))


def many_accounts(facts, thresholds):
    tries = open_failures(facts)
    few = sum(1 for count in tries.values() if count <= thresholds["most_each"])
    accounts = len({fact.account for fact in facts})
    of_few = sum(count for count in tries.values() if count <= thresholds["most_each"])
    is_share = bool(tries) and 100 * few >= thresholds["few_percent"] * len(tries)
    if not (is_share or (few >= thresholds["accounts"] and of_few >= thresholds["tries"])):
        return None
    if 100 * len(tries) < thresholds.get("failing_percent", 0) * accounts:
        return None
    addresses = len({fact.ip_address for fact in facts if fact.account in tries})
    return reached(thresholds, tries=sum(tries.values()), accounts=len(tries), addresses=addresses)


def sprayed_passwords(facts, thresholds):
    tries = open_failures(facts)
    band = sum(1 for count in tries.values() if thresholds["least_each"] <= count <= thresholds["most_each"])
    if not tries or 100 * band < thresholds["band_percent"] * len(tries):
        return None
    return reached(thresholds, tries=sum(tries.values()), accounts=len(tries))


def many_unknown_names(facts, thresholds):
    searches = [fact for fact in facts if fact.is_unknown_name or not fact.type.startswith("authentication.")]
    if not searches or searches[-1] is not facts[-1]:
        return None
    return reached(thresholds, names=len({fact.account for fact in searches}))


def impossible_travel(facts, thresholds):
    last = facts[-1]
    visits = [fact for fact in facts if fact.succeeded and judges.is_placed(fact, thresholds["radius_kilometres"])]
    if not visits or visits[-1] is not last:
        return None
    before = visits[-6:-1]
    distances = [judges.kilometres_apart(last, fact) for fact in before]
    if not distances or min(distances) < thresholds["near_kilometres"]:
        return None
    hours = max((last.at - before[-1].at) / 3600, 1 / 60)
    return reached(thresholds, kilometres=int(distances[-1]), kilometres_per_hour=int(distances[-1] / hours))


def after_guesses(facts, thresholds):
    last = facts[-1]
    before = [fact for fact in facts[:-1] if fact.ended_at >= last.at - thresholds["seconds"] or fact.succeeded]
    known = [fact for fact in before if fact.succeeded]
    if len(known) < thresholds["sign_ins"] and last.days_since_last < 30:
        return None
    strange = strange_failures(before)
    is_guessers = any(fact.program == last.program for fact, _halves in strange)
    if any(fact.network == last.network or (fact.program == last.program and not is_guessers) for fact in known):
        return None
    passwords = [(fact, halves) for fact, halves in strange if not fact.type.startswith("mfa.")]
    codes = [(fact, 2 * fact.times) for fact, _halves in strange if fact.type.startswith("mfa.")]
    failures, _addresses = densest(passwords, thresholds["burst_seconds"])
    many, addresses = densest(passwords, thresholds["many_seconds"])
    wrong, _addresses = densest(codes, thresholds["code_seconds"])
    is_found = (
        failures >= thresholds["failures"]
        or (many >= thresholds["many_failures"] and addresses >= thresholds["many_addresses"])
        or wrong >= thresholds["codes"]
    )
    return {"failures": failures, "many_failures": many, "codes": wrong} if is_found else None


def densest(counted, seconds):
    """The most failures that ended within that many seconds before one of them began; of the first if equal."""
    most, first = (0, 0), 0
    for number, (fact, _halves) in enumerate(counted):
        while counted[first][0].ended_at < fact.began_at - seconds:
            first += 1
        inside = counted[first : number + 1]
        halves = sum(halves for _fact, halves in inside)
        if halves > most[0]:
            most = halves, len({each.ip_address for each, _halves in inside})
    return most[0] // 2, most[1]


def from_attack(facts, thresholds):
    last, earlier = facts[-1], facts[:-1]
    others = [fact for fact in earlier if fact.account != last.account]
    tries = open_failures(others)
    if not last.is_new_client or not any(fact.network == last.network and fact.account in tries for fact in others):
        return None
    return (sprayed_passwords if "least_each" in thresholds else many_accounts)(others, thresholds)


def new_client(facts, thresholds):
    last, earlier = facts[-1], [fact for fact in facts[:-1] if fact.succeeded]
    if not last.is_new_client or any(fact.network == last.network or fact.program == last.program for fact in earlier):
        return None
    if not any(fact.location and fact.location.latitude is not None for fact in facts):
        return reached(thresholds, sign_ins=len(earlier))
    placed = [fact for fact in earlier if judges.is_placed(fact, thresholds["radius_kilometres"])]
    if not placed or not judges.is_placed(last, thresholds["radius_kilometres"]):
        return None
    nearest = min(judges.kilometres_apart(last, fact) for fact in placed)
    return reached(thresholds, sign_ins=len(earlier), kilometres=int(nearest))


PLAIN = {
    judges.guessed_passwords: guessed_passwords,
    judges.many_accounts: many_accounts,
    judges.sprayed_passwords: sprayed_passwords,
    judges.many_unknown_names: many_unknown_names,
    judges.impossible_travel: impossible_travel,
    takeover_judges.after_guesses: after_guesses,
    takeover_judges.from_attack: from_attack,
    takeover_judges.new_client: new_client,
}
