"""A headless Chromium for tests, spoken to through two pipes: no driver, no port, nothing to install beside the browser."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER_VARIABLE = "SAFESCALE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S = 60.0

# the browser reads commands from descriptor 3 and answers on 4; this puts our pipes there and then becomes the browser
_BECOME = "import os,sys;r,w=map(int,sys.argv[1:3]);os.dup2(r,3);os.dup2(w,4);os.execv(sys.argv[3],sys.argv[3:])"


def found_browser() -> str | None:
    """Path of a Chromium: the one that the variable names, else one on the path."""
    named = os.environ.get(BROWSER_VARIABLE)
    if named:
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A running browser; pages are opened one at a time."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="safescale-browser-", ignore_cleanup_errors=True)
        ours_in, theirs_out = _high_pipe()
        theirs_in, ours_out = _high_pipe()
        flags = (
            *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars"),
            *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-extensions", "--no-default-browser-check", "--mute-audio", "--force-color-profile=srgb"),
            f"--user-data-dir={self._profile.name}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        )
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _BECOME, str(theirs_in), str(theirs_out), executable, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_in, theirs_out):
            os.close(end)
        self._in, self._out = ours_in, ours_out
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None

    def close(self) -> None:
        """End the browser."""
        try:
            self.send("Browser.close", session=False)
            self._process.wait(timeout=10)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for end in (self._in, self._out):
            os.close(end)
        self._profile.cleanup()

    def send(self, method: str, *, session: bool = True, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events that come meanwhile are kept."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session and self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._receive(PATIENCE_S)
            if found.get("id") == number:
                assert "error" not in found, f"{method}: {found['error']}"
                result: dict[str, Any] = found["result"]
                return result
            self.events.append(found)

    def wait_for(self, method: str) -> dict[str, Any]:
        """The next event of that name; those before it are kept."""
        while True:
            for i, event in enumerate(self.events):
                if event.get("method") == method:
                    return self.events.pop(i)
            self.events.append(self._receive(PATIENCE_S))

    def drain(self, seconds: float = 0.1) -> None:
        """Take in what is still on its way."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._in], [], [], left)[0]:
                self.events.append(self._receive(left))

    def _receive(self, patience_s: float) -> dict[str, Any]:
        until = time.monotonic() + patience_s
        while b"\0" not in self._rest:
            ready = select.select([self._in], [], [], max(0.0, until - time.monotonic()))[0]
            assert ready, f"the browser said nothing for {patience_s:g} s"
            read = os.read(self._in, 1 << 20)
            assert read, "the browser is gone"
            self._rest += read
        line, self._rest = self._rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(line)
        return found

    @contextmanager
    def tab(
        self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True, media: str = ""
    ) -> Iterator[Tab]:
        """A page at that address, loaded, in a context of its own."""
        target = self.send("Target.createTarget", session=False, url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", session=False, targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme, media=media)
        if not script:
            self.send("Emulation.setScriptExecutionDisabled", value=True)
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")
        try:
            yield Tab(self)
        finally:
            self.send("Target.closeTarget", session=False, targetId=target)
            self._session = None


class Tab:
    """The page in front."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def run(self, expression: str) -> Any:
        """Value of a JavaScript expression."""
        answer = self._browser.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard, down and up."""
        text = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
        named: dict[str, Any] = {"key": key, "code": key if key != " " else "Space", "windowsVirtualKeyCode": code}
        self._browser.send("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        self._browser.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """What is seen, or the whole page."""
        shot = self._browser.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """The page as a printer gets it."""
        printed = self._browser.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(printed["data"]))

    def accessibility(self) -> list[dict[str, Any]]:
        """What a screen reader is told: the tree as a list."""
        nodes: list[dict[str, Any]] = self._browser.send("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    @property
    def complaints(self) -> list[str]:
        """Everything in the console, exceptions and refusals of the browser included."""
        self._browser.drain()
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._browser.events if event.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        self._browser.drain()
        sent = [event for event in self._browser.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 or 4: those become the browser's."""
    import fcntl

    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]
