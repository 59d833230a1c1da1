#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents as a static site (`make docs`): it is built without a warning, every document is in it, its links and their headings are there, nothing is
loaded from elsewhere, and its search index knows the words."""
import html.parser
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests"))
from skipped import skip_here  # noqa: E402


class Page(html.parser.HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.places = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places.add(given.get("id") or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe") and given.get("src"):
            self.loads.append(given["src"])
        if tag == "link" and given.get("href") and given.get("rel") != "canonical":
            self.loads.append(given["href"])


def build(source, site):
    # Debian's program, whatever else stands first in PATH.
    return subprocess.run(["/usr/bin/mkdocs", "build", "--strict", "--config-file", str(source / "mkdocs.yml"), "--site-dir", str(site)],
                          capture_output=True, text=True, timeout=600)


def wrong_in(site):
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    wrong = []
    for path, page in pages.items():
        name = path.relative_to(site)
        wrong += [f"{name} loads {target}" for target in page.loads if "://" in target or target.startswith("//")]
        for target in page.links + page.loads:
            if "://" in target or target.startswith(("mailto:", "data:")):
                continue
            file, _, place = urllib.parse.unquote(target).partition("#")
            other = (path.parent / file).resolve() if file else path
            other = other / "index.html" if other.is_dir() else other
            if not other.exists():
                wrong.append(f"{name}: {target} leads nowhere")
            elif place and other in pages and place not in pages[other].places and place != "__codelineno":
                wrong.append(f"{name}: {target}: no such heading")
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        wrong += [f"{path.relative_to(site)} loads from elsewhere" for at in ("url(http", "url(//", "@import") if at in text]
    missing = [path for path in (ROOT / "docs").rglob("*.md")
               if not (site / path.relative_to(ROOT / "docs")).with_name("index.html" if path.name in ("README.md", "index.md") else path.stem + ".html").exists()]
    wrong += [f"{path.relative_to(ROOT)} is not in the site" for path in missing]
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    for word in ("DrwatchRtoBreached", "pgbackrest", "deadman"):
        if not any(word.lower() in (entry["title"] + entry["text"]).lower() for entry in index["docs"]):
            wrong.append(f"the search does not find {word}")
    return wrong


def main():
    if not pathlib.Path("/usr/bin/mkdocs").exists():
        skip_here("site", "there is no mkdocs; '.ci/install .ci/packages-docs.txt' installs it")
        return 0
    with tempfile.TemporaryDirectory(prefix="drwatch-site-") as name:
        folder = pathlib.Path(name)
        done = build(ROOT, folder / "site")
        wrong = [line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line] + ["the build failed"] if done.returncode else wrong_in(folder / "site")
        in_menu = (ROOT / "mkdocs.yml").read_text()
        wrong += [f"mkdocs.yml does not name {path.relative_to(ROOT / 'docs')}" for path in (ROOT / "docs").rglob("*.md")
                  if f"- {path.relative_to(ROOT / 'docs')}\n" not in in_menu]
        # What this test relies on: a link that leads nowhere ends the build.
        broken = folder / "broken"
        broken.mkdir()
        shutil.copytree(ROOT / "docs", broken / "docs")
        shutil.copy(ROOT / "mkdocs.yml", broken)
        with open(broken / "docs/index.md", "a", encoding="utf-8") as file:
            file.write("\n[nowhere](nowhere.md)\n")
        if build(broken, folder / "broken-site").returncode == 0:
            wrong.append("a link that leads nowhere is not noticed")
    print("\n".join(wrong) if wrong else "the site holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
