"""Writes the package of a new adapter from `templates/`. It is complete and passes its tests; its author changes it.

`templates/package` has the files of every adapter, the other folders the files for one product each. NAME in a path
is replaced by the adapter's key.
"""

import ast
import builtins
import keyword
import re
import tempfile
from collections.abc import Collection
from datetime import date
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from string import Template

from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.kit.names import camel_case
from merchants.registry import installed

LONGEST_KEY = 30
_TEMPLATES = Path(__file__).with_name("templates")
_SUFFIX = ".template"


def scaffold(
    key: str, product: Product, folder: Path, *, today: date, gateway_version: str, taken: Collection[str]
) -> tuple[Path, ...]:
    """Writes the package of an adapter called `key` into `folder` / `key`. Returns the paths of its files, relative to
    `folder`.

    `today` becomes the policy's version and effective date. `taken` are the names of all types of the schema and of
    the members of DecisionAsk. Raises InvalidInput, and writes nothing, for a key that cannot be used, a product
    without a template, and a folder that exists.
    """
    _check_key(key, folder)
    values = _values(key, product, today, gateway_version)
    for name in ("member", "ask_type"):
        if values[name] in taken:
            raise _invalid(f"{key!r} cannot be used: the schema already has {values[name]}.")
    rendered = _rendered(values, product)
    if values["adapter_class"] in _names_used(rendered[f"{key}/adapter.py"]):
        raise _invalid(f"{key!r} cannot be used: a class {values['adapter_class']} would hide another one.")
    with tempfile.TemporaryDirectory(prefix=f".{key}-", dir=folder) as draft:
        for name, text in rendered.items():
            file = Path(draft) / key / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        (Path(draft) / key).rename(folder / key)  # atomic: all files or none
    return tuple(Path(key) / name for name in rendered)


def _check_key(key: str, folder: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key) or not 2 <= len(key) <= LONGEST_KEY:
        raise _invalid(f"{key!r} is not a key: use 2 to {LONGEST_KEY} characters in lower snake case, as in boat_hire.")
    if keyword.iskeyword(key) or keyword.iskeyword(_class(key)):
        raise _invalid(f"{key!r} cannot be used: it is a keyword of Python.")
    owner = next((each.distribution for each in installed() if each.key == key), None)
    if owner is not None:
        raise _invalid(f"{key!r} cannot be used: {owner} has installed an adapter with this key.")
    if (folder / key).exists() or (folder / key).is_symlink():
        raise _invalid(f"{key} already exists. Nothing was written.")
    if find_spec(key) is not None:
        raise _invalid(f"{key!r} cannot be used: a module of this name is installed, and one would hide the other.")
    try:
        distribution(key)
    except PackageNotFoundError:
        return
    raise _invalid(f"{key!r} cannot be used: a distribution of this name is installed and would be replaced.")


def _values(key: str, product: Product, today: date, gateway_version: str) -> dict[str, str]:
    """The values of the templates' placeholders."""
    return {
        "key": key,
        "member": camel_case(key),
        "adapter_class": _class(key),
        "ask_type": f"{_class(key)}Ask",
        "title": key.replace("_", " ").capitalize(),
        "seeded": key.replace("_", " ").title(),
        "words": key.replace("_", " "),
        "distribution": key.replace("_", "-"),
        "product": product,
        "today": today.isoformat(),
        "gateway_version": gateway_version,
    }


def _class(key: str) -> str:
    return "".join(word.capitalize() for word in key.split("_"))


def _rendered(values: dict[str, str], product: Product) -> dict[str, str]:
    """The texts of the files in the product's templates, by their paths in the package's folder."""
    rendered = {}
    product_folder = _TEMPLATES / product.lower()
    if not product_folder.is_dir():
        raise _invalid(f"There is no template for {product}.")
    for folder in (_TEMPLATES / "package", product_folder):
        for file in sorted(folder.rglob(f"*{_SUFFIX}")):
            name = file.relative_to(folder).as_posix().replace("NAME", values["key"]).removesuffix(_SUFFIX)
            rendered[name] = Template(file.read_text(encoding="utf-8")).substitute(values)
    return rendered


def _names_used(source: str) -> set[str]:
    """All names that a module imports, and Python's builtins."""
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in imports for alias in node.names} | set(dir(builtins))


def _invalid(message: str) -> InvalidInput:
    return InvalidInput("INVALID", message, ("name",))
