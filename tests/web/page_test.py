#!/usr/bin/env python3
"""The page in a headless Chromium, beside a real coordinator on a real database: every view at two widths and in both
schemes, the keyboard, live updates, a restart, hostile names, ten thousand trials, a million points."""
import contextlib
import os
import shutil
import socket
import tempfile
import time
import unittest

from browser import BIN, Browser, Served, wait
from fill import USUAL, Filler, make_schema
from selenium.webdriver.common.keys import Keys

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "checks.js"), encoding="utf-8") as file:
    CHECKS = file.read()

HOSTILE = ["<script>window.hurt=1</script>", '"><img src=x onerror="window.hurt=1">', "\u202egnihtyna\u202c \u200f\u2066x", "n" * 500,
           "'; DROP TABLE sweeps; --", "a\x00b\x1b[31mc\u009bd", "%2e%2e/%00?x=1#y", "{{7*7}} ${7*7} <%= 7 %>", "日本語 العربية 🦜",
           "javascript:window.hurt=1"]
TABS = ["", "trials", "sensitivity", "curves", "pareto", "documents", "history", "file"]


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.folder = tempfile.mkdtemp(prefix="lorikeet-web-")
        cls.stack.callback(shutil.rmtree, cls.folder, ignore_errors=True)
        os.makedirs(os.path.join(cls.folder, "data"))
        database = make_schema(os.path.join(BIN, "sweep-coordinator"), os.path.join(cls.folder, "data"))
        with Filler(database) as filler:
            worker = filler.worker("gpu-1.cluster.example")
            filler.worker("gpu-2.cluster.example", quarantine="3 trials failed in a row: oom at step 12")
            cls.finished = filler.sweep("pubmed flan-t5-small", USUAL, [1, 2, 3, 4, 5], worker=worker, points=200, documents=12, offset=1000)
            filler.outside(cls.finished)
            # Nothing is connected: what is pending stays so.
            states = ["succeeded", "failed", "cancelled", "pending"]
            cls.running = filler.sweep("half way", USUAL, [1, 2, 3], state="running", trial_state=lambda i: states[i % 4], worker=worker,
                                       points=40, documents=4, offset=2000)
            cls.hostile = [filler.sweep(f"{text} {i}", [("full", {}), ("lora", {"rank": 8}), ("lora", {"rank": 16})], [1, 2], worker=worker, points=20,
                                        documents=2, hostile=f" {text}", notes=[text], offset=100 + i) for i, text in enumerate(HOSTILE)]
            for sweep, text in zip(cls.hostile, HOSTILE):
                filler.outside(sweep, f" {text}")
            cls.large = filler.sweep("ten thousand", [("full", {}), *(("lora", {"rank": rank}) for rank in range(1, 2000))], [1, 2, 3, 4, 5],
                                     worker=worker, offset=50, compare=False)
            cls.points = filler.sweep("a million points", [("full", {}), *(("lora", {"rank": rank}) for rank in range(1, 200))],
                                      [1, 2, 3, 4, 5], worker=worker, points=910, offset=60, compare=False)
        cls.points_written = 1000 * (910 + 10)
        cls.served = cls.stack.enter_context(Served(cls.folder))
        cls.browser = cls.stack.enter_context(Browser())
        cls.browser.look(1440)
        cls.browser.log_in(cls.served)
        cls.browser.complaints()

    def setUp(self):
        self.browser.look(1440)

    def open(self, place, *contains):
        self.browser.go(self.served.url + place)
        for text in contains:
            wait(lambda text=text: text in self.browser.text(), f"{place} says {text!r}; it says {self.browser.text()[:300]!r}")

    def check(self, where):
        self.assertEqual(self.browser.run(CHECKS), [], where)
        self.assertEqual(self.browser.complaints(), [], where)
        self.assertIsNone(self.browser.run("return window.hurt ?? null"), where)

    def first(self, css):
        return wait(lambda: self.browser.find(css), css)[0]

    def trial_of(self, sweep):
        self.open(f"#/sweeps/{sweep}", "Trials: configuration by seed")
        return self.first("a.cell").get_attribute("href").split("#")[1]

    def document_of(self, sweep):
        self.open(f"#/sweeps/{sweep}/documents", "Difference")
        return self.first("tbody a").get_attribute("href").split("#")[1]

    def test_every_view_at_both_widths_in_both_schemes(self):
        contains = {"": ["ROUGE-Lsum", "lora rank=8", "better", "Δ ROUGE-1"], "trials": ["lora rank=32 seed=5", "gpu-1.cluster.example"],
                    "sensitivity": ["lora: ROUGE-1 by rank", "The numbers"], "curves": ["curves,", "Smoothing"],
                    "pareto": ["ROUGE-1 and training time"], "documents": ["doc 0", "Difference"], "history": ["submitted"],
                    "file": ["As submitted", "# as submitted"]}
        places = [("#/", ["pubmed flan-t5-small", "half way", "pending"]), ("#/workers", ["gpu-1.cluster.example", "quarantined", "80 GiB"]),
                  *((f"#/sweeps/{self.finished}{'/' + tab if tab else ''}", texts) for tab, texts in contains.items()),
                  (f"#/sweeps/{self.running}", ["failed", "cancelled"]), ("#" + self.trial_of(self.finished), ["Attempts", "train loss", "training on cuda:0"]),
                  ("#" + self.document_of(self.finished), ["Article", "Reference", "highest ROUGE-1"])]
        self.browser.requests()
        for width, dark in ((1440, False), (1440, True), (390, False), (390, True)):
            self.browser.look(width, dark=dark)
            for place, texts in places:
                with self.subTest(place=place, width=width, dark=dark):
                    self.open(place, *texts)
                    time.sleep(0.2)  # charts and late text
                    self.check(place)
        elsewhere = [url for url in self.browser.requests() if not url.startswith((self.served.url, "data:", "blob:", "about:"))]
        self.assertEqual(elsewhere, [])

    def test_what_came_from_outside_stands_with_the_rest(self):
        self.open(f"#/sweeps/{self.finished}", "What a summary costs")
        cells = lambda name: [" ".join(cell.text.split()) for row in self.browser.find("table tr")  # noqa: E731
                              if (found := row.find_elements("css selector", "th")) and found[0].text.split("\n")[0] == name
                              for cell in row.find_elements("css selector", "th, td")]
        published = cells("published")
        self.assertEqual(published[0], "published not of this sweep, not tested; from the study, table 1")
        self.assertIn("43.52 ± 0.18", published)
        self.assertNotIn("better", published)
        imported = cells("ours last spring")
        self.assertEqual(imported[0], "ours last spring imported, tested; from runs of May")
        self.assertIn("+0.75 [+0.25, +1.25]", imported)
        self.assertIn("▲ better of other builds", imported)
        self.assertEqual(imported[1], "3")
        scored = cells("lora rank=1")
        self.assertIn("0.8650 ± 0.0071 Δ +0.0123 [+0.0023, +0.0223]", scored)
        self.assertEqual(cells("base model"), ["base model", "–", "87.1 ms", "120 ms", "61", "–", "16", "4,321"])
        measured = [" ".join(row.text.split()) for row in self.browser.find("[data-key='benchmarks'] tbody tr") if "merged" in row.text]
        self.assertEqual(measured, ["lora rank=1 unmerged 98.7 ms 1.3 s 61 20 16 4,000", "lora rank=1 merged 87.2 ms 1.3 s 61 20 16 4,000"])
        self.assertIn("with no trial beside, on AMD EPYC (gpu-7, 2 threads), fp32, beams 4, 32 documents, 2026-03-01", self.browser.text())
        self.open(f"#/sweeps/{self.finished}/pareto", "summaries alone on AMD EPYC", "ROUGE-1 and one summary, merged, p50",
                  "ROUGE-1 and speed merged")
        self.check("pareto")

    def test_charts_are_drawn(self):
        for tab in ("sensitivity", "curves", "pareto"):
            with self.subTest(tab=tab):
                self.open(f"#/sweeps/{self.finished}/{tab}", "The numbers")
                inked = ("return [...document.querySelectorAll('canvas')].map((each) => each.getContext('2d').getImageData(0, 0, each.width, each.height)"
                         ".data.some((value) => value !== 0))")
                wait(lambda: (lambda found: found and all(found))(self.browser.run(inked)), f"every chart of {tab} has ink")
        # The same numbers stand below.
        self.open(f"#/sweeps/{self.finished}/sensitivity")
        self.first("summary").click()
        self.assertIn("95 % low", self.browser.text())

    def test_names_are_text_whatever_they_say(self):
        self.open("#/", "DROP TABLE")
        self.check("sweeps")
        for sweep, text in zip(self.hostile, HOSTILE):
            for width in (1440, 390):
                self.browser.look(width)
                trial, document = self.trial_of(sweep), self.document_of(sweep)
                for place in [*(f"#/sweeps/{sweep}{'/' + tab if tab else ''}" for tab in TABS), "#" + trial, "#" + document]:
                    with self.subTest(text=text[:20], place=place, width=width):
                        self.open(place)
                        self.check(place)
                        shown = self.browser.text()
                        self.assertNotRegex(shown, "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
                        if text.startswith("<script>"):
                            self.assertIn(text, shown)

    def test_ten_thousand_trials(self):
        self.open(f"#/sweeps/{self.large}/trials", "of 10,000 trials")
        self.assertLessEqual(len(self.browser.find("tbody tr")), 100)
        self.check("trials")
        self.first("[data-key='pager-trials-on']").click()
        wait(lambda: "101–200 of 10,000" in self.browser.text(), "the second page")
        box = self.first("input[type=search]")
        box.send_keys("rank=1999 ")
        wait(lambda: "lora rank=1999 seed=1" in self.browser.text() and len(self.browser.find("tbody tr")) == 5, "the filter")
        self.open(f"#/sweeps/{self.large}", "1–100 of 2,000 configurations", "1–100 of 2,000 rows")
        self.assertLessEqual(len(self.browser.find("a.cell")), 500)
        self.check("grid")

    def test_a_million_points(self):
        self.open(f"#/sweeps/{self.points}/curves", "40 curves")
        self.check("curves")
        next(each for each in self.browser.find("button") if each.text.startswith("All,")).click()
        wait(lambda: "500 curves" in self.browser.text(), "five hundred curves")
        self.assertEqual(self.browser.complaints(), [])

    def test_the_keyboard_reaches_everything(self):
        self.open(f"#/sweeps/{self.finished}", "Trials: configuration by seed")
        self.browser.driver.refresh()
        wait(lambda: self.browser.find("a.cell") and "Verdict" in self.browser.text(), "the sweep")
        self.first("body").send_keys(Keys.TAB)
        self.assertEqual(self.browser.run("return document.activeElement.textContent"), "Skip to the content")
        for _ in range(40):
            self.browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            if "cell" in (self.browser.driver.switch_to.active_element.get_attribute("class") or ""):
                break
            outline = self.browser.run("return getComputedStyle(document.activeElement).outlineStyle")
            self.assertNotEqual(outline, "none", self.browser.run("return document.activeElement.outerHTML"))
        where = lambda: self.browser.run("return document.activeElement.getAttribute('aria-label')")
        self.assertRegex(where(), "^full learning_rate=0.0001, seed 1: ROUGE-1 ")
        for key, expected in ((Keys.ARROW_RIGHT, "full learning_rate=0.0001, seed 2"), (Keys.ARROW_DOWN, "lora rank=1, seed 2"), (Keys.END, "lora rank=1, seed 5"),
                              (Keys.HOME, "lora rank=1, seed 1"), (Keys.ARROW_UP, "full learning_rate=0.0001, seed 1")):
            self.browser.driver.switch_to.active_element.send_keys(key)
            self.assertIn(expected + ":", where())
        # One stop of the Tab key for the whole grid.
        self.assertEqual(self.browser.run("return document.querySelectorAll('a.cell[tabindex=\"0\"]').length"), 1)
        self.browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        wait(lambda: "Attempts" in self.browser.text(), "the trial")
        self.assertEqual(self.browser.run("return document.activeElement.id"), "main")

    def test_sorting_by_a_column(self):
        self.open(f"#/sweeps/{self.finished}", "Verdict")
        button = self.first("[data-key='sort-difference']")
        button.click()
        self.assertEqual(self.browser.run("return document.activeElement.dataset.key"), "sort-difference")
        first = self.browser.run("return document.querySelector('[data-key=results] table').tBodies[0].rows[0].cells[0].textContent")
        self.assertEqual(first, "lora rank=32")
        self.assertEqual(self.browser.run("return document.querySelector('[aria-sort]').getAttribute('aria-sort')"), "descending")
        # It is in the place: a reload shows the same.
        self.browser.driver.refresh()
        wait(lambda: self.browser.find("[aria-sort='descending']"), "the order after a reload")

    def test_shared_words_are_marked(self):
        self.open("#" + self.document_of(self.finished), "Reference")
        self.assertGreater(len(self.browser.find("mark")), 10)
        reference = self.browser.run("return document.querySelectorAll('.summaries .prose')[0].textContent.toLowerCase()")
        for mark in self.browser.find("mark")[:5]:
            self.assertIn(mark.text.lower().split()[0], reference)

    def test_changes_come_by_themselves(self):
        self.open("#/", "half way")
        wait(lambda: self.browser.text("#connection-text") == "Live", "the stream")
        self.browser.run("window.kept = true")
        path = os.path.join(self.folder, "new.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("sweep: submitted-just-now\nmodel: /nowhere/model\ndata: {train: /nowhere/a.jsonl, validation: /nowhere/b.jsonl, "
                       "test: /nowhere/c.jsonl}\ntrain: {steps: 1}\narms: {full: {learning_rate: 1.0e-3}}\nseeds: [1]\n")
        self.served.ctl("submit", path)
        wait(lambda: "submitted-just-now" in self.browser.text(), "the new sweep", 20)
        self.open(f"#/sweeps/{self.running}", "half way")
        self.browser.run("window.kept = true")
        self.served.ctl("pause", "half way")
        wait(lambda: "paused" in self.browser.text(".head"), "paused", 20)
        self.assertEqual(self.browser.text("#announce"), "The sweep is paused.")
        self.served.ctl("resume", "half way")
        wait(lambda: "running" in self.browser.text(".head"), "running", 20)
        self.assertTrue(self.browser.run("return window.kept"), "the page was not loaded again")
        self.check("after changes")

    def test_it_says_when_the_coordinator_is_away_and_comes_back(self):
        self.open(f"#/sweeps/{self.finished}", "Verdict")
        wait(lambda: self.browser.text("#connection-text") == "Live", "the stream")
        self.served.stop()
        wait(lambda: "away" in self.browser.text("#connection-text"), "it says so", 30)
        self.assertIn("Verdict", self.browser.text())
        self.assertIn("may be old", self.browser.text("#announce"))
        self.served.start()
        # Without a new login: sessions outlive a restart.
        wait(lambda: self.browser.text("#connection-text") == "Live", "it is back", 30)
        self.browser.complaints()  # the refused connections

    def test_a_page_that_is_left_lets_go_of_its_stream(self):
        # A browser has six connections for a host, and keeps pages that it left for whoever goes back.
        begun = time.monotonic()
        for i in range(9):
            self.browser.driver.get("about:blank")
            self.open(f"#/sweeps/{self.finished}?i={i}", "Verdict")
            wait(lambda: self.browser.text("#connection-text") == "Live", "the stream")
        self.assertLess(time.monotonic() - begun, 45)
        self.browser.driver.back()
        self.browser.driver.back()
        wait(lambda: self.browser.text("#connection-text") == "Live", "the stream of a page that was come back to")

    def test_who_comes_too_late_polls(self):
        self.browser.driver.get("about:blank")
        time.sleep(3)  # until the page's own stream is known to be gone
        streams = []
        try:
            for _ in range(17):
                connection = socket.create_connection(("127.0.0.1", self.served.ports[1]), 10)
                connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.served.token}\r\n\r\n".encode())
                streams.append((connection, connection.recv(4096)))
            # Chromium may hold on to the page that it left, and its stream.
            answers = [b" 200 " in answer for _, answer in streams]
            self.assertGreaterEqual(sum(answers), 15, answers)
            self.assertFalse(answers[-1])
            self.open("#/", "half way")
            wait(lambda: self.browser.text("#connection-text") == "Asks every 5 s", "it polls")
            self.served.ctl("pause", "half way")
            wait(lambda: "paused" in self.browser.text(), "it sees changes all the same", 20)
            self.served.ctl("resume", "half way")
        finally:
            for connection, _ in streams:
                connection.close()
        wait(lambda: self.browser.text("#connection-text") == "Live", "a place has become free", 60)
        self.browser.complaints()  # the 503s

    def test_the_login(self):
        with Browser() as other:
            other.look(390)
            other.driver.get(self.served.url + f"#/sweeps/{self.finished}")
            wait(lambda: other.find("#token"), "the login")
            self.assertEqual(other.run(CHECKS), [])
            self.assertEqual(other.complaints(), [])
            self.assertNotIn("pubmed", other.text("body"))
            other.find("#token")[0].send_keys("wrong")
            other.find(".login button")[0].click()
            wait(lambda: "does not know that token" in other.text(), "a refusal")
            other.find("#token")[0].clear()
            other.find("#token")[0].send_keys(self.served.token)
            other.find(".login button")[0].click()
            # Where it was asked for.
            wait(lambda: "pubmed flan-t5-small" in other.text(), "the sweep")
            self.assertIn(self.finished, other.driver.current_url)
            stored = other.run("return document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href")
            self.assertNotIn(self.served.token, stored)
            self.assertNotIn("lorikeet_", other.run("return document.cookie"), "the cookie is none of the scripts'")
            cookie = other.cdp("Network.getAllCookies")["cookies"][0]
            self.assertEqual((cookie["httpOnly"], cookie["sameSite"], cookie["path"]), (True, "Strict", "/api"))
            self.assertNotIn(self.served.token, cookie["value"])
            # The cookie alone, as another port of this host would have it, opens nothing.
            self.assertEqual(other.driver.execute_async_script("const done = arguments[0]; fetch('/api/sweeps').then((each) => done(each.status))"), 401)
            other.driver.refresh()
            wait(lambda: "pubmed flan-t5-small" in other.text(), "the sweep after a reload")
            other.find("#logout")[0].click()
            wait(lambda: other.find("#token"), "the login again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
