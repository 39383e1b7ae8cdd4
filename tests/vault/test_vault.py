"""The vault: what is sealed comes back, only with the right key and in the right place."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vault import BadKeys, Damaged, Key, KeyRing, Vault, WrongKey, new_key
from vault.keys import parse, write

SECRET = "王小明 A012345678".encode()


def vault_with(*keys: Key) -> Vault:
    return Vault(KeyRing(keys))


def test_the_prefix_tells_the_current_key() -> None:
    short, longer = Key("a", b"1" * 32), Key("ab", b"2" * 32)
    for one, other in ((short, longer), (longer, short)):
        assert vault_with(one).seal(SECRET, "x").startswith(vault_with(one, other).current_prefix)
        assert not vault_with(other).seal(SECRET, "x").startswith(vault_with(one, other).current_prefix)


@pytest.mark.parametrize("data", [b"", b"\x00", SECRET, os.urandom(1_000_000)], ids=["none", "nul", "name", "much"])
def test_what_is_sealed_comes_back(data: bytes) -> None:
    vault = vault_with(new_key())
    sealed = vault.seal(data, "requests.payload:1")
    assert vault.open(sealed, "requests.payload:1") == data
    assert sealed != vault.seal(data, "requests.payload:1")
    if len(data) > 3:
        assert data not in sealed


def test_every_changed_bit_is_noticed() -> None:
    key = Key("a", b"1" * 32)
    vault = vault_with(key)
    sealed = vault.seal(SECRET, "here")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises((Damaged, WrongKey)):
            vault.open(bytes(changed), "here")
    for length in range(len(sealed)):
        with pytest.raises((Damaged, WrongKey)):
            vault.open(sealed[:length], "here")


def test_another_place_or_key_does_not_open_it() -> None:
    old, other = new_key(), new_key()
    sealed = vault_with(old).seal(SECRET, "here")
    with pytest.raises(Damaged):
        vault_with(old).open(sealed, "there")
    with pytest.raises(WrongKey) as caught:
        vault_with(other).open(sealed, "here")
    assert caught.value.key_id == old.id
    with pytest.raises(Damaged):
        vault_with(Key(old.id, other.secret)).open(sealed, "here")
    assert vault_with(other, old).open(sealed, "here") == SECRET


def test_fingerprints_are_stable_keyed_and_by_purpose() -> None:
    old, current = new_key(), new_key()
    vault = vault_with(old)
    first = vault.fingerprint("LIN9999106498", "receipt")
    assert first == vault.fingerprint("LIN9999106498", "receipt")
    assert len({first, vault.fingerprint("LIN9999106499", "receipt"), vault.fingerprint("LIN9999106498", "x")}) == 3
    assert vault.fingerprint("b", "a") != vault.fingerprint("", "ab")
    later = vault_with(current, old)
    assert later.fingerprint("LIN9999106498", "receipt") != first
    assert later.fingerprints("LIN9999106498", "receipt")[1] == first
    assert vault.fingerprint("\ud800", "receipt")


def test_a_missing_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault.from_settings(data_dir=folder), range(8)))
    assert len({vault.current_key_id for vault in vaults}) == 1
    assert os.listdir(folder) == ["data.keys"]
    assert (folder / "data.keys").stat().st_mode & 0o777 == 0o600


def test_a_setting_goes_before_a_file(tmp_path: Path) -> None:
    one, two = new_key(), new_key()
    write(tmp_path / "keys", [two], replace=False)
    assert Vault.from_settings(str(one), tmp_path / "keys", tmp_path).current_key_id == one.id
    assert Vault.from_settings("", tmp_path / "keys", tmp_path).current_key_id == two.id
    both = Vault.from_settings(f"{two},{one}", None, None)
    assert both.open(vault_with(one).seal(SECRET, "x"), "x") == SECRET
    assert not (tmp_path / "data.keys").exists()


def test_a_changed_file_is_followed(tmp_path: Path) -> None:
    running = Vault.from_settings(data_dir=tmp_path)
    before = running.seal(SECRET, "x")
    tool = Vault.from_settings(data_dir=tmp_path)
    added = new_key()
    tool.ring.change(lambda keys: (added, *keys))
    assert running.current_key_id == added.id
    assert running.open(before, "x") == SECRET
    assert running.open(tool.seal(SECRET, "x"), "x") == SECRET
    with pytest.raises(BadKeys):
        vault_with(added).ring.change(lambda keys: keys)


GOOD = base64.b64encode(b"2" * 32).decode()


@pytest.mark.parametrize(
    "text",
    ["", "# only this", "a", "a:", f":{GOOD}", f"a b:{GOOD}", "a:AAAA", f"a:{GOOD},a:{GOOD}", f"{'x' * 33}:{GOOD}"],
)
def test_bad_keys_are_refused_without_telling_them(text: str) -> None:
    with pytest.raises(BadKeys) as caught:
        parse(text, "somewhere")
    assert "somewhere" in str(caught.value)
    assert GOOD not in str(caught.value)


def test_url_safe_and_unpadded_keys_are_read() -> None:
    secret = b"\xff\xef" * 16
    standard = base64.b64encode(secret).decode()
    url_safe = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    assert parse(f"# new\na:{standard}\n\n b:{url_safe} # old\n", "x") == (Key("a", secret), Key("b", secret))


def test_an_open_key_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "keys", [new_key()], replace=False)
    (tmp_path / "keys").chmod(0o644)
    with pytest.raises(BadKeys, match="chmod 600"):
        Vault.from_settings(key_file=tmp_path / "keys")
    with pytest.raises(BadKeys, match="can't be read"):
        Vault.from_settings(key_file=tmp_path / "missing")


def test_keys_are_never_shown() -> None:
    key = new_key()
    assert base64.b64encode(key.secret).decode() not in repr(key)
    assert key.secret.hex() not in repr(key)
