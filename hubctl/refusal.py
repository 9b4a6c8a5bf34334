"""What the file system said no to, in words for a person: what it was about, and what can be done."""

import errno
import os
from pathlib import Path

_WHY = {
    errno.EROFS: "{folder} is mounted read-only, on purpose or after an error of its disk (dmesg says which): "
    "`mount -o remount,rw` on what `findmnt --target {folder}` names makes it writable",
    errno.ENOSPC: "there is no room left in {folder}: `df -h {folder}` and `df -i {folder}` say how much, make some",
    errno.EDQUOT: "there is no room left in {folder} for this user: make some",
    errno.EPERM: "{folder} may not be changed, even by root: `lsattr -d {folder}` says whether it is marked immutable",
    errno.EACCES: "{folder} may not be changed, even by root: `lsattr -d {folder}` says whether it is marked immutable",
    errno.EIO: "the disk failed at {folder}; dmesg says more",
}


def words(error: Exception) -> str:
    """The error's own word, or what it means where that is a number of the system's."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    name = error.filename2 or error.filename
    if not name:
        return error.strerror
    why = _WHY.get(error.errno or 0)
    return why.format(folder=_folder(os.fsdecode(name))) if why else f"{os.fsdecode(name)}: {error.strerror}"


def _folder(name: str) -> str:
    """Files are written beside their place first, under a name that tells nobody anything."""
    path = Path(name)
    return str(path if path.is_dir() else path.parent)
