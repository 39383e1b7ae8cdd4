"""Change of keys: `python -m service.rotate [--drop-old]`. The service may go on running meanwhile.

Without an option: a new key is made the current one, where the keys are in a file, and everything is sealed with it. A
run that was broken off goes on where it was, with the same key. Where the keys stand in GUIDE_DATA_KEYS, put the new
one first there, start the service again, and then run this. ``--drop-old`` forgets the other keys, once nothing needs
them any more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gateway.documents import FOLDER as DRAFTS
from intake import rotation
from intake.database import WrongKeys
from intake.settings import DataSettings
from intake.store import Store
from intake.store.documents import FOLDER as REQUESTS
from papers.settings import PaperSettings
from triage.content import Content
from vault import BadKeys, VaultError, new_key
from vault.files import SealedFiles, StoreUnavailable

# Uploads of conversations that are not finished lie in the same store as the papers of requests.
_FOLDERS = (DRAFTS, REQUESTS)


def rotate(store: Store, files: SealedFiles) -> int:
    """Seal everything with the current key, after making a new one where nothing is left from an earlier change.

    Returns:
        How many things were sealed anew.
    """
    ring = store.transactions.vault.ring
    if ring.path is not None and not rotation.pending(store.transactions):
        ring.change(lambda keys: (new_key(key.id for key in keys), *keys))
    # The files first: while rows are left, a run that was broken off is known to be unfinished.
    sealed = _reseal_files(store, files)
    return sealed + rotation.reseal(store.transactions)


def drop_old(store: Store, files: SealedFiles) -> int:
    """Forget every key but the current one.

    Returns:
        How many were forgotten.

    Raises:
        BadKeys: Something is still sealed with one of them, or the keys are not in a file.
    """
    left = rotation.pending(store.transactions)
    if left:
        raise BadKeys(f"{left} things are still sealed with an older key. First: make rotate-keys")
    _reseal_files(store, files)
    ring = store.transactions.vault.ring
    before = len(ring.present())
    return before - len(ring.change(lambda keys: keys[:1]))


def _reseal_files(store: Store, files: SealedFiles) -> int:
    return store.documents.reseal() + files.reseal_all(*_FOLDERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drop-old", action="store_true", help="forget the keys that nothing needs any more")
    chosen = parser.parse_args(arguments)
    settings = DataSettings()
    try:
        store = Store.open(settings, Content.load(settings.content_dir))
    except (BadKeys, WrongKeys) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        files = PaperSettings(data_dir=settings.data_dir).files(store.transactions.vault)
        if chosen.drop_old:
            sys.stdout.write(f"{drop_old(store, files)} old keys forgotten\n")
        else:
            sealed = rotate(store, files)
            current = store.transactions.vault.current_key_id
            sys.stdout.write(f"{sealed} things sealed anew; everything is under the key {current} now\n")
        return 0
    except (BadKeys, StoreUnavailable, VaultError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
