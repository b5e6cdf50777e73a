"""Checkpoints of Merkle trees: size and root, signed as a note (C2SP tlog-checkpoint and signed-note).

A checkpoint is the text `origin\\nsize\\nroot\\n`, an empty line, and a line with the signature of its key. Several
checkpoints can be stored one after the other in one file.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.kit.crypto import SigningKey, verifies

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_DASH = "\N{EM DASH} "


class CheckpointInvalid(Exception):
    """A text is not a checkpoint. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of the tree that `origin` names. The origin is also the name of the key that signs."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The signed text."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and its signatures: the name of each key, the id of the key, and the signature."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def is_signed_by(self, public_keys: Iterable[bytes]) -> bool:
        """Whether one of these Ed25519 keys has signed the checkpoint, with the origin as the name of the key."""
        origin, text = self.checkpoint.origin, self.checkpoint.text.encode()
        keys = {key_id(origin, public): public for public in public_keys}
        return any(
            name == origin and identifier in keys and verifies(keys[identifier], text, signature)
            for name, identifier, signature in self.signatures
        )


def key_id(name: str, public: bytes) -> bytes:
    """Returns the id of an Ed25519 key in a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> str:
    """Returns the checkpoint with its signature, as a note."""
    signature = key_id(checkpoint.origin, key.public) + key.sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n{_DASH}{checkpoint.origin} {b64encode(signature).decode()}\n"


def parse_checkpoints(text: str) -> list[SignedCheckpoint]:
    """Returns the checkpoints in a text, in their order. Raises CheckpointInvalid."""
    parsed, lines = [], text.split("\n")
    while lines:
        if not lines[0]:
            lines.pop(0)
            continue
        if len(lines) < 5 or lines[3]:
            raise CheckpointInvalid("A checkpoint has three lines, an empty line and signatures.")
        checkpoint = _parse(*lines[:3])
        del lines[:4]
        signatures = []
        while lines and lines[0].startswith(_DASH):
            signatures.append(_parse_signature(lines.pop(0)))
        if not signatures:
            raise CheckpointInvalid(f"The checkpoint of {checkpoint.origin} has no signature.")
        parsed.append(SignedCheckpoint(checkpoint, tuple(signatures)))
    return parsed


def _parse(origin: str, size: str, root: str) -> Checkpoint:
    decoded = _decode(root)
    if not size.isascii() or not size.isdigit() or (size[0] == "0" and size != "0"):
        raise CheckpointInvalid("The second line of a checkpoint is its size.")
    if len(decoded) != hashlib.sha256().digest_size:
        raise CheckpointInvalid("The third line of a checkpoint is a SHA-256 hash in base64.")
    return Checkpoint(origin, int(size), decoded)


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = _decode(encoded)
    return name, decoded[:_KEY_ID_BYTES], decoded[_KEY_ID_BYTES:]


def _decode(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise CheckpointInvalid("A line of a checkpoint is not base64.") from None
