"""Leaves of the installed packages what the functions import, and compiles it for Lambda.

Called by the Makefile beside it: `trim.py FOLDER gate,kraken`. A build that no longer finds what it
expects in a package fails: a new version has to be looked at.
"""

import ast
import gzip
import importlib.util
import json
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib._bootstrap_external import _code_to_hash_pyc  # PEP 552; compileall cannot strip docs
from pathlib import Path

# What the functions ask of AWS. sts is for credentials that are another role's.
OPERATIONS = {
    "dynamodb": {"GetItem", "PutItem", "Query", "TransactWriteItems"},
    "sns": {"Publish"},
    "ssm": {"GetParameter"},
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity"},
}
API_VERSIONS = {
    "dynamodb": "2012-08-10",
    "sns": "2010-03-31",
    "ssm": "2014-11-06",
    "sts": "2011-06-15",
}

# Installed because something asks for it, imported by nothing in the functions: ccxt's asynchronous
# clients and signatures on a chain (brokers/ccxt_lean.py), requests' guesses at encodings (ccxt
# says which it is), boto3 on top of botocore.
UNUSED_PACKAGES = (
    *("aiohappyeyeballs", "aiohttp", "aiohttp_fast_zlib", "aiosignal", "attr", "attrs", "boto3"),
    *("cffi", "charset_normalizer", "coincurve", "cryptography", "frozenlist", "multidict"),
    *("propcache", "pycparser", "s3transfer", "uvloop", "winloop", "yarl", "zlib_ng"),
)
UNUSED_PARTS = (
    *("bin", "_cffi_backend.*", "*__mypyc.*", "ccxt/async_support", "ccxt/pro", "ccxt/test"),
    *("ccxt/prediction", "botocore/cacert.pem"),
    *("aws_lambda_powertools/event_handler", "aws_lambda_powertools/utilities/[!j]*/"),
)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> None:
    """Trims and compiles one folder of packages."""
    folder, exchanges = Path(sys.argv[1]), sys.argv[2].split(",")
    for package in UNUSED_PACKAGES:
        remove(folder, package)
        remove(folder, f"{package}-*.dist-info")
    for part in UNUSED_PARTS:
        remove(folder, part)
    trim_ccxt(folder / "ccxt", exchanges)
    trim_botocore(folder / "botocore" / "data")
    trim_descriptions(folder)
    with ProcessPoolExecutor() as pool:
        modules = list(folder.rglob("*.py"))
        list(pool.map(compile_module, modules, [folder] * len(modules), chunksize=16))


def remove(folder: Path, pattern: str) -> None:
    """Removes files and folders; a pattern that finds nothing is fine: locks differ by platform."""
    for path in list(folder.glob(pattern)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def trim_ccxt(folder: Path, exchanges: list[str]) -> None:
    """Keeps the named exchanges, those that they are built on, and the base."""
    kept = {"__init__"}
    wanted = list(exchanges)
    while wanted:
        name = wanted.pop()
        module = folder / f"{name}.py"
        if not module.is_file():
            raise SystemExit(f"EXCHANGES: ccxt has no exchange {name!r}")
        if name not in kept:
            kept.add(name)
            wanted += bases(module)
    for module in [*folder.glob("*.py"), *(folder / "abstract").glob("*.py")]:
        if module.stem not in kept:
            module.unlink()


def bases(module: Path) -> list[str]:
    """The exchanges that an exchange's module imports."""
    return re.findall(r"^from ccxt\.(\w+) import", module.read_text(), re.MULTILINE)


def trim_botocore(data: Path) -> None:
    """Keeps the services in use, and of their descriptions the operations in use."""
    for path in data.iterdir():
        if path.is_dir() and path.name not in OPERATIONS:
            shutil.rmtree(path)
    for service, operations in OPERATIONS.items():
        versions = data / service
        for path in versions.iterdir():
            if path.name != API_VERSIONS[service]:
                shutil.rmtree(path)
        current = versions / API_VERSIONS[service]
        model = read_zipped(current / "service-2.json.gz")
        rules = read_zipped(current / "endpoint-rule-set-1.json.gz")
        shutil.rmtree(current)
        current.mkdir()
        write(current / "service-2.json", only(model, operations))
        write(current / "endpoint-rule-set-1.json", rules)
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in OPERATIONS if name in services}
    write(data / "endpoints.json", endpoints)


def only(model: dict, operations: set[str]) -> dict:
    """A service's description with some of its operations, their shapes, and no prose."""
    if missing := operations - model["operations"].keys():
        raise SystemExit(f"botocore describes no {', '.join(sorted(missing))}")
    model["operations"] = {name: model["operations"][name] for name in sorted(operations)}
    shapes, reached = model["shapes"], set()
    wanted = named_shapes(model["operations"])
    while wanted:
        name = wanted.pop()
        if name not in reached:
            reached.add(name)
            wanted |= named_shapes(shapes[name])
    model["shapes"] = {name: shapes[name] for name in shapes if name in reached}
    return without_prose(model)


def named_shapes(node: object) -> set[str]:
    """Every shape that a part of a description refers to."""
    if isinstance(node, list):
        return set().union(*map(named_shapes, node))
    if not isinstance(node, dict):
        return set()
    own = {node["shape"]} if isinstance(node.get("shape"), str) else set()
    return own.union(*map(named_shapes, node.values()))


def without_prose(node: object) -> object:
    """The same without `documentation`, where that is prose and not the name of a member."""
    if isinstance(node, list):
        return [without_prose(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: without_prose(value)
        for name, value in node.items()
        if name != "documentation" or not isinstance(value, str)
    }


def read_zipped(path: Path) -> dict:
    """A description as botocore ships it."""
    return json.loads(gzip.decompress(path.read_bytes()))


def write(path: Path, content: object) -> None:
    """JSON without blanks; not zipped, which the layer's own archive does already."""
    path.write_text(json.dumps(content, separators=(",", ":")))


def trim_descriptions(folder: Path) -> None:
    """Keeps of each package's description its name and version, and its licence."""
    for description in folder.glob("*.dist-info"):
        for path in [path for path in description.rglob("*") if path.is_file()]:
            if path.name == "METADATA":
                path.write_text(path.read_text().split("\n\n", 1)[0] + "\n")
            elif not path.name.upper().startswith(("LICEN", "COPYING", "NOTICE", "AUTHORS")):
                path.unlink()


def compile_module(module: Path, folder: Path) -> None:
    """Bytecode beside a module that holds whatever the module's time is, without docstrings.

    SAM stamps every file with 1980, which makes ordinary bytecode stale on each cold start. Those
    of classes stay: a dataclass without one makes one up, which takes longer than reading it.
    """
    source = module.read_bytes()
    tree = ast.parse(source)
    functions = (one for one in ast.walk(tree) if isinstance(one, FUNCTIONS))
    for function in functions:
        if ast.get_docstring(function, clean=False):
            function.body[0] = ast.copy_location(ast.Pass(), function.body[0])
    code = compile(tree, f"/opt/python/{module.relative_to(folder)}", "exec", dont_inherit=True)
    target = Path(importlib.util.cache_from_source(str(module)))
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), checked=False))


if __name__ == "__main__":
    main()
