#!/usr/bin/env python3
"""How soon the page paints and shows a sweep of 1,000 trials with 1,000,000 metric points, in headless Chromium.

usage: LORIKEET_BIN_DIR=build/release/bin tests/bench/page_paint.py [RUNS]

Prints, for each view, the median over RUNS (9) of fresh loads: Chromium's own first-contentful-paint, and when what was
asked for was on the screen (for charts: drawn). Times count from the navigation. The browser's cache is off, so that every
load fetches everything; a second figure has it on, as for whoever comes again."""
import os
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "web"))
from browser import BIN, Browser, Served, wait  # noqa: E402
from fill import Filler, make_schema  # noqa: E402

TRIALS, POINTS = 1000, 1000
VIEWS = [("sweeps", "#/", "a[href^='#/sweeps/']"), ("overview: heat map and table", "#/sweeps/{}", "a.cell"),
         ("trials", "#/sweeps/{}/trials", "tbody tr"), ("curves, 40 trials", "#/sweeps/{}/curves", "canvas[width]"),
         ("curves, 500 trials", "#/sweeps/{}/curves?configurations={all}", "canvas[width]")]
# Notes the moment in which the selector first matches and a frame has been painted after it.
WATCH = """
(() => {
  const wanted = () => document.querySelector(%r) && !document.querySelector('main > .loading');
  const look = () => wanted() ? requestAnimationFrame(() => setTimeout(() => { window.shownAt = performance.now(); }, 0)) : requestAnimationFrame(look);
  requestAnimationFrame(look);
})();
"""


def measure(browser, url, selector):
    script = browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH % selector)["identifier"]
    browser.driver.get("about:blank")
    browser.driver.get(url)
    wait(lambda: browser.run("return window.shownAt"), url)
    paint = browser.run("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
    shown = browser.run("return window.shownAt")
    browser.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    return paint, shown


def main(runs):
    folder = tempfile.mkdtemp(prefix="lorikeet-paint-")
    try:
        os.makedirs(os.path.join(folder, "data"))
        database = make_schema(os.path.join(BIN, "sweep-coordinator"), os.path.join(folder, "data"))
        with Filler(database) as filler:
            sweep = filler.sweep("a million points", [("full", {}), *(("lora", {"rank": rank}) for rank in range(1, TRIALS // 5))], [1, 2, 3, 4, 5],
                                 worker=filler.worker("gpu-1"), points=POINTS)
            rows = [row[0] for row in filler.db.execute("SELECT id FROM configurations ORDER BY position LIMIT 100")]
            points = filler.db.execute("SELECT count(*) FROM metrics").fetchone()[0]
        print(f"{TRIALS} trials, {points:,} metric points, {os.path.getsize(database) >> 20} MiB")
        with Served(folder) as served, Browser() as browser:
            browser.look(1440)
            browser.log_in(served)
            print(f"{'view':<30} {'cache':<6} {'first paint':>12} {'shown':>9}")
            for name, place, selector in VIEWS:
                for cached in (False, True):
                    browser.cdp("Network.setCacheDisabled", cacheDisabled=not cached)
                    url = served.url + place.format(sweep, all=",".join(map(str, rows)))
                    measure(browser, url, selector)
                    found = [measure(browser, url, selector) for _ in range(runs)]
                    paint, shown = (statistics.median(each) for each in zip(*found))
                    print(f"{name:<30} {'on' if cached else 'off':<6} {paint:>9.0f} ms {shown:>6.0f} ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
