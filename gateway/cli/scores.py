"""`gateway scores`: check scorecards."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import AsJson, print_record
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE
from gateway.sources.scorecard.card_files import load_card

_HELP = """Check scorecards.

To begin: gateway scores check FILE"""
app = typer.Typer(no_args_is_help=True, help=_HELP)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A scorecard, such as scorecard.toml.")],
    as_json: AsJson = False,
) -> None:
    """Check a scorecard, and show its version, effective date, range and hash.

    With --json: an object with scorecard, version, effective, lowest, highest, minimum_records, characteristics (an
    array of ids) and hash."""
    card = load_card(file)
    print_record(
        {
            "scorecard": card.name,
            "version": card.version,
            "effective": card.effective,
            "lowest": LOWEST_SCORE,
            "highest": HIGHEST_SCORE,
            "minimum_records": card.rules.minimum_records,
            "characteristics": [each.id for each in card.characteristics],
            "hash": card.hash,
        },
        {
            "scorecard": "scorecard",
            "version": "version",
            "effective": lambda record: _day(record["effective"]),
            "range": lambda record: f"{record['lowest']}-{record['highest']}",
            "records for a score": "minimum_records",
            "characteristics": "characteristics",
            "hash": "hash",
        },
        as_json=as_json,
    )


def _day(day: date) -> str:
    return day.isoformat()
