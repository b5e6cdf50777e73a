"""Starting a server: its address and issuer; databases that are not ours."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, text

from gateway.cli.addresses import local_issuer, warn_about_issuer
from gateway.cli.serve import listen
from gateway.settings import read_settings
from migrations import runner
from tests.support.operators import Gateway
from tests.support.server import bare_environment


def test_f3_serve_prints_its_address_and_an_issuer_that_agrees(sqlite_url: str, tmp_path: Path) -> None:
    environment = {
        **bare_environment(),
        "GATEWAY_DATABASE_URL": sqlite_url,
        "GATEWAY_STATE_DIRECTORY": str(tmp_path),
    }
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline().strip() for _ in range(2)]
        try:
            address = lines[0].rpartition(" listens on ")[2].rstrip(".")
            url = f"http://{address}/.well-known/oauth-authorization-server"
            with httpx2.Client(transport=httpx2.HTTPTransport(retries=8)) as http:
                issuer = http.get(url, timeout=20).json()["issuer"]
        finally:
            server.terminate()
    assert lines[1] == f"Its issuer is {issuer}."
    assert issuer == f"http://{address}"


@pytest.mark.parametrize(
    ("host", "issuer", "warned"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:{port}", False, id="F3-same"),
        pytest.param("0.0.0.0", "http://localhost:{port}", False, id="F3-every-address"),  # noqa: S104
        pytest.param("127.0.0.1", "https://gateway.example", False, id="F3-proxy-with-tls"),
        pytest.param("127.0.0.1", "http://127.0.0.1:1", True, id="F3-other-port"),
        pytest.param("127.0.0.1", "http://127.0.0.1", True, id="F3-default-port"),
        pytest.param("127.0.0.1", "http://gateway.internal", True, id="F3-name-with-another-port"),
    ],
)
def test_issuer_that_disagrees_with_the_address_is_named(
    capsys: pytest.CaptureFixture[str], host: str, issuer: str, warned: bool
) -> None:
    with closing(listen(host, 0)) as listener:
        port = listener.getsockname()[1]
        warn_about_issuer(listener, read_settings(issuer=issuer.format(port=port)))
        assert local_issuer(listener) == f"http://127.0.0.1:{port}"
    printed = capsys.readouterr().err
    assert (f"set GATEWAY_ISSUER=http://127.0.0.1:{port}" in printed) == warned
    assert bool(printed) == warned


@pytest.mark.parametrize(
    ("statements", "part"),
    [
        pytest.param(["UPDATE alembic_version SET version_num = 'f00d'"], "at revision f00d", id="F7-newer-database"),
        pytest.param(["CREATE TABLE carts (id integer)"], "another program", id="F7-foreign-database"),
    ],
)
@pytest.mark.postgresql
def test_upgrade_changes_no_other_database(
    empty_database_url: str, tmp_path: Path, statements: list[str], part: str
) -> None:
    if "UPDATE" in statements[0]:
        runner.upgrade(empty_database_url)
    url = empty_database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
    line = Gateway(empty_database_url, tmp_path).error_line("database", "upgrade")
    assert part in line
