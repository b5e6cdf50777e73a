"""The command line: everything an operator does, without SQL. One file per group of commands."""

import sys
from collections.abc import Sequence

import typer

from gateway import __version__
from gateway.cli import adapters, clients, database, decisions, disputes, keys, log, merchants, sandbox, sdl, serve
from gateway.cli.console import fail
from gateway.cli.policy import commands
from gateway.domain.errors import GatewayError
from gateway.settings import SettingsError
from gateway.store.database import DatabaseDown

app = typer.Typer(
    name="gateway",
    help="Sesame Gateway: run it, set it up, check its logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sandbox.app, name="sandbox")
app.command("serve")(serve.serve)
app.add_typer(database.app, name="database")
app.add_typer(adapters.app, name="adapters")
app.add_typer(merchants.app, name="merchants")
app.add_typer(commands.app, name="policy")
app.add_typer(clients.app, name="clients")
app.add_typer(decisions.app, name="decisions")
app.add_typer(disputes.app, name="disputes")
app.add_typer(keys.app, name="keys")
app.add_typer(log.app, name="log")
app.add_typer(sdl.app, name="sdl")


@app.command("version")
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Runs the command line. What an operator can mend is one line on standard error and exit code 1."""
    _require_text(sys.argv[1:])
    try:
        app()
    except (GatewayError, SettingsError, DatabaseDown) as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _require_text(arguments: Sequence[str]) -> None:
    """Ends the program at an argument with bytes that are not UTF-8: no name, id or file of ours has any, and neither
    the databases nor the terminal take what Python makes of them."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            fail(f"Argument {number} is not text in UTF-8.")
