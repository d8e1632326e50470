"""The stories that can be told: what each is called, how it is written, its text, and how all of them end.

What this is: `story, api -> [library] -> texts/<slug>.txt`. A text is read when its story is first asked for.

What the spec says that we follow: *lang* and *dir* are the values of HTML's attributes of these names
(https://html.spec.whatwg.org/multipage/dom.html#the-lang-and-xml:lang-attributes).
"""

from __future__ import annotations

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The event after the last word: its type, and what it says. Its position is the one after the last word's.
END_EVENT, END_DATA = "end-of-stream", "Stream ended"


class Story:
    """One story. *slug* names it in a query and on disk; *lang* is a BCP 47 tag, *dir* is `ltr` or `rtl`."""

    __slots__ = ("_words", "dir", "lang", "slug", "title")

    def __init__(self, slug: str, *, title: str, lang: str, dir: str = "ltr") -> None:
        self.slug = slug
        self.title = title
        self.lang = lang
        self.dir = dir
        self._words: tuple[str, ...] = ()

    def about(self) -> dict[str, str]:
        """What a viewer needs to offer this story and to show it."""
        return {"slug": self.slug, "title": self.title, "lang": self.lang, "dir": self.dir}

    def text(self) -> str:
        """The text, read afresh, with its line breaks. Raises `OSError` if the file is not in the layer."""
        folder = __file__.rpartition("/")[0]
        # Not pathlib: importing it would cost as much as everything else on the way to the first word.
        with open(f"{folder}/texts/{self.slug}.txt", "rb") as file:
            return file.read().decode()

    def words(self) -> tuple[str, ...]:
        """The text, cut at white space; a word's position is its index here plus one. Raises `OSError`, as `text`.

        Kept once it was read, for as long as the environment lives.
        """
        self._words = self._words or tuple(self.text().split())
        return self._words


DEFAULT = "lighthouse"
STORIES: Mapping[str, Story] = {
    story.slug: story
    for story in (
        Story("lighthouse", title="The Lighthouse", lang="en"),
        Story("postwoman", title="One Word at a Time", lang="en"),
        Story("postcard", title="A Postcard 🌍", lang="en"),
        Story("moon", title="הילדה והירח", lang="he", dir="rtl"),
        Story("snail", title="Die Schnecke und der Brief", lang="de"),
    )
}
