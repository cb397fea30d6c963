"""A display for measuring a window where there is none: Xvfb, which draws into memory."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from src.runtime.video.window import Window

SCREEN = "1920x1200x24"  # holds the player's largest window
CALM_S = 10  # to end in, before it is killed
INSTALL = "with Xvfb (on Debian: apt-get install xvfb) it is measured off-screen"


@contextmanager
def display() -> Iterator[str]:
    """The user's display within the context, or where there is none Xvfb's, which ends with it.

    Qt keeps to the first display that it finds, so a process may enter this once.

    Yields:
        "" if windows can be opened, else why not and what would help.
    """
    missing = Window.unavailable()
    if not missing:
        yield ""
    elif server := shutil.which("Xvfb"):
        with _off_screen(server) as trouble:
            yield trouble
    else:
        yield f"{missing}; {INSTALL}"


@contextmanager
def _off_screen(server: str) -> Iterator[str]:
    telling, told = os.pipe()
    # -terminate: should this process be killed, the server follows it.
    command = [server, "-displayfd", str(told), "-screen", "0", SCREEN, "-nolisten", "tcp", "-terminate"]
    process = subprocess.Popen(command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(told)
    try:
        with os.fdopen(telling) as pipe:
            number = pipe.readline().strip()  # once it listens; nothing if it ends instead
        if not number:
            yield f"{server} does not start"
            return
        os.environ["DISPLAY"] = f":{number}"
        try:
            yield ""
        finally:
            del os.environ["DISPLAY"]
    finally:
        process.terminate()
        try:
            process.wait(CALM_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
