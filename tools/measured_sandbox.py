"""Runs the sandbox of a checkout in its own process for `load.py`: tokens, connections, CPU time and profile."""

import asyncio
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from gateway.demo.browser import Browser

SERVER_CORE = 0
CREDIT_LIMITS = "FAIR 10000000.00 CNY"


@dataclass(frozen=True)
class Call:
    """One GraphQL request, and a function that returns whether the `data` of its response is correct."""

    token: str
    body: bytes
    is_correct: Callable[[dict[str, Any]], bool]


class Connection:
    """One persistent HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, call: Call) -> dict[str, Any]:
        """Returns the response's data. Raises ValueError for an incorrect response, TimeoutError after 60 seconds."""
        self._writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Accept: application/graphql-response+json\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (call.token.encode(), len(call.body), call.body)
        )
        async with asyncio.timeout(60):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
            content = await self._reader.readexactly(length)
        response: dict[str, Any] = json.loads(content)
        if not head.startswith(b"http/1.1 200 ") or "errors" in response or not call.is_correct(response["data"]):
            raise ValueError(content.decode()[:300])
        data: dict[str, Any] = response["data"]
        return data


class Server:
    """A running sandbox, with tokens of its car rental."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", credentials: dict[str, Any], environment: dict[str, str]
    ) -> None:
        self.process, self._credentials, self.environment = process, credentials, environment
        self._merchant = next(m for m in credentials["merchants"] if m["adapter"] == "car_rental")
        self.merchant_token = str(self._merchant["merchant_token"])

    def cpu_seconds(self) -> float:
        """Returns the CPU time of the server process, all threads, in nanosecond steps (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def other_cpu_seconds(self) -> float:
        """Returns the CPU time that all other processes have used on the server's core, from /proc/stat."""
        line = next(
            text for text in Path("/proc/stat").read_text().splitlines() if text.startswith(f"cpu{SERVER_CORE} ")
        )
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
        ticks = user + nice + system + interrupts + soft_interrupts + stolen
        return ticks / os.sysconf("SC_CLK_TCK") - self.cpu_seconds()

    def tier(self, handle: str) -> str:
        """Returns the tier of a persona."""
        return str(next(p for p in self._credentials["personas"] if p["handle"] == handle)["tier"])

    def user_token(self, handle: str) -> str:
        """Returns a bearer token of a persona, with a consent for all measured requests."""
        issuer = self._credentials["issuer"]
        client = next(c for c in self._merchant["clients"] if c["profile"] == "baseline")
        person = next(p for p in self._credentials["personas"] if p["handle"] == handle)
        verifier = token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        details = [{"type": "score", "level": "tier"}, {"type": "decision", "products": ["DEPOSIT_WAIVER"]}]
        parameters = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": client["redirect_uri"],
            "authorization_details": json.dumps(details),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        secret = (client["client_id"], client["client_secret"])
        pushed = httpx2.post(f"{issuer}/oauth/par", data=parameters, auth=secret).raise_for_status().json()
        query = {"client_id": client["client_id"], "request_uri": pushed["request_uri"]}
        with Browser() as browser:
            page = browser.open(str(httpx2.URL(f"{issuer}/oauth/authorize", params=query)))
            page = browser.submit(page, {"username": person["username"], "password": person["password"]})
            redirect = browser.submit(page, {"decision": "allow"}, follow=False)
        code = parse_qs(urlsplit(redirect.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client["redirect_uri"],
            "code_verifier": verifier,
        }
        response = httpx2.post(f"{issuer}/oauth/token", data=form, auth=secret).raise_for_status()
        return str(response.json()["access_token"])

    @asynccontextmanager
    async def connections(self, count: int) -> AsyncIterator[list[Connection]]:
        """Opens `count` connections to the server, and closes them at the end."""
        address = urlsplit(self._credentials["issuer"])
        async with AsyncExitStack() as stack:
            opened = []
            for _ in range(count):
                reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 22)
                stack.callback(writer.close)
                opened.append(Connection(reader, writer))
            yield opened


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Server]:
    """Runs the sandbox of a checkout, with these environment variables instead of its usual ones. Raises RuntimeError
    if it does not start, or if it imports another checkout."""
    python = folder / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        file, log = Path(directory) / "credentials.json", Path(directory) / "server.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "PYTHON"))}
        environment["GATEWAY_STATE_DIRECTORY"] = directory
        environment["GATEWAY_DATABASE_URL"] = f"sqlite:///{directory}/gateway.db"
        environment["GATEWAY_CREDIT_LIMITS"] = CREDIT_LIMITS
        environment |= settings
        own = [str(python), "-c", "import gateway; print(gateway.__file__)"]
        imported = subprocess.run(own, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
        if Path(imported.strip()) != folder / "gateway" / "__init__.py":
            raise RuntimeError(f"{folder} imports {imported.strip()}")
        command = [str(python), "-m", "gateway", "sandbox", "up", "--port", "0", "--credentials", str(file)]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)  # noqa: S603
        os.sched_setaffinity(process.pid, {SERVER_CORE})  # before it starts any thread
        try:
            deadline = time.monotonic() + 60
            while not file.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"The sandbox of {folder} did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield Server(process, json.loads(file.read_text()), environment)
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def profiled(server: Server, file: Path | None) -> Iterator[None]:
    """Samples the thread that holds the GIL with py-spy, writes the stacks to the file, and prints the functions with
    the most samples. Does nothing without a file. Raises RuntimeError if py-spy is missing."""
    if file is None:
        yield
        return
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if spy is None:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    command = [
        spy,
        "record",
        "--rate",
        "200",
        "--gil",
        "--format",
        "raw",
        "--output",
        str(file),
        "--pid",
        str(server.process.pid),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    print(_hottest(file.read_text().splitlines(), 15))


def _hottest(stacks: list[str], count: int) -> str:
    """Returns the percentages of samples by package and by function (own time), and by function of this project
    (total time, with all calls)."""
    packages: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for line in stacks:
        stack, _, samples = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] + ")" for frame in stack.split(";")]  # without the line number
        packages[frames[-1].rpartition(" (")[2].partition("/")[0].strip(")")] += int(samples)
        functions[frames[-1]] += int(samples)
        for frame in set(frames):
            if frame.rpartition(" (")[2].startswith(("gateway/", "schema/", "merchants/")):
                ours[frame] += int(samples)
    lines = []
    titles = ("Packages, own time", "Functions, own time", "Functions of the project, total time")
    for title, counter in zip(titles, (packages, functions, ours), strict=True):
        lines += [title, *(f"  {100 * n / packages.total():5.1f} %  {name}" for name, n in counter.most_common(count))]
    return "\n".join(lines)
