"""Disks that refuse to be written, for tests that run as root too (chmod does not bind root)."""

import errno
import io
import os
from pathlib import Path


class Locked:
    """Makes the system refuse every write below a folder (chmod does not bind root)."""

    def __init__(self, monkeypatch, folder: Path, code: int):
        self.folder, self.error = str(folder), OSError(code, os.strerror(code))
        self.refused = 0
        self._wrap(monkeypatch, os, "open", lambda flags=0, *_: flags & (os.O_WRONLY | os.O_RDWR))
        self._wrap(monkeypatch, io, "open", lambda mode="r", *_: set(mode) & set("wax+"))
        for name in ("mkdir", "replace", "unlink", "rename"):
            self._wrap(monkeypatch, os, name, lambda *_: True)

    def _wrap(self, monkeypatch, module, name, writes):
        real = getattr(module, name)

        def guarded(path, *args, **more):
            if os.fspath(path).startswith(self.folder) and writes(*args):
                self.refused += 1
                raise self.error
            return real(path, *args, **more)

        monkeypatch.setattr(module, name, guarded)


class FullDisk(io.FileIO):
    """A file on a disk that has room for a thousand bytes more."""

    def write(self, data):
        if self.tell() + len(data) > 1000:
            super().write(data[: 1000 - self.tell()])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)
