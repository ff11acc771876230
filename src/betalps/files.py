"""Writing a file so that nobody ever sees half of it, and keeping a folder to one process."""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from betalps.errors import CheckpointError
from betalps.typing import PathLike


def write_atomic(path: PathLike, data: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Parameters
    ----------
    path
        An existing file is replaced and keeps its permissions.
    data
        The whole content.

    Raises
    ------
    OSError
        The folder does not exist or cannot be written; the old file is then untouched.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    except OSError as error:  # it names the temporary file
        raise OSError(error.errno, error.strerror, str(target)) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def require_writable(*paths: PathLike | None) -> None:
    """See that files could be written, before the work that they are for.

    Parameters
    ----------
    paths
        Of files; None for one that is not wanted.

    Raises
    ------
    OSError
        A folder does not exist or cannot be written, or there is a folder of the file's name; names the file.
    """
    for path in (Path(path) for path in paths if path is not None):
        number = errno.EISDIR if path.is_dir() else 0 if path.parent.is_dir() else errno.ENOENT
        if not number and not os.access(path.parent, os.W_OK | os.X_OK):
            number = errno.EACCES
        if number:
            raise OSError(number, os.strerror(number), str(path))


@contextmanager
def locked(folder: Path, doing: str, patience: float = 0.0) -> Iterator[None]:
    """Keep other processes out of a folder; the lock goes with the process, however it ends.

    Parameters
    ----------
    folder
        Exists; the lock is its file ``lock``.
    doing
        What the other process does, for the error.
    patience
        Seconds to wait for a process that is about to end.

    Raises
    ------
    CheckpointError
        Another process holds the lock.
    """
    import fcntl

    deadline = time.monotonic() + patience
    with (folder / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise CheckpointError(f"another process is {doing} in {folder}") from error
            time.sleep(0.1)
        yield


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, or those that a new file gets."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)  # there is no other way to read it
        os.umask(mask)
        return 0o666 & ~mask
