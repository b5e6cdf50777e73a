"""The exported contract: the SDL of a schema, committed as gateway.graphql and sandbox.graphql."""

from pathlib import Path

from merchants.registry import AdapterRegistry
from schema.build import build_schema

HERE = Path(__file__).parent
LIVE_FILE = HERE / "gateway.graphql"
SANDBOX_FILE = HERE / "sandbox.graphql"


def sdl(registry: AdapterRegistry, sandbox: bool) -> str:
    """Returns the SDL with descriptions and applied directives, ending in a newline; equal for equal registries."""
    return build_schema(registry, sandbox=sandbox).sdl


def write(registry: AdapterRegistry) -> None:
    """Writes both committed files from a registry of the built-in adapters."""
    LIVE_FILE.write_text(sdl(registry, sandbox=False), encoding="utf-8")
    SANDBOX_FILE.write_text(sdl(registry, sandbox=True), encoding="utf-8")
