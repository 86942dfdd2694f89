#!/usr/bin/env python3
"""Holds the rule of which folder may include which (docs/architecture.md), and which library stops where.

usage: check_includes.py SOURCE_DIR
"""
import os
import re
import sys

# Folder -> folders it may include besides itself. Longest prefix wins.
ALLOWED = {
    "common": [],
    "common/rpc": ["common"],
    "sweeps/trial": ["common"],
    "sweeps/spec": ["common", "sweeps/trial"],
    "sweeps/report": ["common"],
    "sweeps/plot": ["common", "sweeps/report"],
    "sweeps/export": ["common"],
    "sweeps/sweepctl": ["common", "common/rpc", "sweeps/spec", "sweeps/trial", "sweeps/report", "sweeps/plot", "sweeps/export"],
    "coordinator/core": ["common", "sweeps/trial"],
    "coordinator/scheduler": ["common", "coordinator/core"],
    "coordinator/store": ["common", "coordinator/core"],
    "coordinator/comparison": ["common"],
    "coordinator/service": ["common", "coordinator/core", "coordinator/scheduler", "coordinator/store",
                            "coordinator/comparison", "sweeps/spec", "sweeps/trial"],
    "coordinator/rpc": ["common", "common/rpc", "coordinator/core", "coordinator/service", "coordinator/store",
                        "sweeps/spec", "sweeps/report", "sweeps/plot", "sweeps/trial"],
    "coordinator/web": ["common", "common/rpc", "coordinator/core", "coordinator/service", "coordinator/rpc",
                        "coordinator/web/api", "coordinator/web/page"],
    "coordinator/web/api": ["common", "coordinator/core", "coordinator/service", "sweeps/report", "sweeps/trial"],
    "coordinator/web/page": [],
    "coordinator": ["common", "common/rpc", "coordinator/core", "coordinator/service", "coordinator/store",
                    "coordinator/rpc", "coordinator/web", "coordinator/web/api"],  # main.cc, which composes
    "worker/protocol": ["common"],
    "worker/files": ["common"],
    "worker/text": ["common", "worker/files"],
    "worker/agent": ["common", "common/rpc", "sweeps/trial", "worker/files", "worker/protocol"],
    "worker/trainer/files": ["common", "worker/text"],
    "worker/trainer/kernels": [],
    "worker/trainer/model": ["common", "worker/trainer/files", "worker/trainer/kernels"],
    "worker/trainer/adapter": ["common", "sweeps/trial", "worker/text", "worker/trainer/files",
                               "worker/trainer/kernels", "worker/trainer/model"],
    "worker/trainer/generate": ["common", "sweeps/trial", "worker/text", "worker/trainer/kernels",
                                "worker/trainer/model"],
    "worker/trainer/train": ["common", "sweeps/trial", "worker/files", "worker/protocol", "worker/text",
                             "worker/trainer/files", "worker/trainer/kernels", "worker/trainer/model", "worker/trainer/adapter",
                             "worker/trainer/generate"],
    "worker/trainer/commands": ["common", "sweeps/trial", "worker/files", "worker/protocol", "worker/text",
                                "worker/trainer/files", "worker/trainer/model", "worker/trainer/adapter", "worker/trainer/generate",
                                "worker/trainer/train"],
    "worker/trainer": ["common", "worker/trainer/commands"],  # main.cc, which composes
}
TRAINER = [folder for folder in ALLOWED if folder.startswith("worker/trainer")]
# Library's header prefix -> folders that may use it.
LIBRARIES = {
    "lorikeet/v1/": ["common/rpc", "coordinator/rpc", "worker/agent", "sweeps/sweepctl"],
    "grpc": ["common/rpc", "coordinator/rpc", "coordinator", "worker/agent", "sweeps/sweepctl"],
    "google/protobuf": ["common/rpc", "coordinator/rpc", "worker/agent", "sweeps/sweepctl", "sweeps/export"],
    "event.pb.h": ["sweeps/export"],
    "boost/crc": ["sweeps/export"],
    "SQLiteCpp": ["coordinator/store", "sweeps/report"],
    "cairo": ["sweeps/plot"],
    "sqlite3": ["coordinator/store", "sweeps/report"],
    "torch/": TRAINER,
    "ATen/": TRAINER,
    "c10/": TRAINER,
    "httplib": ["coordinator/web", "sweeps/export"],
    "prometheus/": ["coordinator/web"],
    "yaml-cpp": ["sweeps/spec"],
    "sentencepiece": ["worker/text"],
    "re2/": ["worker/text"],
}
ROOTS = ("common", "sweeps", "coordinator", "worker")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def folder_of(path):
    """The longest folder of ALLOWED that holds `path`."""
    best = ""
    for folder in ALLOWED:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return best


def mistakes_in(path, text):
    folder = folder_of(path)
    if not folder:
        yield f"{path}: its folder is not in the table of tests/lint/check_includes.py"
        return
    for _, name in INCLUDE.findall(text):
        if name.endswith((".cc", ".cpp", ".c")):
            yield f"{path}: includes {name}, which is no header"
        if name.startswith(tuple(root + "/" for root in ROOTS)):
            target = folder_of(name)
            if target != folder and target not in ALLOWED[folder]:
                yield f"{path}: includes {name}; {folder} may include only {', '.join(ALLOWED[folder]) or 'nothing'}"
        for prefix, users in LIBRARIES.items():
            if name.startswith(prefix) and folder not in users:
                yield f"{path}: includes {name}, which stops at {', '.join(users)}"


def main(source):
    mistakes, files = [], 0
    for root in ROOTS:
        for directory, _, names in os.walk(os.path.join(source, root)):
            for name in names:
                if name.endswith((".h", ".cc")):
                    path = os.path.relpath(os.path.join(directory, name), source)
                    with open(os.path.join(source, path), encoding="utf-8") as file:
                        mistakes += mistakes_in(path, file.read())
                    files += 1
    # The rule itself must bite.
    assert list(mistakes_in("worker/agent/x.cc", '#include "coordinator/core/types.h"\n'))
    assert list(mistakes_in("coordinator/core/x.cc", "#include <SQLiteCpp/Database.h>\n"))
    assert list(mistakes_in("common/x.cc", '#include "common/y.cc"\n'))
    assert list(mistakes_in("worker/trainer/model/x.cc", '#include "worker/trainer/adapter/adapter.h"\n'))
    assert not list(mistakes_in("coordinator/store/x.cc", "#include <SQLiteCpp/Database.h>\n"))
    print("\n".join(mistakes) or f"{files} files keep the include rule")
    return 1 if mistakes or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
