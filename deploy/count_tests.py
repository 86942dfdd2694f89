#!/usr/bin/env python3
"""Says how many tests ran and which were slowest; fails where one was skipped or none ran, which CTest lets pass. What
failing tests said comes again at the end, where whoever reads a long log looks first.

usage: count_tests.py JUNIT_XML      as `ctest --output-junit` writes it
"""
import sys
import xml.etree.ElementTree

LINES = 60  # of a failing test's last words


def main(path):
    cases = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase"))
    skipped = [case.get("name") for case in cases if case.get("status") != "run" and case.find("failure") is None]
    slowest = sorted(cases, key=lambda case: -float(case.get("time") or 0))[:5]
    print(f"{len(cases) - len(skipped)} tests ran; the slowest: "
          + ", ".join(f"{case.get('name')} {float(case.get('time') or 0):.0f} s" for case in slowest))
    for case in cases:
        if case.find("failure") is not None:
            said = (case.findtext("system-out") or "").rstrip().splitlines()
            print(f"failed: {case.get('name')}", *said[-LINES:], sep="\n    ", file=sys.stderr)
    for name in skipped:
        print(f"skipped: {name}", file=sys.stderr)
    if not cases:
        print("no test ran", file=sys.stderr)
    return 1 if skipped or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
