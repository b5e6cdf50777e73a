"""The compared servers: one row for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".bench"
"""Environments of the compared servers, and data of the current run. git ignores it."""

PYTHON = STATE / "python" / "bin" / "python"
NODE = STATE / "node"
PEERS = Path(__file__).parent / "peers"

GRAPHQL = ("read", "page", "decide", "mixed", "cold")
BARE = ("read", "page", "decide", "mixed")
"""The scenarios of an endpoint that does not parse GraphQL: it cannot answer other documents than these."""

GATEWAY, REFERENCE = "gateway", "starlette"
"""The measured server, and the bare endpoint to which all are compared."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server. `command` is run in the checkout's folder with `--port PORT --database FILE`. `needs` is a file
    without which it is skipped. `packages` are those whose versions the report names. `token_path` is the path of its
    token endpoint, if it has the scenario token. `rest` is whether it has one path for each operation instead of
    /graphql."""

    name: str
    label: str
    command: tuple[str, ...]
    scenarios: tuple[str, ...]
    needs: Path
    packages: tuple[str, ...] = ()
    token_path: str = ""
    rest: bool = False


def _python(
    name: str, label: str, module: str, *options: str, scenarios: tuple[str, ...], packages: tuple[str, ...]
) -> Peer:
    command = (str(PYTHON), str(PEERS / f"{module}.py"), *options)
    return Peer(name, label, command, scenarios, PYTHON, packages, rest=module == "fastapi_sqlmodel")


def _node(
    name: str,
    label: str,
    module: str,
    *options: str,
    scenarios: tuple[str, ...] = GRAPHQL,
    packages: tuple[str, ...],
    token_path: str = "",
) -> Peer:
    """Returns a server of peers/node. The files of that folder are copied to NODE, where its packages are."""
    command = ("node", str(NODE / f"{module}.mjs"), *options)
    return Peer(name, label, command, scenarios, NODE / "node_modules", packages, token_path)


ALL: tuple[Peer, ...] = (
    Peer(
        GATEWAY,
        "Sesame Gateway",
        (),
        (*GRAPHQL, "single", "token"),
        ROOT / "gateway",
        ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "sqlalchemy"),
        "/oauth/token",
    ),
    _python(
        REFERENCE,
        "Starlette, bare, a commit each",
        "bare_starlette",
        scenarios=(*BARE, "single"),
        packages=("starlette", "uvicorn", "uvloop", "httptools", "orjson"),
    ),
    _python(
        "starlette-group",
        "Starlette, bare, group commit",
        "bare_starlette",
        "--group",
        scenarios=(*BARE, "single"),
        packages=("starlette", "uvicorn"),
    ),
    _python("asgi", "ASGI function, a commit each", "bare_asgi", scenarios=BARE, packages=("uvicorn",)),
    _python("asgi-group", "ASGI function, group commit", "bare_asgi", "--group", scenarios=BARE, packages=("uvicorn",)),
    _python(
        "strawberry",
        "strawberry, as installed",
        "strawberry_server",
        scenarios=GRAPHQL,
        packages=("strawberry-graphql", "graphql-core"),
    ),
    _python(
        "strawberry-tuned",
        "strawberry, caches, uvloop, orjson",
        "strawberry_server",
        "--tuned",
        scenarios=GRAPHQL,
        packages=("strawberry-graphql", "graphql-core", "orjson"),
    ),
    _python(
        "ariadne", "ariadne", "ariadne_server", scenarios=GRAPHQL, packages=("ariadne", "graphql-core", "starlette")
    ),
    _python(
        "fastapi-sqlmodel",
        "FastAPI (REST), SQLModel AsyncSession",
        "fastapi_sqlmodel",
        scenarios=BARE,
        packages=("fastapi", "sqlmodel", "sqlalchemy", "aiosqlite", "pydantic"),
    ),
    _node(
        "mercurius-jit",
        "Mercurius on Fastify, graphql-jit",
        "mercurius",
        "--jit",
        "1",
        packages=("mercurius", "graphql-jit", "fastify", "graphql", "better-sqlite3"),
    ),
    _node(
        "mercurius",
        "Mercurius on Fastify",
        "mercurius",
        packages=("mercurius", "fastify", "graphql", "better-sqlite3"),
    ),
    _node(
        "apollo",
        "Apollo Server on Fastify",
        "apollo",
        packages=("@apollo/server", "fastify", "graphql", "better-sqlite3"),
    ),
    _node("yoga", "GraphQL Yoga", "yoga", packages=("graphql-yoga", "graphql", "better-sqlite3")),
    _node(
        "oidc-provider",
        "node-oidc-provider",
        "oidc_provider",
        scenarios=("token",),
        packages=("oidc-provider", "better-sqlite3"),
        token_path="/token",  # noqa: S106
    ),
)


def chosen(names: str) -> list[Peer]:
    """Returns the peers with these comma-separated names, always with the gateway and the bare endpoint, in the order
    of ALL. Raises ValueError for an unknown name."""
    if names == "all":
        return list(ALL)
    wanted = {name.strip() for name in names.split(",")} | {GATEWAY, REFERENCE}
    unknown = wanted - {peer.name for peer in ALL}
    if unknown:
        raise ValueError(f"There is no peer {', '.join(sorted(unknown))}. Known: {', '.join(p.name for p in ALL)}.")
    return [peer for peer in ALL if peer.name in wanted]


def missing(peers: Iterable[Peer]) -> list[Peer]:
    """Returns the peers that are not installed."""
    return [peer for peer in peers if not peer.needs.exists()]
