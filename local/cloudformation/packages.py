"""The code that was deployed: a zip in S3 -> a folder that stands for /var/task, or for one layer of /opt.

What hop this is: `makers -> [packages] -> s3`, and later `environment` in the folder.

What the real service does: Lambda copies the zip when a function or layer is made, so it may go away afterwards; what
is unpacked has at most 250 MB, modes and links as in the zip
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).

What differs here, on purpose:
1. zips with the same content are unpacked once.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

from local.cloudformation.moto import ServiceError
from local.cloudformation.s3 import S3, Place

CODE_PROPERTIES = ("Code", "Content")  # of a function, of a layer
MAX_UNZIPPED_BYTES = 262_144_000
_UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."


class PackageError(Exception):
    """The code cannot be had; the text is Lambda's."""


class Packages:
    """Unpacked below *folder*."""

    def __init__(self, s3: S3, folder: Path) -> None:
        self._s3 = s3
        self._folder = folder
        self._folders: dict[Place, Path] = {}
        self._tidying = asyncio.Lock()  # nothing is unpacked while something is removed

    def folder(self, location: object, owner: str) -> Path | None:
        """The folder of a resolved `Code` or `Content` property; None for what was not fetched."""
        place = _place(location)
        return self._folders.get(place) if place else None

    async def fetch(self, location: object) -> None:
        """Have the folder of *location*, unless it names no zip in S3. Raises `PackageError`.

        What was copied already is not copied again: its zip may be gone, and a rollback still finds it.
        """
        place = _place(location)
        if place is None or place in self._folders:
            return
        try:
            content = await self._s3.read(place)
        except ServiceError as error:
            raise PackageError(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            ) from error
        async with self._tidying:
            self._folders[place] = await asyncio.to_thread(self._unpack, content)

    async def keep_only(self, ask: Callable[[], Collection[Path] | None]) -> None:
        """Remove every folder that is not among those that *ask* gives; with None, remove nothing."""
        async with self._tidying:
            used = ask()
            if used is not None:
                self._folders = {place: folder for place, folder in self._folders.items() if folder in used}
                await asyncio.to_thread(self._sweep, {path.name for path in used})

    def _sweep(self, kept: Collection[str]) -> None:
        if self._folder.is_dir():
            for entry in self._folder.iterdir():
                if entry.name not in kept:
                    shutil.rmtree(entry, ignore_errors=True)

    def _unpack(self, content: bytes) -> Path:
        whole = self._folder / hashlib.sha256(content).hexdigest()[:32]
        if whole.is_dir():
            return whole
        self._folder.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(member.file_size for member in archive.infolist()) > MAX_UNZIPPED_BYTES:
                    raise PackageError(f"Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes")
                for member in archive.infolist():
                    _extract(archive, member, making)
            making.chmod(0o755)
            making.rename(whole)
        except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError) as error:
            raise PackageError(_UNREADABLE) from error
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return whole


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, below: Path) -> None:
    """With mode and links, which `ZipFile.extract` leaves out; never to a place outside of *below*."""
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        link = below / member.filename
        target = archive.read(member).decode()
        if not (link.parent.resolve() / target).resolve().is_relative_to(below):
            raise PackageError(_UNREADABLE)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
        return
    path = Path(archive.extract(member, below))
    if mode and not member.is_dir():
        os.chmod(path, stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)


def _place(location: object) -> Place | None:
    match location:
        case {"S3Bucket": str(bucket), "S3Key": str(key), "S3ObjectVersion": str(version)}:
            return Place(bucket, key, version)
        case {"S3Bucket": str(bucket), "S3Key": str(key)}:
            return Place(bucket, key)
    return None
