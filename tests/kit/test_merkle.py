"""Merkle trees: the published vectors of Certificate Transparency, and equality with the recursive definition."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.merkle import (
    EMPTY_ROOT,
    TILE_HEIGHT,
    Frontier,
    hash_complete,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The test tree of Certificate Transparency, with its roots for 1 to 8 leaves."""
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def subtree_of(leaves: Sequence[bytes]) -> "Subtree":
    return Subtree([hash_leaf(each) for each in leaves])


class Subtree:
    """The hashes of complete subtrees over leaf hashes in memory."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = hashes

    def __call__(self, height: int, position: int) -> bytes:
        return hash_complete(self._hashes[position << height : (position + 1) << height])


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """The recursive definition of RFC 9162 section 2.1.1."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0]).digest() if leaves else hashlib.sha256().digest()
    split = max(2**k for k in range(64) if 2**k < len(leaves))
    return hashlib.sha256(b"\1" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def entries(size: int) -> list[bytes]:
    return [str(each).encode() for each in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    tree = Frontier()
    for leaf in LEAVES[:size]:
        tree.append(hash_leaf(leaf))
    assert tree.root().hex() == ROOTS[size - 1]
    assert root_at(size, subtree_of(LEAVES)).hex() == ROOTS[size - 1]


def test_published_root_of_the_empty_tree() -> None:
    assert Frontier().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    proof = prove_inclusion(index, size, subtree_of(LEAVES))
    assert [each.hex() for each in proof] == INCLUSION[index, size]
    assert verify_inclusion(hash_leaf(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_published_consistency_proofs(first: int, second: int) -> None:
    proof = prove_consistency(first, second, subtree_of(LEAVES))
    assert [each.hex() for each in proof] == CONSISTENCY[first, second]
    roots = (bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1]))
    assert verify_consistency(first, second, *roots, proof)


@given(st.integers(0, 600))
def test_root_equals_the_recursive_definition(size: int) -> None:
    tree = Frontier()
    for leaf in entries(size):
        tree.append(hash_leaf(leaf))
    assert tree.root() == naive_root(entries(size)) == root_at(size, subtree_of(entries(size)))
    assert Frontier(size, tree.encode()).root() == tree.root()


def test_each_complete_tile_is_kept_once() -> None:
    tree, kept = Frontier(), {}
    hashes = [hash_leaf(each) for each in entries(3 << TILE_HEIGHT)]

    def keep(height: int, position: int, root: bytes) -> None:
        assert (height, position) not in kept
        kept[height, position] = root

    for each in hashes:
        tree.append(each, keep)
    subtree = Subtree(hashes)
    assert kept == {(TILE_HEIGHT, position): subtree(TILE_HEIGHT, position) for position in range(3)}


@given(st.data())
def test_inclusion_proofs_verify_for_their_leaf_only(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    leaves = entries(size)
    proof = prove_inclusion(index, size, subtree_of(leaves))
    root = naive_root(leaves)
    assert verify_inclusion(hash_leaf(leaves[index]), index, size, proof, root)
    assert not verify_inclusion(hash_leaf(b"another"), index, size, proof, root)
    other = data.draw(st.integers(-1, size).filter(lambda each: each != index))
    assert not verify_inclusion(hash_leaf(leaves[index]), other, size, proof, root)
    assert not verify_inclusion(hash_leaf(leaves[index]), index, size, [*proof, root], root)
    if proof:
        assert not verify_inclusion(hash_leaf(leaves[index]), index, size, proof[:-1], root)


@given(st.data())
def test_consistency_proofs_verify_for_their_trees_only(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, 200))
    first = data.draw(st.integers(1, second))
    leaves = entries(second)
    proof = prove_consistency(first, second, subtree_of(leaves))
    roots = naive_root(leaves[:first]), naive_root(leaves)
    assert verify_consistency(first, second, *roots, proof)
    assert not verify_consistency(first, second, naive_root([b"another", *leaves[1:first]]), roots[1], proof)
    assert not verify_consistency(first, second, roots[0], hash_leaf(b"another"), proof)
    assert not verify_consistency(first, second, *roots, [*proof, roots[0]])
    if first < second:
        assert not verify_consistency(first, second, *roots, proof[:-1])
        assert not verify_consistency(first, second, *roots, [hash_leaf(b"another"), *proof[1:]])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="does not have this leaf"):
        prove_inclusion(index, size, subtree_of(LEAVES))


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_a_larger_tree_has_no_consistency_proof(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        prove_consistency(first, second, subtree_of(LEAVES))
    assert not verify_consistency(first, second, EMPTY_ROOT, EMPTY_ROOT, [])


@pytest.mark.parametrize(("size", "hashes"), [(-1, b""), (1, b""), (3, b"x" * 32), (2, b"x" * 64)])
def test_a_frontier_of_another_size_is_refused(size: int, hashes: bytes) -> None:
    with pytest.raises(ValueError, match="one hash for each"):
        Frontier(size, hashes)
