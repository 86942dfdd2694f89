#!/usr/bin/env python3
"""Runs clang-tidy (and with it Clang's thread-safety analysis) over our own sources.

usage: clang_tidy.py SOURCE_DIR BUILD_DIR [--only SUBSTRING]
A file whose content, own headers, command and settings were clean before is not looked at again
(a cache under ${XDG_CACHE_HOME:-~/.cache}/lorikeet/tidy).
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def command_for(entry):
    """The compile command without GCC's precompiled header, which Clang cannot read."""
    words, out = shlex.split(entry["command"]), []
    words = words[next(i for i, w in enumerate(words) if w.endswith(("c++", "g++", "clang++"))):]
    skip = False
    for i, word in enumerate(words):
        if skip:
            skip = False
        elif word == "-include" and words[i + 1].endswith("cmake_pch.hxx"):
            skip = True
            out += ["-include", words[i + 1]]
        elif word not in ("-Winvalid-pch", "-fno-canonical-system-headers"):
            out.append(word)
    return out + ["-Wthread-safety", "-Wno-unknown-warning-option"]


def own_headers(source, path, seen):
    """The file and every header of ours that it includes, by content."""
    if path in seen:
        return
    with open(path, "rb") as file:
        text = file.read()
    seen[path] = hashlib.sha256(text).hexdigest()
    for name in INCLUDE.findall(text.decode("utf-8", "replace")):
        for candidate in (os.path.join(source, name), os.path.join(os.path.dirname(path), name)):
            if os.path.exists(candidate):
                own_headers(source, candidate, seen)
                break


def main():
    source, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    only = sys.argv[4] if len(sys.argv) > 4 else ""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lorikeet", "tidy")
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    with open(os.path.join(source, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read()
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout

    jobs = {}
    for entry in entries:
        path = os.path.abspath(os.path.join(entry["directory"], entry["file"]))
        inside = path.startswith(source + os.sep) and not path.startswith(build + os.sep)
        if inside and not os.path.relpath(path, source).startswith(("build", "tests")) and only in path:
            jobs.setdefault(path, entry)
    tidy = os.path.join(build, "tidy")
    os.makedirs(tidy, exist_ok=True)
    with open(os.path.join(tidy, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump([{"directory": e["directory"], "file": p, "arguments": command_for(e)} for p, e in jobs.items()], file)
    # Clang looks for cmake_pch.hxx.gch beside the header and stops at GCC's: give it a copy with none beside it.
    with open(os.path.join(tidy, "compile_commands.json"), encoding="utf-8") as file:
        text = file.read()
    for name in set(re.findall(r'"([^"]*cmake_pch\.hxx)"', text)):
        copy = os.path.join(tidy, "pch_" + hashlib.sha256(name.encode()).hexdigest()[:12] + ".hxx")
        with open(name, encoding="utf-8") as header, open(copy, "w", encoding="utf-8") as out:
            out.write(header.read())
        text = text.replace(json.dumps(name), json.dumps(copy))
    with open(os.path.join(tidy, "compile_commands.json"), "w", encoding="utf-8") as file:
        file.write(text)

    def look(path):
        seen = {}
        own_headers(source, path, seen)
        key = hashlib.sha256(json.dumps([settings, version, command_for(jobs[path])[1:],
                                         sorted(seen.items())]).replace(source, "").encode()).hexdigest()
        stamp = os.path.join(cache, key)
        if os.path.exists(stamp):
            return path, 0, ""
        done = subprocess.run(["clang-tidy", "--quiet", "-p", tidy, path], capture_output=True, text=True)
        if done.returncode == 0:
            with open(stamp, "w", encoding="utf-8"):
                pass
        return path, done.returncode, done.stdout + (done.stderr if done.returncode else "")

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, code, output in pool.map(look, sorted(jobs)):
            if code:
                failed += 1
                print(f"{os.path.relpath(path, source)}:\n{output}", flush=True)
    print(f"{len(jobs)} files, {failed} with warnings")
    return 1 if failed or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
