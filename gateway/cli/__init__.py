"""The command line of the operator, one file per group of commands."""

import inspect
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer import Abort
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from gateway import __version__
from gateway.cli import (
    adapters,
    certification,
    clients,
    consents,
    database,
    decisions,
    deliver,
    disputes,
    documents,
    keys,
    listening,
    log,
    merchants,
    sandbox,
    sandbox_partners,
    scores,
    sdl,
    serve,
    users,
)
from gateway.cli.console import fail, warn_about_variables
from gateway.cli.errors import EXPECTED, describe_error
from gateway.cli.policy import commands
from gateway.settings import SettingsError

_BEGIN, _SET_UP, _OPERATE, _DEVELOP = "Begin here", "Set up a deployment", "Operate it", "Develop"
_GROUPS = {
    "sandbox": (sandbox.app, _BEGIN),
    "database": (database.app, _SET_UP),
    "merchants": (merchants.app, _SET_UP),
    "clients": (clients.app, _SET_UP),
    "users": (users.app, _SET_UP),
    "decisions": (decisions.app, _OPERATE),
    "disputes": (disputes.app, _OPERATE),
    "policy": (commands.app, _OPERATE),
    "scores": (scores.app, _OPERATE),
    "keys": (keys.app, _OPERATE),
    "log": (log.app, _OPERATE),
    "adapters": (adapters.app, _DEVELOP),
    "sdl": (sdl.app, _DEVELOP),
}
_ORDER = ("sandbox", "database", "merchants", "clients", "users", "serve", "worker")
"""The commands that come first in the help, in the order in which an operator needs them."""


def _joined_lines(command: Callable[..., Any] | None) -> str:
    """The docstring of a command with one line for each paragraph: the help breaks lines at the terminal's width."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


class _Commands(TyperGroup):
    """The top-level commands in the order of the help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return [*_ORDER, *(name for name in super().list_commands(ctx) if name not in _ORDER)]


app = typer.Typer(
    name="gateway", cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.command("serve", rich_help_panel=_SET_UP)(serve.serve)
app.command("worker", rich_help_panel=_SET_UP)(deliver.worker)
clients.app.command("documents")(documents.documents)
users.app.command("consents")(consents.consents)
sandbox.app.command("verify")(certification.verify)
sandbox.app.command("listen")(listening.listen)
sandbox.app.add_typer(sandbox_partners.app, name="partner")
for _name, (_group, _panel) in _GROUPS.items():
    app.add_typer(_group, name=_name, rich_help_panel=_panel)
for _each in (app, *(group for group, _ in _GROUPS.values())):
    for _command in _each.registered_commands:
        _command.help = _joined_lines(_command.callback)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Sesame Gateway returns credit tiers and decisions to merchants, with the person's consent.

    To try it: gateway sandbox up --demo"""


def main() -> None:
    """Runs the command line. An error that a person can correct is one line on standard error. Exit code 2 is for a
    command that cannot be read, 1 for any other error."""
    _write_any_character()
    _require_text(sys.argv[1:])
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except ClickException as error:
        _fail_at_usage(error)
    except (Abort, EOFError):
        fail("Cancelled. Nothing was changed.")
    except EXPECTED as error:
        if isinstance(error, SettingsError):
            warn_about_variables()  # a misspelled name can be the reason
        fail(describe_error(error))
    except OSError as error:
        _fail_at_output(error)
    except KeyboardInterrupt:
        sys.exit(130)
    if code:
        sys.exit(code)


def _write_any_character() -> None:
    """Lets a terminal whose encoding does not have a character get its escape sequence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail_at_usage(error: ClickException) -> NoReturn:
    """Ends the program for a command that cannot be read, with the command that helps."""
    context = getattr(error, "ctx", None)
    hint = f" Try: {context.command_path} --help" if context is not None else ""
    fail(f"{' '.join(error.format_message().split())}{hint}", error.exit_code)


def _fail_at_output(error: OSError) -> NoReturn:
    """Ends the program if the output cannot be written. A reader that has closed the pipe, such as head, is no
    error."""
    # Python would try to write the rest at its end, and print a second error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if isinstance(error, BrokenPipeError):
        sys.exit(1)
    name = f"{error.filename} cannot be used" if error.filename else "The output cannot be written"
    fail(f"{name}: {error.strerror}.")


def _require_text(arguments: Sequence[str]) -> None:
    """Ends the program if an argument is not UTF-8: neither databases nor terminals accept Python's replacement for
    such bytes."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            fail(f"Argument {number} is not text in UTF-8.")
