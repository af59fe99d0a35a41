"""A secret is drawn once, read by its owner alone, and gone when it is deleted."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from assent.errors import LedgerError
from assent.ledger.vault import SECRET_BYTES, Vault


class Draws:
    """Secret bytes that can be drawn again: a counter."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


@pytest.fixture
def draws():
    return Draws()


@pytest.fixture
def vault(tmp_path, draws):
    with closing(Vault(tmp_path / "secrets", draws)) as vault:
        yield vault


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_every_file_of_the_vault_is_its_owners_alone(tmp_path):
    before = os.umask(0)  # the most open that a shell can be
    try:
        with closing(Vault(tmp_path / "secrets", Draws())) as vault:
            vault.ensure_secrets(["ana"])
            vault.key("signing")
    finally:
        os.umask(before)

    files = list((tmp_path / "secrets").iterdir())
    assert {each.name for each in files} >= {"vault.db", "signing.key"}
    assert {mode(each) for each in files} == {0o600}
    assert mode(tmp_path / "secrets") == 0o700


def test_a_vault_that_all_could_read_is_closed_when_it_is_opened(tmp_path, draws):
    Vault(tmp_path, draws).close()
    (tmp_path / "vault.db").chmod(0o666)

    Vault(tmp_path, draws).close()

    assert mode(tmp_path / "vault.db") == 0o600


def test_a_secret_is_drawn_once_and_read_back_by_the_next_run(tmp_path, draws):
    with closing(Vault(tmp_path, draws)) as vault:
        vault.ensure_secrets(["ana", "ben"])
        first = vault.secrets(["ana", "ben"])
        vault.ensure_secrets(["ben", "cem", "ana"])

    with closing(Vault(tmp_path, draws)) as vault:
        again = vault.secrets(["ana", "ben", "cem"])
    assert {name: again[name] for name in first} == first
    assert len(set(again.values())) == 3
    assert {len(each) for each in again.values()} == {SECRET_BYTES}


def test_a_subject_named_twice_gets_one_secret(vault):
    vault.ensure_secrets(["ana", "ana"])

    assert vault.secret("ana") == vault.secrets(["ana"])["ana"]


def test_nobody_has_no_secrets(vault):
    vault.ensure_secrets([])

    assert vault.secrets([]) == {}
    assert vault.secrets(["ana"]) == {}


def test_who_was_never_enrolled_has_no_secret_and_the_error_says_what_to_do(vault):
    vault.ensure_secrets(["ana"])

    with pytest.raises(LedgerError, match="`ben` has no secret") as caught:
        vault.secret("ben")

    assert "assent record enrolled" in caught.value.hint


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_randomness_of_another_length_gives_nobody_a_secret(tmp_path, size):
    # Checked by the database itself; what was begun is undone for all.
    lengths = iter([SECRET_BYTES, size])
    with closing(Vault(tmp_path, lambda _: bytes(next(lengths)))) as vault:
        with pytest.raises(sqlite3.IntegrityError, match="length"):
            vault.ensure_secrets(["ana", "ben"])
        assert vault.secrets(["ana", "ben"]) == {}


def test_a_key_is_drawn_when_it_is_first_asked_for_and_then_kept(tmp_path, draws):
    with closing(Vault(tmp_path, draws)) as vault:
        assert not vault.has_key("signing")
        key = vault.key("signing")
        assert vault.has_key("signing")
        assert vault.key("plan") != key
    count = draws.count

    with closing(Vault(tmp_path, draws)) as vault:
        assert vault.key("signing") == key
    assert draws.count == count


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_refused_and_not_drawn_again(tmp_path, draws, size):
    (tmp_path / "signing.key").write_bytes(bytes(size))

    with (
        closing(Vault(tmp_path, draws)) as vault,
        pytest.raises(LedgerError, match=f"holds {size} bytes, wanted 32"),
    ):
        vault.key("signing")
    assert (tmp_path / "signing.key").read_bytes() == bytes(size)
    assert draws.count == 0


def test_a_key_drawn_with_another_length_is_refused(tmp_path):
    with closing(Vault(tmp_path, lambda _: bytes(16))) as vault:
        for _ in range(2):
            with pytest.raises(LedgerError, match="16 bytes, wanted 32"):
                vault.key("signing")


def test_what_the_vault_does_not_keep_is_drawn_anew_each_time(vault):
    assert vault.draws(1) != vault.draws(1)
    assert [len(each) for each in vault.draws(3)] == [SECRET_BYTES] * 3
    assert vault.draws(0) == []


def test_no_message_of_the_vault_holds_a_secret(tmp_path):
    secret = b"ThirtyOneBytesOfALittleSecret!!"
    (tmp_path / "signing.key").write_bytes(secret)

    with (
        closing(Vault(tmp_path, Draws())) as vault,
        pytest.raises(LedgerError) as caught,
    ):
        vault.key("signing")
    said = caught.value.message + caught.value.hint + repr(caught.value)
    assert secret.decode() not in said
    assert secret.hex() not in said
