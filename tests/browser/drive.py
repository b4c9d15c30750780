"""What a person does in the UI, done by Chromium; prints what was seen as one JSON object.

Runs inside the container that the Dockerfile beside it makes: Debian's Python and Selenium.
Arguments: the address, the user, the file with the password, the directory for screenshots.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

RUN_PAGE = "/runs/flow-run/"
# A bound for what hangs, not a judgement of speed: other tests share the machine.
PATIENCE_SECONDS = 300
LINES = 8
COMMAND = f"for i in $(seq {LINES}); do echo line-$i of {LINES}; sleep 2; done"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--window-size=1400,1300",
)


class Browser:
    """Chromium, and the few gestures that the story needs."""

    def __init__(self, address: str, pictures: Path) -> None:
        options = webdriver.ChromeOptions()
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "SEVERE", "performance": "ALL"})
        self._driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self._driver.implicitly_wait(PATIENCE_SECONDS)
        self._address = address
        self._pictures = pictures

    def open(self, path: str) -> None:
        self._driver.get(self._address + path)

    def reloaded(self) -> bool:
        """Load the page anew and wait until its log is there."""
        self._driver.refresh()
        self._driver.find_element(By.CSS_SELECTOR, "main")
        WebDriverWait(self._driver, PATIENCE_SECONDS).until(lambda _: "INFO" in self.text())
        return True

    def text(self) -> str:
        return str(self._driver.find_element(By.TAG_NAME, "main").text)

    def wait(self, condition: Callable[[], Any]) -> Any:
        # The page renders again at any moment; what it replaced meanwhile is looked up anew.
        waiting = WebDriverWait(
            self._driver, PATIENCE_SECONDS, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(lambda _: condition())

    def type(self, selector: str, text: str) -> None:
        field = self._driver.find_element(By.CSS_SELECTOR, selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def fill_parameter(self, current: str, text: str) -> None:
        """Replace the content of the field that holds `current`."""
        field = self.wait(lambda: self._field_with(current))
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def press(self, label: str) -> None:
        """Press the button, link or menu item that is called so."""
        self.wait(lambda: self._click(label))

    def picture(self, name: str) -> None:
        self._driver.save_screenshot(str(self._pictures / f"{name}.png"))

    def hosts_asked(self) -> list[str]:
        """Return every host that the network was asked for, whether or not it answered."""
        hosts = set()
        for entry in self._driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = urlsplit(message["params"]["request"]["url"])
                if url.scheme in {"http", "https"}:
                    hosts.add((message["params"]["requestId"], url.hostname))
            elif message["params"].get("blockedReason") == "csp":
                # Refused by the page's policy before anything left the browser.
                refused = message["params"]["requestId"]
                hosts = {(request, host) for request, host in hosts if request != refused}
        return sorted({str(host) for _, host in hosts})

    @property
    def url(self) -> str:
        return str(self._driver.current_url)

    def close(self) -> None:
        self._driver.quit()

    def _field_with(self, current: str) -> Any:
        self._driver.implicitly_wait(0)
        try:
            fields = self._driver.find_elements(By.CSS_SELECTOR, "input, textarea")
            return next((f for f in fields if f.get_attribute("value") == current), None)
        finally:
            self._driver.implicitly_wait(PATIENCE_SECONDS)

    def _click(self, label: str) -> bool:
        found = self.find(label)
        if found is None:
            return False
        found.click()
        return True

    def at_the_run(self) -> str | None:
        """Go to the run that was just started; return the address once we are there.

        The message that leads to it is gone after some seconds; the list of runs stays.
        """
        if RUN_PAGE in self.url:
            return self.url
        link = self.find("View run") or self._link_to_a_run()
        if link:
            self._driver.execute_script("arguments[0].click()", link)
        return None

    def _link_to_a_run(self) -> Any:
        self._driver.implicitly_wait(0)
        try:
            links = self._driver.find_elements(By.CSS_SELECTOR, f"main a[href*='{RUN_PAGE}']")
            return next(iter(links), None)
        finally:
            self._driver.implicitly_wait(PATIENCE_SECONDS)

    def find(self, label: str) -> Any:
        """Return the button, link or menu item that is called so; None where there is none."""
        self._driver.implicitly_wait(0)
        try:
            found = self._driver.find_elements(By.CSS_SELECTOR, "button, a, [role=menuitem]")
            return next((e for e in found if e.is_displayed() and e.text.strip() == label), None)
        finally:
            self._driver.implicitly_wait(PATIENCE_SECONDS)


def lines_shown(browser: Browser) -> int:
    """Count the lines of our command's output that the page shows."""
    text = browser.text()
    return sum(f"line-{number} of {LINES}" in text for number in range(1, LINES + 1))


def story(browser: Browser, user: str, password: str) -> dict[str, Any]:
    """Log in, look at the deployments, run one with changed parameters, watch its log."""
    seen: dict[str, Any] = {}
    browser.open("/")
    browser.wait(lambda: "/login" in browser.url)
    browser.type("input[type=password]", f"{user}:{password}")
    browser.press("Login")
    browser.wait(lambda: "/dashboard" in browser.url)

    browser.press("Deployments")
    seen["deployments"] = browser.wait(
        # The page's frame comes first, its rows when the API has answered.
        lambda: lines if "simple-print" in (lines := browser.text().splitlines()) else None
    )
    browser.picture("deployments")

    browser.press("run-shell-command")
    browser.press("Run")
    browser.press("Custom run")
    default = "seq 1 100 | xargs -I{} sh -c 'date; sleep 3'"
    browser.fill_parameter(default, COMMAND)
    browser.press("Submit")
    seen["run"] = browser.wait(browser.at_the_run)

    counts = [0]

    def completed() -> bool:
        counts.append(lines_shown(browser))
        return "Completed" in browser.text()

    browser.wait(completed)
    seen["log_lines_meanwhile"] = counts
    # The page asks for no more once the run has ended; what came later is there after a reload.
    browser.wait(lambda: browser.reloaded() and lines_shown(browser) == LINES)
    seen["log_lines_at_last"] = lines_shown(browser)
    browser.picture("run")
    seen["hosts_asked"] = browser.hosts_asked()
    return seen


def main() -> int:
    """Tell the story; leave a picture of where it broke."""
    address, user, password_file, pictures = sys.argv[1:]
    browser = Browser(address.rstrip("/"), Path(pictures))
    try:
        seen = story(browser, user, Path(password_file).read_text(encoding="utf-8").strip())
    except Exception:
        browser.picture("failure")
        sys.stderr.write(f"at {browser.url}:\n{browser.text()}\n")
        raise
    finally:
        browser.close()
    sys.stdout.write(json.dumps(seen) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
