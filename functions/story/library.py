"""The stories that can be told: what each is called, how it is written, and its text.

What this is: `story -> [library] -> stories/<slug>.txt`. A text is read when its story is asked for, and no other.

What the spec says that we follow: *lang* and *dir* are the values of HTML's attributes of these names
(https://html.spec.whatwg.org/multipage/dom.html#the-lang-and-xml:lang-attributes).
"""

from __future__ import annotations

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Story:
    """One story. *slug* names it in a query and on disk; *lang* is a BCP 47 tag, *dir* is `ltr` or `rtl`."""

    __slots__ = ("dir", "lang", "slug", "title")

    def __init__(self, slug: str, *, title: str, lang: str, dir: str = "ltr") -> None:
        self.slug = slug
        self.title = title
        self.lang = lang
        self.dir = dir

    def about(self) -> dict[str, str]:
        """What a viewer needs to offer this story and to show it."""
        return {"slug": self.slug, "title": self.title, "lang": self.lang, "dir": self.dir}

    def words(self) -> list[str]:
        """The text, read afresh and cut at white space. Raises `OSError` if the file is not in the bundle."""
        folder = __file__.rpartition("/")[0]
        # Not pathlib: importing it would cost as much as everything else on the way to the first word.
        with open(f"{folder}/stories/{self.slug}.txt", "rb") as file:
            return file.read().decode().split()


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
