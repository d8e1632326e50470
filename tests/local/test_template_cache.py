"""A template is transformed once per content, and a cache that fails is no failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import cache
from local.template.document import load_document

ROOT = Path(__file__).parents[2]
PLAIN = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": "x"}}}}


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(PLAIN))
    return path


def entries(cache_home: Path) -> list[Path]:
    return sorted((cache_home / "lambda-sse").iterdir())


def load(path: Path) -> dict[str, object]:
    return load_document(path, parameters={}, region="us-east-1")


def test_entry_is_used(cache_home: Path, template: Path) -> None:
    """The second reading takes what the first one left, without transforming again."""
    first = load(template)
    [entry] = entries(cache_home)
    entry.write_text(json.dumps({"Resources": {"Kept": {}}}))

    assert first["Resources"] != load(template)["Resources"] == {"Kept": {}}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_corrupt_entry(cache_home: Path, template: Path, content: bytes) -> None:
    """An entry that cannot be understood is made again."""
    expected = load(template)
    [entry] = entries(cache_home)
    entry.write_bytes(content)

    assert load(template) == expected
    assert json.loads(entry.read_bytes()) == expected
    assert entries(cache_home) == [entry]


def test_cache_that_cannot_be_written(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that is a file hinders nobody."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert load(template) == load(template)


def test_relative_cache_home_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The XDG specification: a relative path is invalid; the default is ~/.cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))

    cache.write_entry("k", {"a": 1})

    assert json.loads((tmp_path / ".cache/lambda-sse/template-k.json").read_text()) == {"a": 1}
    assert cache.read_entry("k") == {"a": 1}


def keys() -> Iterator[str]:
    yield cache.entry_key(b"one", parameters={}, region="us-east-1")
    yield cache.entry_key(b"two", parameters={}, region="us-east-1")
    yield cache.entry_key(b"one", parameters={"A": "1"}, region="us-east-1")
    yield cache.entry_key(b"one", parameters={"A": "2"}, region="us-east-1")
    yield cache.entry_key(b"one", parameters={}, region="eu-west-1")


def test_key_holds_what_the_transform_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content, parameters, region and the translator's version each make another entry."""
    before = list(keys())
    monkeypatch.setattr(cache, "translator_version", lambda: "aws_sam_translator-0.0.0.dist-info")
    after = list(keys())

    assert before == list(dict.fromkeys(before))
    assert not set(before) & set(after)


def test_translator_version() -> None:
    """The version in the key is the one that would be imported."""
    from importlib.metadata import version

    assert cache.translator_version() == f"aws_sam_translator-{version('aws-sam-translator')}.dist-info"


def test_hit_imports_nothing_heavy(cache_home: Path) -> None:
    """The first word of a story does not wait for PyYAML, the translator, botocore, or the machinery of a child."""
    program = (
        "import sys; from pathlib import Path\n"
        "from local.template.addresses import Addresses\n"
        "from local.template.stack import read_stack\n"
        "read_stack(Path('template.yaml'), addresses=Addresses())\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )

    def modules() -> set[str]:
        child = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=dict(os.environ), capture_output=True, check=True, text=True
        )
        return set(child.stdout.split())

    heavy = {"yaml", "samtranslator", "boto3", "botocore", "moto", "logging", "asyncio", "tempfile", "subprocess"}
    assert modules() & heavy == {"subprocess"}  # a miss: the child alone imports the rest
    assert modules() & heavy == set()
