"""The texts of the stories."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stories import library
from stories.library import DEFAULT, STORIES
from story import handler
from tests.function.calls import ask, chunks, read

if TYPE_CHECKING:
    from tests.function.conftest import FakeClock, FakeContext

TEXTS = Path(library.__file__).with_name("texts")


def test_every_text_has_its_entry_and_every_entry_its_text() -> None:
    assert {path.name for path in TEXTS.iterdir()} == {f"{slug}.txt" for slug in STORIES}
    assert len(STORIES) >= 5


def test_the_default_story_has_45_words() -> None:
    assert (DEFAULT, len(STORIES[DEFAULT].words())) == ("lighthouse", 45)


def test_one_story_is_long() -> None:
    assert max(len(story.words()) for story in STORIES.values()) >= 600


@pytest.mark.parametrize("slug", STORIES)
def test_texts_are_clean(slug: str) -> None:
    """Every word is something to see: no control characters, no BOM, no replacement characters, normalised."""
    text = (TEXTS / f"{slug}.txt").read_text(encoding="utf-8")
    categories = {unicodedata.category(character) for character in text if character != "\n"}

    assert STORIES[slug].words() == tuple(text.split())
    assert all(STORIES[slug].words())
    assert categories.isdisjoint({"Cc", "Co", "Cn", "Cs"})
    assert not {"\ufeff", "\ufffd"} & set(text)
    assert unicodedata.is_normalized("NFC", text)


def test_the_stories_say_how_they_are_written() -> None:
    assert {slug: (story.lang, story.dir) for slug, story in STORIES.items()} == {
        "lighthouse": ("en", "ltr"),
        "postwoman": ("en", "ltr"),
        "postcard": ("en", "ltr"),
        "moon": ("he", "rtl"),
        "snail": ("de", "ltr"),
    }


def test_the_story_from_right_to_left_is_so_in_every_word() -> None:
    letters = [c for c in "".join(STORIES["moon"].words()) if c.isalpha()]

    assert {unicodedata.bidirectional(letter) for letter in letters} == {"R"}


def test_one_story_mixes_scripts_and_emoji(clock: FakeClock, context: FakeContext) -> None:
    """Twelve scripts besides Latin, and emoji of one and of many code points, arrive as they were written."""
    data = [event.data for event in read(chunks(handler(ask({"story": "postcard"}), context, clock=clock)))]
    scripts = {unicodedata.name(letter).split()[0] for word in data for letter in word if letter.isalpha()}

    assert scripts == {
        "LATIN", "GREEK", "CYRILLIC", "GEORGIAN", "ARMENIAN", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "HANGUL",
        "HIRAGANA", "CJK", "ETHIOPIC",
    }  # fmt: skip
    assert {"📮", "☀️", "👋🏽", "👩‍👩‍👧‍👦"} <= set(data)
