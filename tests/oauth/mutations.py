"""Breaks one rule of the authorization server at a time, in a copy of the tree, and checks that a test fails.

`python -m tests.oauth.mutations > table.md` breaks all rules. With words it breaks only the rules that have one of them
in their number, name or file. The table has the test that fails for each rule. If none fails, the exit code is 1.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.oauth import (
    mutation_assertion_rules,
    mutation_ending_rules,
    mutation_grant_rules,
    mutation_key_rules,
    mutation_page_rules,
    mutation_proof_rules,
    mutation_rules,
    mutation_token_rules,
)
from tests.support.checkout import ROOT, files

AT_ONCE = 2
TOO_LONG = 600
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule, the source line that implements it, and the tests of that file."""

    number: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def applies(self) -> bool:
        """Whether the text of the rule occurs in the file exactly once."""
        return (ROOT / self.file).read_text().count(self.old) == 1

    def matches(self, words: Iterable[str]) -> bool:
        """Whether one of the words matches. Without words all mutations match."""
        known = f"{self.number} {self.name} {self.file}"
        chosen = list(words)
        return not chosen or any(word == str(self.number) or (not word.isdigit() and word in known) for word in chosen)


def mutations() -> Iterator[Mutation]:
    """All mutations, in the order of their files."""
    groups = (
        mutation_assertion_rules,
        mutation_rules,
        mutation_page_rules,
        mutation_proof_rules,
        mutation_ending_rules,
        mutation_token_rules,
        mutation_grant_rules,
        mutation_key_rules,
    )
    for file, tests, rules in (group for module in groups for group in module.RULES):
        for number, name, old, new in rules:
            yield Mutation(number, name, file, old, new, tests)


def copy_checkout(folder: Path) -> Path:
    """Copies the checkout into this folder and returns the folder."""
    for file in files():
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder


def find_failing_test(mutation: Mutation, tree: Path) -> str | None:
    """The test that fails in this copy of the tree while the rule is broken, None if all tests pass."""
    path = tree / mutation.file
    whole = path.read_text()
    assert whole.count(mutation.old) == 1, f"{mutation.name}: the rule's text does not occur exactly once"
    path.write_text(whole.replace(mutation.old, mutation.new))
    try:
        # Tests with the rule's number run first: usually one of them fails.
        return _failing(tree, mutation, f"_{mutation.number}_") or _failing(tree, mutation, "")
    finally:
        path.write_text(whole)


def require_passing(tree: Path, tests: Iterable[str]) -> None:
    """Raises RuntimeError if one of these tests fails without a broken rule."""
    unbroken = Mutation(0, "nothing broken", "", "", "", tuple(sorted(set(tests))))
    found = _failing(tree, unbroken, "")
    if found is not None:
        raise RuntimeError(f"fails with nothing broken: {found}")


def _failing(tree: Path, mutation: Mutation, named: str) -> str | None:
    for chosen in ("not slow and not postgresql", "not slow and postgresql"):  # SQLite alone is faster
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header"]
        command += ["-m", chosen, *(["-k", named] if named else []), *mutation.tests]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=TOO_LONG, check=False)
        if done.returncode in {0, 5}:  # 5: no such test
            continue
        found = _FAILED.search(done.stdout)
        if found is None:
            raise RuntimeError(f"{mutation.name}: no test ran: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return found.group(1)
    return None


def table(words: Iterable[str]) -> tuple[str, bool]:
    """The Markdown table of the chosen mutations, and whether a test fails for each."""
    chosen = [mutation for mutation in mutations() if mutation.matches(words)]
    with tempfile.TemporaryDirectory(prefix="sesame-") as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            trees.put(copy_checkout(Path(folder) / str(number)))
        require_passing(Path(folder) / "0", (test for mutation in chosen for test in mutation.tests))

        def run(mutation: Mutation) -> str | None:
            tree = trees.get()
            try:
                found = find_failing_test(mutation, tree)
            finally:
                trees.put(tree)
            sys.stderr.write(f"{mutation.number:3} {mutation.name}: {found or 'UNNOTICED'}\n")
            return found

        found = list(pool.map(run, chosen))
    lines = ["| behaviour | rule that is broken | file | noticed by |", "|---|---|---|---|"]
    for mutation, test in zip(chosen, found, strict=True):
        cell = f"`{test}`" if test else "**nothing**"
        lines.append(f"| {mutation.number} | {mutation.name} | `{mutation.file}` | {cell} |")
    caught = sum(test is not None for test in found)
    lines += ["", f"{caught} of {len(chosen)} noticed."]
    return "\n".join(lines), caught == len(chosen)


if __name__ == "__main__":
    text, well = table(sys.argv[1:])
    sys.stdout.write(text + "\n")
    raise SystemExit(0 if well else 1)
