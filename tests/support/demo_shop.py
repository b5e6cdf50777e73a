"""docs/examples/shop.py as a process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.support.checkout import ROOT
from tests.support.page_blocks import block
from tests.support.sandbox_partner import SandboxPartner
from tests.support.server import free_port

ENDPOINTS = "{ merchant { webhookEndpoints(first: 20) { nodes { url } } } }"


@contextmanager
def running_shop(partner: SandboxPartner, folder: Path) -> Iterator[str]:
    """The address of a shop that acts for this partner, with its files in `folder`."""
    credentials, port = folder / "credentials.json", free_port()
    credentials.write_text(json.dumps(partner.credentials))
    _, program, _ = block("docs/clients.md", ".venv/bin/python docs/examples/shop.py").split()
    command = [sys.executable, str(ROOT / program), str(credentials), "--port", str(port)]
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 30
    with (folder / "shop.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as shop:
        try:
            while not _answers(address):
                assert shop.poll() is None, (folder / "shop.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield address
        finally:
            shop.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address).status_code == 200
    except httpx2.TransportError:
        return False
