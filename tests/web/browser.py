"""A headless Chromium beside a real coordinator: what tests of the page and its benchmark share. Needs Debian's chromium,
chromium-driver and python3-selenium."""
import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

BIN = os.environ["LORIKEET_BIN_DIR"]
WITHIN = 60  # seconds that anything may take: this is no benchmark


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(condition, what, within=WITHIN):
    deadline = time.monotonic() + within
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)


class Served:
    """A coordinator on a folder. Use as a context manager."""

    def __init__(self, folder):
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.ports = (free_port(), free_port())
        self.address, self.http = (f"127.0.0.1:{port}" for port in self.ports)
        self.url = f"http://{self.http}/"
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(folder, "config"), LORIKEET_COORDINATOR=self.address,
                                NO_COLOR="1")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        log = open(os.path.join(self.folder, "coordinator.log"), "ab")
        self.process = subprocess.Popen([os.path.join(BIN, "sweep-coordinator"), "--data", self.data, "--listen", self.address,
                                         "--http", self.http], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        wait(self.answers, "the coordinator answers")

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "coordinator.log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError("the coordinator has ended: " + log.read()[-2000:])
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.ports[1]), 1) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                return b" 200 " in connection.recv(4096)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    @property
    def token(self):
        with open(os.path.join(self.data, "token"), encoding="utf-8") as file:
            return file.read().strip()

    def ctl(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "sweepctl"), *arguments], env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Browser:
    """Use as a context manager."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="lorikeet-chromium-")
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
                         "--disable-features=Translate,OptimizationHints,MediaRouter", f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_script_timeout(WITHIN)
        self.requested = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def look(self, width, dark=False, scale=1, height=None):
        self.looks = {"width": width, "dark": dark, "scale": scale, "height": height}
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height or (844 if width < 600 else 900), deviceScaleFactor=scale,
                 mobile=width < 600)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css="main"):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText).join('\\n')", css)

    def go(self, url):
        """To a place of the page; returns when its view is there."""
        before = self.run("return document.querySelector('.view') && (document.querySelector('.view').dataset.before = '1')")
        same = self.driver.current_url == url
        self.driver.get(url)
        if same:
            self.driver.refresh()
            before = None
        del before
        wait(lambda: self.run("const view = document.querySelector('main > .view'); return view && !view.dataset.before || "
                              "document.querySelector('main > h1') || document.querySelector('.login')"), f"{url} is shown")

    def log_in(self, served, token=None):
        self.driver.get(served.url)
        wait(lambda: self.find("#token") or self.find("main > .view"), "the page or its login")
        if not self.find("#token"):
            return
        self.find("#token")[0].send_keys(token or served.token)
        self.find(".login button")[0].click()
        wait(lambda: self.find("main > .view"), "the page after the login")

    def complaints(self):
        """What the console has said since the last time: errors, and whatever the policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" or "Content Security Policy" in entry["message"] or "TrustedHTML" in entry["message"]]

    def requests(self):
        """URLs asked for since the last time."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls

    def screenshot(self, path, whole=False):
        if whole:
            # Higher, not beyond the viewport: charts draw themselves for what is seen.
            self.look(**{**self.looks, "height": min(6000, int(self.cdp("Page.getLayoutMetrics")["cssContentSize"]["height"]))})
            time.sleep(0.3)
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.cdp("Page.captureScreenshot", format="png")["data"]))
        if whole:
            self.look(**{**self.looks, "height": None})
