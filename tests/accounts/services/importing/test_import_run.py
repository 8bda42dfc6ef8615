import io

import pytest

from accounts.errors import ImportOvertaken
from accounts.importing.parsed_users import ImportPolicy
from accounts.importing.source_rows import SourceRows
from accounts.models import ImportedPerson, ImportRun, User
from accounts.services.importing import import_run
from tests.accounts.importing.foreign import bcrypt_hash
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
DIGEST = bytes(32)
HASH = bcrypt_hash()
PLAN = import_run.ImportPlan(source="old-shop", format="bcrypt", policy=ImportPolicy())
TRIAL = import_run.ImportPlan(source="old-shop", format="bcrypt", policy=ImportPolicy(), is_dry_run=True)


class ImportCallbacks(import_run.ImportCallbacks):
    def __init__(self):
        self.heard, self.places = [], []
        super().__init__(refused=lambda *row: self.heard.append(row), progress=self.places.append)

    __setattr__ = object.__setattr__


def dump(*rows, header="id,username,email,password_hash"):
    return "\n".join([header, *rows, ""]).encode()


def people(first, last):
    return [f"{number},person{number},person{number}@example.com,{HASH}" for number in range(first, last + 1)]


@pytest.fixture
def take(now):
    def run(data, *, plan=PLAN, run=None, callbacks=None):
        records = SourceRows(io.BytesIO(data), "csv", offset=run.offset if run else 0, line=run.line if run else 0)
        return import_run.import_rows(
            records=records, plan=plan, run=run, callbacks=callbacks or ImportCallbacks(), now=now
        )

    return run


@pytest.fixture
def begun(now):
    return lambda is_anew=False, digest=DIGEST: import_run.begin(digest=digest, plan=PLAN, is_anew=is_anew, now=now)


