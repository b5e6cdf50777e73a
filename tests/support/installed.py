"""Packages as an installer leaves them, made by hand: what import and entry points look at, and nothing else."""

import tomllib
from pathlib import Path


def install_package(package: Path, site: Path) -> None:
    """Puts a scaffolded package and its metadata into `site`, a folder for PYTHONPATH."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    home = site / f"{package.name}-{project['version']}.dist-info"
    home.mkdir(parents=True)
    (site / package.name).symlink_to((package / package.name).resolve(), target_is_directory=True)
    (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{n} = {v}" for n, v in points.items()))]
    (home / "entry_points.txt").write_text("\n".join(lines) + "\n")
