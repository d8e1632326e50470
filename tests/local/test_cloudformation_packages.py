"""Deployed code: zips as they come from S3, unpacked as Lambda unpacks them."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from local.cloudformation.moto import ServiceError
from local.cloudformation.packages import MAX_UNZIPPED_BYTES, PackageError, Packages
from local.cloudformation.s3 import S3, Place, place_of

pytestmark = pytest.mark.anyio

LINK = stat.S_IFLNK | 0o777


class FakeS3:
    """Objects by their place; counts how often they are read."""

    def __init__(self) -> None:
        self.objects: dict[Place, bytes] = {}
        self.reads = 0

    async def read(self, place: Place) -> bytes:
        self.reads += 1
        if place not in self.objects:
            raise ServiceError("s3", "NoSuchKey", "The specified key does not exist.", 404)
        return self.objects[place]


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def packages(s3: FakeS3, tmp_path: Path) -> Packages:
    return Packages(cast("S3", s3), tmp_path / "packages")


def zipped(files: Mapping[str, str], modes: Mapping[str, int] | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(member, text)
    return content.getvalue()


def location(key: str, version: str | None = None) -> dict[str, object]:
    return {"S3Bucket": "code", "S3Key": key} | ({"S3ObjectVersion": version} if version else {})


async def fetched(packages: Packages, s3: FakeS3, content: bytes, key: str = "a") -> Path:
    s3.objects[Place("code", key)] = content
    await packages.fetch(location(key))
    folder = packages.folder(location(key), "F")
    assert folder is not None
    return folder


async def test_modes_and_links_are_kept(packages: Packages, s3: FakeS3) -> None:
    """A bootstrap that is not executable starts nothing."""
    files = {"bootstrap": "#!/bin/sh\n", "lib/story.py": "x = 1\n", "story.py": "lib/story.py"}
    modes = {"bootstrap": stat.S_IFREG | 0o755, "story.py": LINK}

    folder = await fetched(packages, s3, zipped(files, modes))

    assert stat.S_IMODE((folder / "bootstrap").stat().st_mode) == 0o755
    assert (folder / "story.py").is_symlink()
    assert (folder / "story.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [("link", "../../secret", LINK), ("link", "/etc/passwd", LINK), ("deep/link", "../../x", LINK)],
)
async def test_a_link_that_leads_outside_is_refused(
    packages: Packages, s3: FakeS3, tmp_path: Path, name: str, text: str, mode: int
) -> None:
    with pytest.raises(PackageError, match="^Could not unzip uploaded file"):
        await fetched(packages, s3, zipped({name: text}, {name: mode}))
    assert list((tmp_path / "packages").iterdir()) == []


async def test_a_path_that_leads_outside_stays_inside(packages: Packages, s3: FakeS3, tmp_path: Path) -> None:
    folder = await fetched(packages, s3, zipped({"../../evil.py": ""}))

    assert not (tmp_path / "evil.py").exists()
    assert [path.name for path in folder.rglob("*.py")] == ["evil.py"]


async def test_what_is_no_zip_or_not_there(packages: Packages, s3: FakeS3) -> None:
    """In Lambda's words."""
    with pytest.raises(PackageError, match="^Could not unzip uploaded file"):
        await fetched(packages, s3, b"no zip")
    with pytest.raises(PackageError) as error:
        await packages.fetch(location("missing"))
    assert str(error.value) == (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    )


async def test_a_zip_that_is_too_large(packages: Packages, s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.cloudformation.packages.MAX_UNZIPPED_BYTES", 10)
    assert MAX_UNZIPPED_BYTES == 250 * 1024 * 1024

    with pytest.raises(PackageError, match="^Unzipped size must be smaller than 10 bytes$"):
        await fetched(packages, s3, zipped({"large.py": "x" * 11}))


async def test_the_same_code_is_unpacked_once_and_copied_once(packages: Packages, s3: FakeS3) -> None:
    """A rollback finds it although its zip is gone."""
    first = await fetched(packages, s3, zipped({"a.py": "1"}))
    s3.objects.clear()

    await packages.fetch(location("a"))

    assert packages.folder(location("a"), "F") == first
    assert await fetched(packages, s3, zipped({"a.py": "1"}), key="b") == first
    assert s3.reads == 2


async def test_a_version_of_an_object_is_another_one(packages: Packages, s3: FakeS3) -> None:
    s3.objects = {Place("code", "a"): zipped({"a.py": "new"}), Place("code", "a", "1"): zipped({"a.py": "old"})}

    await packages.fetch(location("a", "1"))

    folder = packages.folder(location("a", "1"), "F")
    assert folder is not None
    assert (folder / "a.py").read_text() == "old"
    assert packages.folder(location("a"), "F") is None


@pytest.mark.parametrize("location", [None, "s3://code/a", {"ImageUri": "i"}, {"ZipFile": "def handler(): ..."}])
async def test_what_is_no_zip_in_s3_is_left_alone(packages: Packages, location: object) -> None:
    await packages.fetch(location)

    assert packages.folder(location, "F") is None


async def test_only_what_is_used_is_kept(packages: Packages, s3: FakeS3, tmp_path: Path) -> None:
    """And everything as long as nobody can tell."""
    used = await fetched(packages, s3, zipped({"a.py": "1"}))
    unused = await fetched(packages, s3, zipped({"a.py": "2"}), key="b")

    await packages.keep_only(lambda: None)
    assert unused.is_dir()
    await packages.keep_only(lambda: [used])

    assert list((tmp_path / "packages").iterdir()) == [used]
    assert packages.folder(location("b"), "F") is None


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://localhost:8081/code/a/b.template", Place("code", "a/b.template")),
        ("http://127.0.0.1:8081/code/b", Place("code", "b")),
        ("http://code.localhost:8081/a/b", Place("code", "a/b")),
        ("https://s3.eu-west-1.amazonaws.com/code/b", Place("code", "b")),
        ("https://s3.amazonaws.com/code/b?versionId=v1", Place("code", "b", "v1")),
        ("https://code.s3.amazonaws.com/a%20b", Place("code", "a b")),
        ("https://my.code.s3.us-east-1.amazonaws.com/b", Place("my.code", "b")),
        ("https://code.s3-us-west-2.amazonaws.com/b", Place("code", "b")),
        ("https://example.com/code/b", None),
        ("https://s3.amazonaws.com/code", None),
        ("", None),
    ],
)
def test_addresses_of_objects(url: str, place: Place | None) -> None:
    """Those of S3, in both its styles, and of this endpoint."""
    assert place_of(url) == place
