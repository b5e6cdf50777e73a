"""`gateway database`: migrations and the database's health."""

import typer

from gateway.cli.console import DatabaseUrl, console, require_database, require_migrated, settings_for

app = typer.Typer(no_args_is_help=True, help="Migrate and check the database.")


@app.command()
def upgrade(database_url: DatabaseUrl = None) -> None:
    """Bring the database to the newest revision."""
    from migrations import runner  # alembic takes most of a second to import; only this command pays

    url = settings_for(database_url).database_url
    require_database(url, fresh=True)
    runner.upgrade(url)
    console.print(f"The database is at revision {runner.current(url)}.")


@app.command()
def check(database_url: DatabaseUrl = None) -> None:
    """Say whether the database answers and is at the newest revision. Exit code 1 if not."""
    require_migrated(settings_for(database_url).database_url)
    console.print("The database answers and is at the newest revision.")
