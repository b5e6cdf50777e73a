"""Checkpoints in the form of C2SP: a published example, and what is refused."""

from base64 import b64decode, b64encode

import pytest

from gateway.kit.checkpoints import Checkpoint, CheckpointInvalid, key_id, parse_checkpoints, sign_checkpoint
from gateway.kit.crypto import SigningKey

ORIGIN = "gateway.example/decision-log"
CHECKPOINT = Checkpoint(ORIGIN, 5, bytes(range(32)))

# The example of https://c2sp.org/signed-note: a note of PeterNeumann, and his key.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_key_id_of_the_published_key() -> None:
    name, identifier, encoded = NOTE_KEY.split("+", 2)
    key = b64decode(encoded)
    assert key[:1] == b"\x01"
    assert key_id(name, key[1:]).hex() == identifier


def test_signed_checkpoint_has_the_form_of_a_note() -> None:
    key = SigningKey()
    note = sign_checkpoint(CHECKPOINT, key)
    text, _, signature = note.partition("\n\n")
    assert text.split("\n") == [ORIGIN, "5", b64encode(CHECKPOINT.root).decode()]
    assert signature.startswith(f"\N{EM DASH} {ORIGIN} ")
    assert signature.endswith("\n")
    decoded = b64decode(signature.split(" ")[2])
    assert (decoded[:4], len(decoded)) == (key_id(ORIGIN, key.public), 4 + 64)


def test_several_checkpoints_are_read_from_one_text() -> None:
    key = SigningKey()
    other = Checkpoint("gateway.example/access-log", 0, bytes(32))
    text = sign_checkpoint(CHECKPOINT, key) + "\n" + sign_checkpoint(other, key) + sign_checkpoint(CHECKPOINT, key)
    assert [each.checkpoint for each in parse_checkpoints(text)] == [CHECKPOINT, other, CHECKPOINT]
    assert parse_checkpoints("\n") == []


def test_a_checkpoint_is_signed_by_its_key_only() -> None:
    key = SigningKey()
    (signed,) = parse_checkpoints(sign_checkpoint(CHECKPOINT, key))
    assert signed.is_signed_by([SigningKey().public, key.public])
    assert not signed.is_signed_by([SigningKey().public])
    assert not signed.is_signed_by([])


@pytest.mark.parametrize(
    ("old", "new"),
    [("\n5\n", "\n6\n"), (ORIGIN + "\n", "gateway.example/access-log\n"), (" " + ORIGIN + " ", " other ")],
)
def test_a_changed_checkpoint_is_not_signed(old: str, new: str) -> None:
    key = SigningKey()
    (signed,) = parse_checkpoints(sign_checkpoint(CHECKPOINT, key).replace(old, new, 1))
    assert not signed.is_signed_by([key.public])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("junk", id="one line"),
        pytest.param("\n".join(["o", "05", "A" * 43 + "=", "", f"{'—'} o AAAA", ""]), id="size"),
        pytest.param("\n".join(["o", "-5", "A" * 43 + "=", "", f"{'—'} o AAAA", ""]), id="negative size"),
        pytest.param("\n".join(["o", "5", "AAAA", "", f"{'—'} o AAAA", ""]), id="short root"),
        pytest.param("\n".join(["o", "5", "A" * 43 + "=", "", "junk", ""]), id="no signature"),
        pytest.param("\n".join(["o", "5", "A" * 43 + "=", "", f"{'—'} o *", ""]), id="signature not base64"),
        pytest.param("\n".join(["o", "5", "A" * 43 + "=", "extension", "", f"{'—'} o AAAA", ""]), id="extension"),
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        parse_checkpoints(text)
