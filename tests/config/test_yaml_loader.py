"""YAML: what people mean, with the line; what could mean something else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.config.problems import ConfigError
from controller.config.yaml_loader import load, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", 1000.0),
        ("-1E-3", -0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("0x10", 16),
        ("+7", 7),
        ("true", True),
        ("", None),
        ("~", None),
        ("NO", "NO"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2001-01-01", "2001-01-01"),
        ("'.nan'", ".nan"),
        ("'1e3'", "1e3"),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: Any):
    found = parse(f"key: {text}\n", "f.yaml").data["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: written twice, first at line 1; keep one"),
        ("a: {1: x, '1': y}\n", "f.yaml:1: a.1: written twice, first at line 1; keep one"),
        ("a:\n  b: .nan\n", "f.yaml:2: a.b: must be a finite number, not .nan"),
        ("a: [1, -.inf]\n", "f.yaml:1: a[1]: must be a finite number, not -.inf"),
        ("a: 1e999\n", "f.yaml:1: a: must be a finite number, not 1e999"),
        ("a: 010\n", "f.yaml:1: a: 010 could mean octal or decimal; write it without leading zeros, or quote it"),
        ("a:\n\tb: 1\n", "f.yaml:2: a tab is used for indentation; use spaces"),
        ("a: &x 1\nb: *x\n", "f.yaml:1: b: anchors and aliases are not supported; write the value where it is used"),
        ("a: &x [*x]\n", "f.yaml:1: a[0]: anchors and aliases are not supported; write the value where it is used"),
        (
            "a: !!python/name:os.system x\n",
            "f.yaml:1: a: tag tag:yaml.org,2002:python/name:os.system is not supported; remove it",
        ),
        ("a: 1\n---\nb: 2\n", "f.yaml:3: a second document starts here; one file, one document"),
        ("- 1\n", "f.yaml:1: not a mapping; write keys and values, e.g. 'bench: my-bench'"),
        ("", "f.yaml: the file is empty"),
        ("a: {b: 1\n", "f.yaml:2: not valid YAML: expected ',' or '}', but got '<stream end>'"),
        ("true: 1\n", "f.yaml:1: key 'true' must be a word or a whole number; quote it"),
        ("? [1]\n: 2\n", "f.yaml:1: a key must be a word or a whole number"),
        ("[" * 5000, "f.yaml: nested too deeply"),
    ],
)
def test_what_could_mean_something_else_is_refused(text: str, says: str):
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml")
    assert str(caught.value) == says


def test_several_problems_are_told_at_once_in_the_order_of_lines():
    with pytest.raises(ConfigError) as caught:
        parse("a: .inf\nb: 010\na: 1\n", "f.yaml")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3]


def test_lines_are_those_of_keys_and_of_list_items():
    document = parse("a:\n  b: 1\nc:\n  - x\n  - y\n", "f.yaml")
    assert document.line(("a", "b")) == 2
    assert document.line(("c", 1)) == 5
    assert document.line(("a", "missing", "deeper")) == 1  # the nearest that is written down


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load(tmp_path / "none.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: 20 °C\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: not UTF-8 text; save the file as UTF-8"):
        load(latin)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than 1000000 bytes"):
        load(large)


def test_a_byte_order_mark_is_no_key(tmp_path: Path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfbench: x\n")
    assert load(path).data == {"bench": "x"}
