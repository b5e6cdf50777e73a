"""Installs a package without an installer: only what imports and entry points need."""

import tomllib
from pathlib import Path


def install_package(package: Path, site: Path) -> None:
    """Puts a scaffolded package and its metadata into `site`, a folder for PYTHONPATH."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    metadata = site / f"{package.name}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (site / package.name).symlink_to((package / package.name).resolve(), target_is_directory=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{n} = {v}" for n, v in points.items()))]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
