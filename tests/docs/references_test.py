#!/usr/bin/env python3
"""Every link and path that a page names is there, and every flag of a program is one of its flags."""
import os
import re
import shlex
import subprocess
import unittest

from pages import BIN, PROGRAMS, SOURCE, blocks, pages, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
# What names a file or folder of ours: it begins with a folder or is a file at the top.
TOP = sorted(name for name in os.listdir(SOURCE) if not name.startswith(".") and name != "build")
PATH = re.compile(r"^(?:%s)(?:/[\w.*-]*)*$" % "|".join(re.escape(name) for name in TOP))
NAMED_LATER = ("build/", "docs/adr/")
SUBCOMMAND = re.compile(r"^[a-z]+$")


def anchors(text):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Help:
    """Flags by program and subcommand, from the programs themselves."""

    def __init__(self):
        self.texts = {}

    def text(self, *command):
        """None where there is no such command."""
        if len(command) > 1 and not command[1].startswith("-") and not re.search(r"^  %s  " % command[1],
                                                                                 self.text(command[0]), re.M):
            return None
        if command not in self.texts:
            done = subprocess.run([os.path.join(BIN, command[0]), *command[1:], "--help"], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.texts[command] = done.stdout if done.returncode == 0 else None
        return self.texts[command]

    def has(self, command, flag):
        return re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(flag), self.text(*command) or "") is not None


HELP = Help()


def calls(text):
    """[(program, subcommand or None, flags)] of a shell text's lines."""
    found = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        for part in re.split(r"[|;&]+", line.split(" #")[0]):
            try:
                words = shlex.split(part.replace("'", '"') if part.count("'") % 2 else part)
            except ValueError:
                words = part.split()
            names = [os.path.basename(word) for word in words]
            for i, name in enumerate(names):
                if name in PROGRAMS:
                    rest = words[i + 1:]
                    subcommand = next((word for word in rest[:1] if SUBCOMMAND.match(word)), None)
                    flags = [re.match(r"--?[\w-]+", word)[0] for word in rest if re.match(r"--?[a-z]", word)]
                    found.append((name, subcommand, flags))
                    break
    return found


class References(unittest.TestCase):
    def test_links_lead_somewhere(self):
        texts = pages()
        for page, text in texts.items():
            for link in LINK.findall(prose(text)):
                if re.match(r"[a-z]+:", link):
                    continue
                target, _, anchor = link.partition("#")
                path = os.path.normpath(os.path.join(os.path.dirname(page), target)) if target else page
                with self.subTest(page=page, link=link):
                    self.assertTrue(os.path.exists(os.path.join(SOURCE, path)), "no such file")
                    if anchor and path in texts:
                        self.assertIn(anchor, anchors(texts[path]))

    def test_paths_exist(self):
        for page, text in pages().items():
            if page == "CHANGELOG.md":
                continue  # of its time
            for code in CODE.findall(prose(text)):
                path = code.split(" ")[0].rstrip("/")
                if PATH.match(path) and "*" not in path and not path.startswith(NAMED_LATER):
                    with self.subTest(page=page, path=path):
                        self.assertTrue(os.path.exists(os.path.join(SOURCE, path)), "no such file")

    def test_flags_are_flags(self):
        seen = 0
        for page, text in pages().items():
            if page == "CHANGELOG.md":
                continue
            shell = [block for _, block, _ in blocks(text, "sh")] + CODE.findall(prose(text))
            for program, subcommand, flags in (call for part in shell for call in calls(part)):
                command = (program, subcommand) if subcommand else (program,)
                if not subcommand and program in ("sweepctl", "sweep-trainer"):
                    continue  # spoken of, not called
                with self.subTest(page=page, command=" ".join(command)):
                    self.assertIsNotNone(HELP.text(*command), "no such command")
                    for flag in flags:
                        seen += 1
                        self.assertTrue(HELP.has(command, flag), f"no such flag: {flag}")
        self.assertGreater(seen, 10)

    def test_the_tutorials_table_is_the_readmes(self):
        """Both are the demo's, which comes to the same scores each time."""
        def scores(text):
            return {line for line in text.splitlines() if re.match(r"(?:full|lora|prompt|zero_shot|lead).* \d\d\.\d\d ± ", line)}

        texts = pages()
        readme = texts["README.md"]
        table = readme[readme.index("<!-- table:demo -->"):readme.index("<!-- /table:demo -->")]
        tutorial = texts["docs/tutorial.md"]
        shown = scores(tutorial[tutorial.index("## The table"):tutorial.index("## For the paper")])
        self.assertEqual(len(shown), 5)
        self.assertEqual(shown - scores(table), set())

    def test_flags_in_prose_are_somebodys(self):
        everything = "\n".join(HELP.text(program, *more) or "" for program in PROGRAMS for more in ((), ("--help-all",)))
        others = {"--parallel", "--label-regex", "--preset", "--index-url", "--tests", "--local-dir"}  # of other programs
        for page, text in pages().items():
            if page == "CHANGELOG.md":
                continue
            for code in CODE.findall(prose(text)):
                if code.startswith("--"):
                    flag = re.match(r"--[\w-]+", code)[0]
                    with self.subTest(page=page, flag=flag):
                        self.assertTrue(flag in others or re.search(r"(?<![\w-])%s(?![\w-])" % flag, everything))

    def test_every_flag_of_the_trainer_stands_in_a_page(self):
        written = "\n".join(text for page, text in pages().items() if page != "CHANGELOG.md")
        for command in ("train", "generate", "loss", "bench", "preflight", "rouge", "merge", "pretrain"):
            flags = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", HELP.text("sweep-trainer", command), re.M))
            self.assertGreater(len(flags), 3)
            for flag in flags - {"--help", "--help-all"}:
                with self.subTest(command=command, flag=flag):
                    self.assertRegex(written, r"(?<![\w-])%s(?![\w-])" % flag)

    def test_this_test_bites(self):
        self.assertEqual(calls("build/release/bin/sweepctl submit \\\n  --follow x.yaml &  # --no"),
                         [("sweepctl", "submit", ["--follow"])])
        self.assertFalse(HELP.has(("sweepctl", "submit"), "--no-such-flag"))
        self.assertFalse(HELP.has(("sweepctl", "submit"), "--foll"))
        self.assertIsNone(HELP.text("sweepctl", "nothing"))
        self.assertTrue(PATH.match("docs/none.md"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
