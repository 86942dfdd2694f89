"""The pages: README.md, CONTRIBUTING.md, CHANGELOG.md and docs/*.md. Standard library only."""
import glob
import os
import re

BIN = os.environ["LORIKEET_BIN_DIR"]
SOURCE = os.environ["LORIKEET_SOURCE_DIR"]
PROGRAMS = ("sweepctl", "sweep-coordinator", "sweep-worker", "sweep-trainer")

FENCE = re.compile(r"^(?P<marker><!-- (?P<mark>run(?: beside| until stopped)?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


def pages():
    """{path relative to the source: text}"""
    paths = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    paths += [os.path.relpath(path, SOURCE) for path in sorted(glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"),
                                                                         recursive=True))]
    texts = {}
    for path in paths:
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            texts[path] = file.read()
    return texts


def blocks(text, language):
    """[(line, text, how it is to be run, or None)] of the page's blocks in `language`. "run": as it stands; "run beside": in a
    second terminal, while the block before it runs; "run until stopped": until a Ctrl-C."""
    return [(text.count("\n", 0, match.start("text")) + 1, match["text"], match["mark"])
            for match in FENCE.finditer(text) if match["language"] == language]


def prose(text):
    """The page without its blocks, which keep their lines."""
    return FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
