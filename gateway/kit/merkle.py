"""Merkle trees over the entries of a log (RFC 9162 section 2.1): leaf hashes, root, inclusion and consistency proofs.

A tree of any size is kept as its frontier: the hashes of the complete subtrees that it consists of, largest first. A
complete subtree of height h at position p has the leaves p * 2^h to (p + 1) * 2^h - 1. Leaves are counted from 0.
"""

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
TILE_HEIGHT = 8
"""The tree keeps the hashes of complete subtrees whose heights are multiples of this. A proof is computed from them."""

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""

SubtreeHash = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree with this height at this position."""

KeepSubtree = Callable[[int, int, bytes], None]
"""Keeps the height, position and hash of a subtree that has become complete."""


def hash_leaf(entry: bytes) -> bytes:
    """Returns the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Returns the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """An append-only tree. `size` is the number of its leaves, `hashes` are those of its frontier."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: bytes = b"") -> None:
        """Restores a tree from its size and `encode`. Raises ValueError if they do not belong together."""
        if size < 0 or len(hashes) != size.bit_count() * HASH_BYTES:
            raise ValueError("a frontier has one hash for each complete subtree")
        self.size = size
        self.hashes = [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]

    def append(self, leaf_hash: bytes, keep: KeepSubtree | None = None) -> None:
        """Adds a leaf. Calls `keep` for each subtree that has become complete and whose height is a multiple of
        TILE_HEIGHT, above 0."""
        hashes, height = self.hashes, 0
        self.size = remaining = self.size + 1
        while not remaining & 1:
            leaf_hash = hashlib.sha256(b"\x01" + hashes.pop() + leaf_hash).digest()
            remaining >>= 1
            height += 1
            if keep is not None and not height % TILE_HEIGHT:
                keep(height, remaining - 1, leaf_hash)
        hashes.append(leaf_hash)

    def root(self) -> bytes:
        """Returns the root hash."""
        return _fold(self.hashes)

    def encode(self) -> bytes:
        """Returns the hashes of the frontier, one after the other."""
        return b"".join(self.hashes)


def root_at(size: int, subtree: SubtreeHash) -> bytes:
    """Returns the root that the tree had when it had this size."""
    return _hash_range(0, size, subtree)


def prove_inclusion(index: int, size: int, subtree: SubtreeHash) -> list[bytes]:
    """Returns the inclusion proof of a leaf in the tree of this size, from leaf to root (section 2.1.3.1). Raises
    ValueError unless the tree has the leaf."""
    if not 0 <= index < size:
        raise ValueError("the tree does not have this leaf")
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return [_hash_range(*each, subtree) for each in reversed(path)]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the tree with this size and root has the leaf at this index (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed = hash_children(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = hash_children(computed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and computed == root


def prove_consistency(first: int, second: int, subtree: SubtreeHash) -> list[bytes]:
    """Returns the proof that the tree of size `second` begins with the leaves of the tree of size `first` (section
    2.1.4.1). It is empty for equal sizes. Raises ValueError unless 0 < first <= second."""
    if not 0 < first <= second:
        raise ValueError("the first tree must not be empty or larger than the second")
    start, end, whole = 0, second, True
    path = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, end))
    return [_hash_range(*each, subtree) for each in reversed(path)]


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the second tree begins with the leaves of the first (section 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    hashes = [first_root, *proof] if not first & (first - 1) else list(proof)
    if not hashes:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = hash_children(each, old), hash_children(each, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = hash_children(new, each)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def hash_complete(hashes: Sequence[bytes]) -> bytes:
    """Returns the hash of a complete subtree from those of its subtrees of one height, a power of two of them."""
    while len(hashes) > 1:
        hashes = [hash_children(hashes[each], hashes[each + 1]) for each in range(0, len(hashes), 2)]
    return hashes[0]


def _split(size: int) -> int:
    """The largest power of two that is smaller than the size, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _hash_range(start: int, end: int, subtree: SubtreeHash) -> bytes:
    """The hash of the leaves from `start` to before `end`, where `start` is a multiple of a power of two that is not
    smaller than their number, or they are the right end of a tree."""
    hashes, size = [], end - start
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            hashes.append(subtree(height, start >> height))
            start += 1 << height
    return _fold(hashes)


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for each in reversed(hashes[:-1]):
        folded = hash_children(each, folded)
    return folded
