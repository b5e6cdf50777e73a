"""Imports go down the floors: the contracts of import-linter in pyproject.toml."""

import subprocess
import sys

from tests.support.checkout import ROOT


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports("]
    command[-1] += "no_cache=True, no_logo=True))"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_server_does_not_import_alembic() -> None:
    """It costs 0.8 seconds at each start, and the server never migrates."""
    code = "import sys, gateway.app; print([name for name in sys.modules if name.split('.')[0] == 'alembic'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
