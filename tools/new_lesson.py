"""Lay down a new chapter: its lesson, the checks of its exercises, and its place in the book.

Usage: python -m tools.new_lesson part/name [--title "A title"]
"""

import argparse
import re
from pathlib import Path

import yaml

from tools.lessons import toc_pages
from tools.paths import ROOT, TOC

COMING = ROOT / "book" / "coming.yml"
TEMPLATES = ROOT / "tools" / "templates"


def main() -> None:
    """Lay the chapter down and say what there is now and what to do next."""
    parser = argparse.ArgumentParser(description="Lay down a new chapter from the template.")
    parser.add_argument("lesson", help="part/name, as in physics/hamiltonian", metavar="part/name")
    parser.add_argument(
        "--title", help="the chapter's title; without it the one in book/coming.yml, or the name in words"
    )
    asked = parser.parse_args()
    try:
        made = new_lesson(asked.lesson, asked.title)
    except ValueError as error:
        raise SystemExit(f"new-lesson: {error}") from None
    print("laid down:", *(f"  {file.relative_to(ROOT)}" for file in made), sep="\n")
    print("and placed in _toc.yml at the end of its part: move it there if it belongs elsewhere.")
    print(f"Run it with: make lesson L={asked.lesson}")


def new_lesson(lesson: str, title: str | None = None) -> list[Path]:
    """Write the chapter ``part/name`` from the template and give it its place in _toc.yml.

    Returns:
        The files that are new.

    Raises:
        ValueError: the name is no ``part/name``, the book has no such part, the chapter is there already, or the title
            holds what a title cannot. Nothing has been written then.
    """
    parts = {part["part"].lower(): part for part in yaml.safe_load(COMING.read_text(encoding="utf-8"))}
    if not re.fullmatch(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*", lesson):
        raise ValueError(
            f"got {lesson!r}, wanted part/name in small letters, digits and underscores, as physics/hamiltonian"
        )
    part, name = lesson.split("/")
    if part not in parts:
        raise ValueError(f"the book has no part {part!r}; it has: {', '.join(parts)}")
    title = title or parts[part]["coming"].get(name) or name.replace("_", " ").capitalize()
    if not title.strip() or re.search(r'[\n\\"]', title):
        raise ValueError(f"got the title {title!r}, wanted one line without quotation marks and backslashes")
    slug = lesson.replace("/", "_")
    files = {
        ROOT / "lessons" / f"{lesson}.py": TEMPLATES / "lesson.py",
        ROOT / "wm_core" / "lesson" / "checks" / f"{slug}.py": TEMPLATES / "checks.py",
    }
    there = [str(file.relative_to(ROOT)) for file in files if file.exists()]
    if f"lessons/{lesson}" in toc_pages():
        there.append("its line in _toc.yml")
    if there:
        raise ValueError(f"{lesson} is there already: {', '.join(there)}")
    for file, template in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text(encoding="utf-8")
        for mark, value in {"@TITLE@": title, "@LESSON@": lesson, "@SLUG@": slug}.items():
            text = text.replace(mark, value)
        file.write_text(text, encoding="utf-8")
    captions = [part["part"] for part in parts.values()]
    TOC.write_text(with_chapter(TOC.read_text(encoding="utf-8"), lesson, captions), encoding="utf-8")
    COMING.write_text(without_chapter(COMING.read_text(encoding="utf-8"), parts[part]["part"], name), encoding="utf-8")
    return list(files)


def with_chapter(toc: str, lesson: str, captions: list[str]) -> str:
    """_toc.yml with one more chapter at the end of its part, all other lines as they were.

    Args:
        toc: the file's text.
        lesson: ``part/name``.
        captions: every part of the book in order. One that has no chapter yet gets its place after those before it.
    """
    caption = next(caption for caption in captions if caption.lower() == lesson.split("/")[0])
    head, *blocks = re.split(r"(?m)^(?=  - caption: )", toc)
    names = [re.match(r"  - caption: (.*?)\s*$", block, flags=re.M)[1] for block in blocks]
    line = f"      - file: lessons/{lesson}\n"
    if caption in names:
        blocks[names.index(caption)] = blocks[names.index(caption)].rstrip("\n") + "\n" + line
    else:
        before = [place for place, name in enumerate(names) if name in captions[: captions.index(caption)]]
        at = max(before, default=0) + 1
        blocks.insert(at, f"  - caption: {caption}\n    chapters:\n{line}")
    return head + "".join(blocks)


def without_chapter(coming: str, caption: str, name: str) -> str:
    """coming.yml without a chapter of one part, all other lines as they were."""
    head, *blocks = re.split(r"(?m)^(?=- part: )", coming)
    for place, block in enumerate(blocks):
        if block.startswith(f"- part: {caption}\n"):
            block = re.sub(rf"(?m)^    {name}: .*\n", "", block)
            blocks[place] = re.sub(r"(?m)^  coming:\n(?!    )", "  coming: {}\n", block)
    return head + "".join(blocks)


if __name__ == "__main__":
    main()
