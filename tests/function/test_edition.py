"""An edition of the page: fingerprints, links, content types, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edition import PageError, PageFile, fingerprint, read_page


def edition(folder: Path, files: dict[str, str]) -> dict[str, PageFile]:
    """The edition that these *files* are, by the names that the files have in *folder*."""
    for name, text in {"index.html": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {re.sub(r"^[0-9a-f]{12}/", "", file.key): file for file in read_page(folder)}


def test_files_lie_in_a_folder_named_after_their_content_and_may_be_kept_for_ever(tmp_path: Path) -> None:
    """A browser that has them never asks again."""
    files = edition(tmp_path, {"app.js": "1", "img/a.svg": "<svg/>"})
    folder = fingerprint({"app.js": b"1", "img/a.svg": b"<svg/>"})

    assert files["app.js"].key == f"{folder}/app.js"
    assert files["img/a.svg"].key == f"{folder}/img/a.svg"
    assert files["app.js"].cache_control == "public, max-age=31536000, immutable"


def test_another_content_or_name_is_another_folder_and_the_same_is_the_same() -> None:
    """Whatever comes first; and a border between name and content cannot move."""
    files = {"a.js": b"1", "b.js": b"2"}

    assert fingerprint(files) == fingerprint(dict(reversed(files.items())))
    assert fingerprint(files) != fingerprint({**files, "b.js": b"3"})
    assert fingerprint(files) != fingerprint({"a.js": b"1", "c.js": b"2"})
    assert fingerprint({"a": b"bc"}) != fingerprint({"ab": b"c"})


def test_html_keeps_its_name_and_a_changed_page_does_not_rename_the_files(tmp_path: Path) -> None:
    """It is kept for a minute: who reloads soon after a deployment gets the new one."""
    before = edition(tmp_path, {"app.js": "1"})
    after = edition(tmp_path, {"app.js": "1", "index.html": "changed"})

    assert after["index.html"].key == "index.html"
    assert after["index.html"].cache_control == "public, max-age=60"
    assert after["app.js"] == before["app.js"]


@pytest.mark.parametrize("name", ["favicon.ico", "robots.txt", "favicon.svg"])
def test_what_is_asked_for_by_name_keeps_it(tmp_path: Path, name: str) -> None:
    """Browsers, robots and the page of the API look in one place only."""
    assert edition(tmp_path, {name: "x"})[name].key == name


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ('<script src="app.js">', '<script src="/FOLDER/app.js">'),
        ('<script src="./app.js?v=1">', '<script src="/FOLDER/app.js?v=1">'),
        ("<link rel=icon href='img/a.svg#x'>", "<link rel=icon href='/FOLDER/img/a.svg#x'>"),
        ('<LINK HREF="/app.js">', '<LINK HREF="/FOLDER/app.js">'),
        ('<a href="https://example.com/app.js">', None),
        ('<a href="about.html">', None),
        ('<a href="/api/docs">', None),
        ('<p title="app.js">app.js</p>', None),
        ('<p data-src="app.js">', None),
        ('<a href="#app.js">', None),
    ],
)
def test_links_of_html_lead_into_the_folder(tmp_path: Path, html: str, told: str | None) -> None:
    """Those to a file of the page; everything else stays as it was written."""
    files = edition(tmp_path, {"app.js": "1", "img/a.svg": "2", "index.html": html})
    folder = files["app.js"].key.partition("/")[0]

    assert files["index.html"].body.decode() == (told or html).replace("FOLDER", folder)


def test_a_link_starts_from_the_folder_that_the_html_is_in(tmp_path: Path) -> None:
    """As a browser would see it."""
    html = '<link href="style.css"><link href="../style.css">'
    files = edition(tmp_path, {"about/index.html": html, "about/style.css": "1", "style.css": "2"})
    folder = files["style.css"].key.partition("/")[0]

    assert files["about/index.html"].body.decode() == (
        f'<link href="/{folder}/about/style.css"><link href="/{folder}/style.css">'
    )


def test_scripts_and_style_sheets_stay_as_they_are(tmp_path: Path) -> None:
    """Their paths are relative to themselves, and all of them move together."""
    script = 'import "./other.js"'

    assert edition(tmp_path, {"app.js": script, "other.js": ""})["app.js"].body.decode() == script


def test_html_comes_last(tmp_path: Path) -> None:
    """What a page names is stored before the page; hidden files are left out, folders become keys."""
    files = edition(tmp_path, {"z.js": "", "img/a.svg": "", ".DS_Store": "", "about.html": ""})

    assert list(files) == ["img/a.svg", "z.js", "about.html", "index.html"]


def test_a_file_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    """A file that a browser would get without a content type is named, with what to do."""
    with pytest.raises(PageError) as refused:
        edition(tmp_path, {"film.mpg": ""})

    assert str(refused.value) == ("film.mpg has no known content type: add '.mpg' to CONTENT_TYPES in edition.py.")


def test_a_page_without_an_index_is_refused(tmp_path: Path) -> None:
    """An empty folder would empty the bucket: that is refused."""
    with pytest.raises(PageError, match=r"There is no index\.html in .*: add the page to the function's code\."):
        read_page(tmp_path)