class TestTake:
    def test_stores_people_and_counts_them_where_it_stands(self, take, begun, now, events):
        data = dump(*people(1, 3))
        run, callbacks = begun(), ImportCallbacks()

        tally = take(data, run=run, callbacks=callbacks)

        assert (tally.read, tally.imported, tally.already, tally.refusals) == (3, 3, 0, 0)
        user = User.objects.get(username="person2")
        assert (user.email, user.password, user.created_at, user.version) == (
            "person2@example.com",
            f"bcrypt${HASH}",
            now,
            1,
        )
        origin = ImportedPerson.objects.get(user=user)
        assert (origin.source, origin.external_id, origin.imported_at) == ("old-shop", "2", now)
        run.refresh_from_db()
        assert (run.offset, run.line, run.imported, run.finished_at) == (len(data), 4, 3, now)
        assert callbacks.places == [len(data)]
        event = events("account.imported").get()
        assert event.data == {
            "run": str(run.pk),
            "source": "old-shop",
            "format": "bcrypt",
            "first_line": 2,
            "last_line": 4,
            "imported": 3,
            "already": 0,
            "refused": 0,
        }

    def test_names_bad_rows_and_takes_the_rest(self, take, begun):
        UserFactory(username="Taken", email="taken@example.com")
        data = dump(
            f"1,good,good@example.com,{HASH}",
            f"2,TAKEN,free@example.com,{HASH}",
            f"3,free,TAKEN@example.com,{HASH}",
            "4,hostile,hostile@example.com,$2b$31$" + "." * 53,
            f"5,short,{HASH}",
            f"6,no-address,,{HASH}",
            f"7,Good,another@example.com,{HASH}",
            f"8,better,better@example.com,{HASH}",
        )
        callbacks, run = ImportCallbacks(), begun()

        tally = take(data, run=run, callbacks=callbacks)

        assert callbacks.heard == [
            (3, "username_taken"),
            (4, "email_taken"),
            (5, "hash_cost_refused"),
            (6, "wrong_number_of_columns"),
            (7, "email_invalid"),
            (8, "username_taken"),
        ]
        assert (tally.read, tally.imported) == (8, 2)
        assert tally.refused["username_taken"] == 2
        assert set(User.objects.values_list("username", flat=True)) == {"Taken", "good", "better"}
        run.refresh_from_db()
        assert run.refused == tally.refused

    def test_goes_on_where_it_stopped(self, take, begun, monkeypatch):
        monkeypatch.setattr(import_run, "BATCH", 2)
        data = dump(*people(1, 7))
        rows = list(SourceRows(io.BytesIO(data), "csv"))
        run = begun()
        import_run.import_rows(records=rows[:4], plan=PLAN, run=run, callbacks=ImportCallbacks(), now=run.started_at)
        ImportRun.objects.update(finished_at=None)

        again = begun()
        assert (again.line, again.imported) == (5, 4)
        tally = take(data, run=again)

        assert (tally.read, tally.imported) == (3, 3)
        assert User.objects.count() == 7
        again.refresh_from_db()
        assert (again.read, again.imported, again.offset) == (7, 7, len(data))
        assert take(data, run=begun()).read == 0

    def test_imports_each_user_once_even_without_a_stored_position(self, take, begun):
        data = dump(*people(1, 5))
        take(data)
        callbacks = ImportCallbacks()

        assert take(data, callbacks=callbacks).already == 5
        assert take(data, run=begun(), callbacks=callbacks).already == 5
        assert take(data, run=begun(is_anew=True), callbacks=callbacks).already == 5
        assert callbacks.heard == []
        assert User.objects.count() == 5

    def test_knows_people_of_a_changed_dump_again(self, take):
        take(dump(*people(1, 3)))
        renamed = dump(f"2,other-name,other@example.com,{HASH}", *people(4, 4))

        tally = take(renamed)

        assert (tally.imported, tally.already) == (1, 1)
        assert User.objects.filter(username="person2").exists()

    def test_imports_a_user_who_is_listed_twice_once(self, take):
        callbacks = ImportCallbacks()

        tally = take(dump(*people(1, 1), f"1,again,again@example.com,{HASH}"), callbacks=callbacks)

        assert (tally.imported, tally.already, callbacks.heard) == (1, 1, [])

    def test_gives_derived_names_that_are_taken_another_form(self, take):
        UserFactory(username="info")
        data = dump(f"1,info@a.example,{HASH}", f"2,info@b.example,{HASH}", header="id,email,password_hash")

        assert take(data).imported == 2
        names = set(User.objects.exclude(username="info").values_list("username", flat=True))
        assert len(names) == 2
        assert all(name.startswith("info-") for name in names)

    def test_rolls_a_batch_back_when_another_process_advanced_the_run(self, take, begun):
        data = dump(*people(1, 2))
        mine, theirs = begun(), begun()
        take(data, run=theirs)
        ImportRun.objects.update(finished_at=None)
        User.objects.all().delete()

        with pytest.raises(ImportOvertaken):
            take(data, run=mine)
        assert not User.objects.exists()

    def test_stores_nothing_on_trial_but_judges_all(self, take, events, monkeypatch):
        monkeypatch.setattr(import_run, "BATCH", 2)
        UserFactory(username="person2", email="elsewhere@example.com")
        callbacks = ImportCallbacks()
        data = dump(*people(1, 4), f"9,person1,other@example.com,{HASH}", f"1,anything,anything@example.com,{HASH}")

        tally = take(data, plan=TRIAL, callbacks=callbacks)

        assert (tally.read, tally.imported, tally.already) == (6, 3, 1)
        assert callbacks.heard == [(3, "username_taken"), (6, "username_taken")]
        assert User.objects.count() == 1
        assert not events("account.imported").exists()

    def test_wraps_weak_hashes(self, take):
        tally = take(dump(f"1,mina,mina@example.com,{bcrypt_hash(4)}"))

        assert (tally.imported, tally.wrapped) == (1, 1)
        assert User.objects.get().password.startswith("wrapped$bcrypt:")

    def test_neither_wraps_nor_counts_the_weak_hashes_of_refused_rows(self, take, settings):
        UserFactory(username="taken", email="taken@example.com")
        weak = bcrypt_hash(4)
        refused = [
            f"1,taken,mina@example.com,{weak}",
            f"2,mina,taken@example.com,{weak}",
            f"3,mina,not an address,{weak}",
            f"4,mi na,mina@example.com,{weak}",
        ]
        cheap = settings.ACCOUNTS
        settings.ACCOUNTS = {**cheap, "BCRYPT_ROUNDS": 99}  # bcrypt refuses it, so a hash would be an error
        tally = take(dump(*refused))
        assert (tally.imported, tally.refusals, tally.wrapped) == (0, 4, 0)

        settings.ACCOUNTS = cheap
        tally = take(dump(*refused, f"5,mina,mina@example.com,{weak}", f"6,MINA,other@example.com,{weak}"))
        assert (tally.imported, tally.refusals, tally.wrapped) == (1, 5, 1)


class TestBegin:
    def test_tells_files_and_sources_apart(self, begun, now):
        other = import_run.ImportPlan(source="other", format="bcrypt", policy=ImportPolicy())

        runs = {
            begun().pk,
            begun().pk,
            begun(digest=b"\1" * 32).pk,
            import_run.begin(digest=DIGEST, plan=other, is_anew=False, now=now).pk,
        }
        assert len(runs) == 3

    def test_deletes_the_position_by_an_option(self, take, begun):
        run = begun()
        take(dump(*people(1, 2)), run=run)

        anew = begun(is_anew=True)
        assert (anew.pk, anew.offset, anew.imported, anew.finished_at) == (run.pk, 0, 0, None)


class TestAlone:
    def test_lets_go_at_the_end(self):
        for _ in range(2):
            with import_run.exclusive():
                pass
