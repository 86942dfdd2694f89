#!/usr/bin/env python3
"""Runs clang-tidy (and with it Clang's thread-safety analysis) over our own sources, the tests excepted.

usage: clang_tidy.py SOURCE_DIR BUILD_DIR [SUBSTRING]      SUBSTRING: only files with it in their path

Most of the time goes into other people's headers, LibTorch's and gRPC's above all. So files that are compiled alike are
looked at together, in one translation unit that includes them; files whose unnamed namespaces share a name, or that do
not compile together, are taken apart again. What was clean before, by the content of the files, of our headers that
they include, of the settings and the command, is not looked at again: ${XDG_CACHE_HOME:-~/.cache}/lorikeet/tidy.
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "cmake"))
import together  # noqa: E402
from together import read  # noqa: E402

FOLDERS = ("common", "sweeps", "coordinator", "worker")
COMPILE_ERROR = re.compile(r"^(/[^:\n]+):\d+:\d+: error: .*\[clang-diagnostic-error", re.M)
MOST_FILES = 24  # of a translation unit: memory, and two cores should have something to share


def flags_of(entry):
    """GCC's command as Clang's: without the file, the output and the precompiled headers, which Clang cannot read and
    no file may depend on."""
    words, out = shlex.split(entry["command"]), []
    words = words[next(i for i, word in enumerate(words) if word.endswith(("c++", "g++", "clang++"))) + 1:]
    skip = False
    for i, word in enumerate(words):
        if skip:
            skip = False
        elif word in ("-o", "-c") or (word == "-include" and words[i + 1].endswith("cmake_pch.hxx")):
            skip = True
        elif word not in ("-Winvalid-pch", "-Werror"):
            out.append(word)
    # GCC's warning flags need not be Clang's.
    return out + ["-Wthread-safety", "-Wno-unknown-warning-option"]


def groups_of(jobs):
    """[(flags, directory, files)]: files of one command that can share a translation unit."""
    by_command = collections.defaultdict(list)
    for path, (flags, directory) in sorted(jobs.items()):
        by_command[tuple(flags), directory].append(path)
    for (flags, directory), paths in by_command.items():
        yield from ((flags, directory, files) for files in together.groups(paths, MOST_FILES))


class Tidy:
    """Thread-safe."""

    def __init__(self, source, build):
        self.source = source
        self.folder = os.path.join(build, "tidy")
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.cache = os.path.join(cache, "lorikeet", "tidy")
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(self.cache, exist_ok=True)
        self.settings = os.path.join(source, ".clang-tidy")
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
        self.common_key = [read(self.settings), version]

    def key(self, flags, files):
        seen = set(files).union(*(together.headers(path) for path in files))
        content = [(path, hashlib.sha256(read(path).encode()).hexdigest()) for path in sorted(seen)]
        text = json.dumps([self.common_key, flags, files, content])
        return hashlib.sha256(text.replace(self.source, "").encode()).hexdigest()

    def look(self, flags, directory, files):
        """[(files, output)] of what is not clean."""
        key = self.key(flags, files)
        stamp = os.path.join(self.cache, key)
        if os.path.exists(stamp):
            return []
        unit = files[0]
        if len(files) > 1:
            unit = os.path.join(self.folder, key[:16] + ".cc")
            with open(unit, "w", encoding="utf-8") as file:
                file.writelines(f'#include "{path}"\n' for path in files)
        ours = "^" + re.escape(self.source) + "/(" + "|".join(FOLDERS) + ")/"
        done = subprocess.run(["clang-tidy", "--quiet", "--extra-arg=-fno-openmp", f"--config-file={self.settings}", f"--header-filter={ours}",
                               "--checks=-bugprone-suspicious-include",  # of a .cc: this unit is made of them
                               unit, "--", *flags], cwd=directory, capture_output=True, text=True, check=False)
        found = []
        if done.returncode:
            parts = self.parts(files, done.stdout)
            if parts:
                for part in parts:
                    found += self.look(flags, directory, part)
            else:
                found = [(files, done.stdout or done.stderr)]
        if not found:
            with open(stamp, "w", encoding="utf-8"):
                pass
        return found

    @staticmethod
    def parts(files, output):
        """The files to look at separately, where it was their company that did not compile."""
        broken = set(COMPILE_ERROR.findall(output))
        if len(files) == 1 or not broken:
            return None
        apart = [path for path in files if path in broken]
        if not apart or len(apart) == len(files):
            apart = files[len(files) // 2:]
        return [[path for path in files if path not in apart], apart]


def main():
    source, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    jobs = {}
    for entry in json.loads(read(os.path.join(build, "compile_commands.json"))):
        unit = os.path.abspath(os.path.join(entry["directory"], entry["file"]))
        # A build with LORIKEET_TOGETHER compiles units that include several files.
        for path in together.INCLUDE.findall(read(unit)) if "/Unity/" in unit else [unit]:
            if path.startswith(tuple(os.path.join(source, folder) + os.sep for folder in FOLDERS)) and only in path:
                jobs.setdefault(path, (flags_of(entry), entry["directory"]))
    tidy = Tidy(source, build)
    groups = sorted(groups_of(jobs), key=lambda group: (not any("torch" in word for word in group[0]), -len(group[2])))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda group: tidy.look(*group), groups):
            for files, output in found:
                bad += 1
                print(f"{', '.join(os.path.relpath(path, source) for path in files)}:\n{output}", flush=True)
    print(f"{len(jobs)} files in {len(groups)} groups, {bad} with warnings")
    return 1 if bad or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
