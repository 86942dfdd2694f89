#!/usr/bin/env python3
"""The metrics of a real coordinator are those of docs/metrics.md, and alerts and dashboard ask for no others.

promtool (of Debian's package `prometheus`, or named by PROMTOOL) also reads the scrape, the alerts and
the dashboard's expressions.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import yaml

from pages import BIN, SOURCE, pages
from references_test import anchors

ROW = re.compile(r"^\| `((?:lorikeet|process)_\w+)` \| (\w+) \|", re.M)
NAME = re.compile(r"\b((?:lorikeet|process)_[a-z_]+)\b")
SUFFIX = re.compile(r"_(bucket|sum|count)$")
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")


class Coordinator:
    """One on free ports, in a folder of its own. Use as a context manager."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-metrics-")
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "sweep-coordinator"), "--data", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
                 "--http", "127.0.0.1:0", "--log-format", "json"],
                stderr=log, env={**os.environ, "XDG_CONFIG_HOME": self.folder})
        self.http = self.field("http")
        with open(os.path.join(self.folder, "data", "token"), encoding="utf-8") as file:
            self.token = file.read().strip()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def field(self, name):
        """Of the first line of the log that has it."""
        for _ in range(300):
            for line in self.lines():
                if name in line:
                    return line[name]
            time.sleep(0.1)
        raise AssertionError(f"no {name} in the log")

    def get(self, path, token=None):
        headers = {"Authorization": "Bearer " + token} if token else {}
        with urllib.request.urlopen(urllib.request.Request(f"http://{self.http}{path}", headers=headers), timeout=20) as answer:
            return answer.read().decode()

    def scrape(self):
        """Once the service has taken its first turn."""
        for _ in range(100):
            text = self.get("/metrics", self.token)
            if "lorikeet_seconds_since_last_turn" in text:
                return text
            time.sleep(0.1)
        raise AssertionError(text)


def asked_for(expressions):
    return {SUFFIX.sub("", name) if SUFFIX.sub("", name).endswith("_seconds") else name
            for expression in expressions for name in NAME.findall(expression)}


def alerts():
    with open(os.path.join(SOURCE, "deploy", "prometheus", "alerts.yml"), encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


def dashboard_expressions():
    with open(os.path.join(SOURCE, "deploy", "grafana", "lorikeet.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    found += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    return found, dashboard


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Coordinator() as coordinator:
            cls.text = coordinator.scrape()
            cls.health = coordinator.get("/healthz")
            try:
                cls.without_token = coordinator.get("/metrics")
            except urllib.error.HTTPError as error:
                cls.without_token = error.code
            cls.log = coordinator.lines()
        cls.types = dict(re.findall(r"^# TYPE (\S+) (\w+)$", cls.text, re.M))

    def test_the_table_is_the_scrape(self):
        rows = dict(ROW.findall(pages()["docs/metrics.md"]))
        self.assertGreater(len(rows), 35)
        self.assertEqual(rows, self.types)

    def test_health_needs_no_token_and_metrics_do(self):
        self.assertEqual(self.health, "ok\n")
        self.assertEqual(self.without_token, 401)

    def test_the_log_is_json(self):
        for line in self.log:
            self.assertEqual(list(line)[:3], ["time", "level", "message"])
            self.assertNotIn("token", line)

    def test_alerts_ask_for_what_is_there(self):
        rules = alerts()
        self.assertGreater(len(rules), 10)
        names = asked_for(rule["expr"] for rule in rules)
        self.assertGreater(len(names), 10)
        self.assertEqual(names - set(self.types), set())
        self.assertEqual(len({rule["alert"] for rule in rules}), len(rules))

    def test_alerts_lead_to_what_to_do(self):
        known = anchors(pages()["docs/operations.md"])
        for rule in alerts():
            with self.subTest(alert=rule["alert"]):
                page, _, anchor = rule["annotations"]["runbook"].partition("#")
                self.assertEqual(page, "docs/operations.md")
                self.assertIn(anchor, known)
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                self.assertIn("summary", rule["annotations"])

    def test_the_dashboard_asks_for_what_is_there(self):
        expressions, dashboard = dashboard_expressions()
        self.assertGreater(len(expressions), 25)
        self.assertEqual(asked_for(expressions) - set(self.types), set())
        for panel in dashboard["panels"]:
            self.assertTrue(panel["targets"], panel["title"])
            self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24, panel["title"])

    def test_promtool_has_nothing_to_say(self):
        self.assertTrue(PROMTOOL, "promtool is missing: deploy/bootstrap.sh --tests installs it")
        expressions, _ = dashboard_expressions()
        rules = [{"record": f"test:panel_{i}", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                 for i, expression in enumerate(expressions)]
        with tempfile.TemporaryDirectory() as folder:
            panels = os.path.join(folder, "panels.yml")
            with open(panels, "w", encoding="utf-8") as file:
                yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            for path in (panels, os.path.join(SOURCE, "deploy", "prometheus", "alerts.yml")):
                done = subprocess.run([PROMTOOL, "check", "rules", path], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(os.path.join(SOURCE, "tests", "docs", "alerts_test.yml"), encoding="utf-8") as file:
                cases = file.read().replace("ALERTS", path)
            with open(os.path.join(folder, "cases.yml"), "w", encoding="utf-8") as file:
                file.write(cases)
            done = subprocess.run([PROMTOOL, "test", "rules", file.name], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=self.text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_this_test_bites(self):
        self.assertEqual(asked_for(["rate(lorikeet_turn_duration_seconds_bucket[5m]) > lorikeet_no_such_total"]),
                         {"lorikeet_turn_duration_seconds", "lorikeet_no_such_total"})
        self.assertEqual(ROW.findall("| `lorikeet_x_total` | counter | x |"), [("lorikeet_x_total", "counter")])


if __name__ == "__main__":
    unittest.main(verbosity=1)
