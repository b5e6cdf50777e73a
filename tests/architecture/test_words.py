"""Retired words. Each has a usual word in credit, OAuth, databases or testing, which is used instead."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.support.checkout import files, named

TEXTS = {".py", ".md", ".toml", ".graphql", ".html", ".po", ".mjs", ".template", ".sh", ""}
NOT_CHECKED = {
    "tests/architecture/test_words.py": "lists the words",
    "CONTRIBUTING.md": "lists the words",
    "CHANGELOG.md": "says what was renamed",
    "schema/contract/target.graphql": "is a copy of the contract",
    "LICENSE": "is a legal text",
}
OLD_COLUMNS = ("migrations/versions", "tests/architecture/test_units_of_work_migration.py")


@dataclass(frozen=True)
class RetiredWord:
    """`pattern` matches words in lower case, after camelCase and snake_case are split. `use` is the word to write, and
    `why` says why the old one is retired. `allowed` maps files and folders to their reason to keep the word."""

    pattern: str
    use: str
    why: str
    allowed: dict[str, str] = field(default_factory=dict)

    def matches(self, text: str) -> bool:
        """Whether a text contains the word."""
        return self.is_in(split_words(text))

    def is_in(self, text: str) -> bool:
        """Whether a text whose words are split contains the word."""
        return re.search(rf"(?<![\w-])(?:{self.pattern})(?!\w)", text) is not None


COLUMNS = dict.fromkeys(OLD_COLUMNS, "columns of older revisions")
RETIRED = (
    RetiredWord(
        r"lines? of trust|trust lines?",
        "credit limit",
        "banks say credit limit",
        {"gateway/setting_names.py": "warns about the setting's old name", **COLUMNS},
    ),
    RetiredWord(
        r"tills?",
        "point of sale, on pages checkout",
        "it is also a conjunction; payments say point of sale",
        dict.fromkeys(
            (
                "gateway/settings/lifetimes.py",
                "gateway/oauth/endpoints/device_authorization.py",
                "gateway/oauth/endpoints/device_verification.py",
                "gateway/services/sandbox/devices.py",
                "gateway/services/sandbox/consents.py",
                "docs/reference/settings.md",
            ),
            "the setting GATEWAY_TILL_CONSENT_LIFE",
        ),
    ),
    RetiredWord(
        r"rulings?",
        "result, or provenance",
        "it meant both the result of a policy and its origin",
        dict.fromkeys(
            (
                "gateway/cli/policy/explanation.py",
                "gateway/services/decisions/requests.py",
                "gateway/services/decisions/reviews.py",
                "gateway/services/policies/past_request.py",
                "tests/services/test_shadows.py",
            ),
            "a key of sealed log documents",
        ),
    ),
    RetiredWord(
        r"promises|promised|promise",
        "obligation, or decision",
        "it meant a decision, an obligation and a check",
        {"tests/node": "promises of JavaScript", "docs/examples/fapi2_client.mjs": "promises of JavaScript", **COLUMNS},
    ),
    RetiredWord(r"story|stories|journeys?|walked|lived", "scenario, demo or example", "images"),
    RetiredWord(
        r"wakes at|woken",
        "next transition",
        "transitions are due",
        {"tests/store/test_decision_mapping.py": "a column of an older revision", **COLUMNS},
    ),
    RetiredWord(r"happenings?", "event, or transition", "events are the field's word"),
    RetiredWord(
        r"barred|stood still",
        "blocked, or paused",
        "images",
        {
            "gateway/domain/decisions/state.py": "the name of a digest",
            "tests/store/test_decision_mapping.py": "the names of digests",
            **COLUMNS,
        },
    ),
    RetiredWord(r"overdue marks?|marked overdue", "overdue flag", "a flag is set and expires"),
    RetiredWord(
        r"referrals?",
        "manual review",
        "the trade says manual review; the policy's verdict stays REFER",
        {
            "gateway/domain/decisions/outcome.py": "the kind of stored outcomes",
            "tests/audit/test_reconciliation.py": "the kind of stored outcomes",
            **COLUMNS,
        },
    ),
    RetiredWord(r"the books", "reconciliation", "an image"),
    RetiredWord(r"floors?|shafts?|doors?|the house", "layer, package or API", "images of a house"),
    RetiredWord(
        r"whoever|where there (?:is|are) none|of which there is none|what is none|that is none",
        "a literal sentence",
        "riddles",
    ),
)


def split_words(text: str) -> str:
    """Returns the text in lower case, with camelCase and snake_case split."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).replace("_", " ").lower()


@cache
def split_text(file: Path) -> str:
    """Returns the content of a file with its words split, read once for all words."""
    return split_words(file.read_text(encoding="utf-8"))


def uses(word: RetiredWord) -> list[str]:
    """Returns file, line and text of each use of a retired word, also in the names of files."""
    found = []
    for file in files():
        name = named(file)
        if file.suffix not in TEXTS or name in NOT_CHECKED or name.startswith(tuple(word.allowed)):
            continue
        if word.matches(name.replace("/", " ")):
            found.append(name)
        if word.is_in(split_text(file)):  # most files need no search by line
            lines = file.read_text(encoding="utf-8").splitlines()
            found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if word.matches(line)]
    return found


@pytest.mark.parametrize("word", RETIRED, ids=lambda word: word.use)
def test_retired_word_is_not_used(word: RetiredWord) -> None:
    assert uses(word) == [], f"write {word.use}: {word.why}"


@pytest.mark.parametrize("word", RETIRED, ids=lambda word: word.use)
def test_allowed_file_still_has_the_retired_word(word: RetiredWord) -> None:
    texts = {named(file): file for file in files() if file.suffix in TEXTS}
    unused = [
        place
        for place in word.allowed
        if not any(name.startswith(place) and word.is_in(split_text(file)) for name, file in texts.items())
    ]
    assert [place for place in unused if place not in OLD_COLUMNS] == []


@pytest.mark.parametrize("text", ["at_the_till", "TillCode", "a line of trust", "trustLine", "its Rulings", "storyOf"])
def test_retired_word_is_recognised(text: str) -> None:
    assert any(word.matches(text) for word in RETIRED)


@pytest.mark.parametrize("text", ["until", "instill", "outdoors", "scheduling", "short-lived"])
def test_longer_word_is_not_a_retired_one(text: str) -> None:
    assert not any(word.matches(text) for word in RETIRED)
