"""Files appear whole or not at all."""

import os
import re
import stat

import pytest

from betalps.files import require_writable, write_atomic


def test_new_and_replaced(tmp_path):
    path = tmp_path / "a.bin"
    write_atomic(path, b"one\x00\n")
    assert path.read_bytes() == b"one\x00\n"
    write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_cannot_be_written_is_named_before_and_while(tmp_path):
    require_writable(tmp_path / "new", None, str(tmp_path / "other"))
    (tmp_path / "file").write_text("")
    for place, kind in ((tmp_path / "no" / "a", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(kind, match=re.escape(f"'{place}'")):
            require_writable(place)
    with pytest.raises(FileNotFoundError, match=re.escape(f"'{tmp_path / 'no' / 'a'}'")):
        write_atomic(tmp_path / "no" / "a", b"")
    with pytest.raises(NotADirectoryError, match=re.escape(f"'{tmp_path / 'file' / 'a'}'")):
        write_atomic(tmp_path / "file" / "a", b"")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "a"
    plain.write_bytes(b"")
    write_atomic(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o600)
    write_atomic(path, b"y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "a", b"x")
