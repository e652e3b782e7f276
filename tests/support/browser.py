"""A real Chromium, driven as a person would: keys, clicks, sizes, and pictures of what it shows."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PICTURES = Path(__file__).parents[2] / "build/screenshots"
_AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
WAIT_S = 20


def require_browser():
    """Return Chromium and its driver; without them fail in CI, and skip on a laptop."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if None in found:
        reason = "Chromium and its driver are missing; on Debian: apt-get install chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Browser:
    """One window."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self):
        self.driver.get(self.url)

    def at(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css):
        return self.at(css).text

    def until(self, condition, what):
        """Wait until it is so; parts that are drawn anew meanwhile are looked at again."""
        ignored = [StaleElementReferenceException]
        waiting = WebDriverWait(self.driver, WAIT_S, 0.1, ignored_exceptions=ignored)
        return waiting.until(lambda _: condition(), what)

    def log_in(self, token):
        self.open()
        self.until(lambda: self.at("#token").is_displayed(), "the login form is shown")
        self.at("#token").send_keys(token, Keys.ENTER)
        self.until(lambda: self.at("#own-id").text, "the node is shown")

    def press(self, *keys):
        """Press keys wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        return self.driver.switch_to.active_element

    def size(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))

    def troubles(self):
        """What the browser complains about: scripts, and the content security policy."""
        return [
            each["message"] for each in self.driver.get_log("browser") if each["level"] == "SEVERE"
        ]

    def axe(self):
        """Serious findings of axe-core; None: it is not installed."""
        if not _AXE.exists():
            return None
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        self.driver.execute_script(_AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run().then((result) => done(result.violations));"
        )
        return [
            (each["id"], [node["target"] for node in each["nodes"]][:3])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]


@contextmanager
def browser(url):
    """Open a window of its own."""
    chromium, driver = require_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(each)
    options.add_argument("--window-size=1280,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Browser(made, url)
    finally:
        made.quit()
