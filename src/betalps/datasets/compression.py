"""Compressed files, told by the end of their names."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

_PACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": lambda data: gzip.compress(data, mtime=0),  # equal content, equal bytes
    ".bz2": bz2.compress,
}
_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
}
ENDINGS = tuple(_PACK)


def kind_of(path: Path) -> str:
    """The suffix that tells the format, in lower case: that before the compression's, if any."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in ENDINGS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def pack(data: bytes, path: Path) -> bytes:
    """The content of a file of this name."""
    return _PACK.get(path.suffix.lower(), bytes)(data)


def read_unpacked(path: Path) -> bytes:
    """Read a file, decompressed if its name says that it is compressed.

    Raises
    ------
    ValueError
        It is not what its name says; names the file.
    OSError
        It cannot be read.
    """
    data = path.read_bytes()
    try:
        return _UNPACK.get(path.suffix.lower(), bytes)(data)
    except (lzma.LZMAError, EOFError, OSError) as error:
        raise ValueError(f"{path}: cannot be decompressed: {error}") from error
