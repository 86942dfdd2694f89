#!/usr/bin/env python3
"""Which C++ files can share a translation unit: those where no name in an unnamed namespace is another's, there or in a
header that another includes.

usage: together.py MOST FILE…      prints a line a file: the number of its group (of at most MOST files), a space, the file

Reads names as clang-format lays them out, at the start of a line. What it misses, the compiler says.
"""
import functools
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
UNNAMED = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.M | re.S)
# TEST and its like make names of their own; `using other::Name;` may stand twice.
DECLARED = re.compile(r"^(?=\w)(?!using [\w:]+;)(?:[\w:<>,&*\[\] ]*?[ &*])?(?![A-Z_]+\()(\w+)\s*(?:\(|=|\{|;|:(?!:)|\[)",
                      re.M)

# SentencePiece's header has an absl::string_view of its own.
ALONE = re.compile(r"^#include <sentencepiece", re.M)


@functools.lru_cache(maxsize=None)
def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def resolve(folder, name):
    """The header of ours that is meant by #include "name" in a file of `folder`: there, or from a folder above it."""
    while True:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


@functools.lru_cache(maxsize=None)
def included(path):
    """The headers of ours that the file includes itself."""
    found = (resolve(os.path.dirname(path), name) for name in INCLUDE.findall(read(path)))
    return frozenset(header for header in found if header)


@functools.lru_cache(maxsize=None)
def headers(path):
    """All headers of ours that the file includes, by way of others too."""
    found, new = set(), set(included(path))
    while new:
        found |= new
        new = set().union(*(included(header) for header in new)) - found
    return frozenset(found)


@functools.lru_cache(maxsize=None)
def declared(path):
    return frozenset(DECLARED.findall(read(path)))


def groups(paths, most):
    """[[path]]: each file in the first group that has room and none of its names."""
    bins, alone = [], []
    for path in paths:
        if any(ALONE.search(read(file)) for file in {path, *headers(path)}):
            alone.append([path])
            continue
        own = {name for block in UNNAMED.findall(read(path)) for name in DECLARED.findall(block)}
        seen = set().union(*(declared(header) for header in headers(path)))
        for files, taken, visible in bins:
            if len(files) < most and not own & (taken | visible) and not seen & taken:
                files.append(path)
                taken |= own
                visible |= seen
                break
        else:
            bins.append(([path], own, seen))
    return [files for files, _, _ in bins] + alone


if __name__ == "__main__":
    for number, group in enumerate(groups(sys.argv[2:], int(sys.argv[1]))):
        for member in group:
            print(number, member)
