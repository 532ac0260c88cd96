"""The tool itself: what it changes, whom it asks, and that it tells a test that notices."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from mutants.changes import Change, changes_of
from mutants.earlier import TRACE, TRIALS, killed_before, traced_before
from mutants.page import page_of, read_reasons, wilson
from mutants.reach import Reach, collect, read
from mutants.trial import KILLED, SURVIVED, Trial, copy_tree, try_change
from mutants.unreached import unreached

CODE = '''
"""Words < words."""

__all__ = ["least"]
Number = int | float


def least(a: int | float, b=1, *, side="left"):
    """Say the least; 1 < 2."""
    if a < b and not side == "right":
        return a + 1
    if a is None:
        raise ValueError(f"{a + b} is none.")
    log(a)
    return min(a, b)
'''


def found(code: str) -> set[tuple[str, str]]:
    return {(c.before, c.after) for c in changes_of("m.py", code.encode())}


def test_every_kind_of_change_is_found_and_no_word_or_type_is_touched():
    assert found(CODE) == {
        ("1", "0"),
        ('"left"', "'right'"),
        ('"right"', "'left'"),
        ("a < b", "a <= b"),
        ('side == "right"', "side != 'right'"),
        ('not side == "right"', "(side == 'right')"),
        ('a < b and not side == "right"', "(a < b or not side == 'right')"),
        ('a < b and not side == "right"', "True"),
        ('a < b and not side == "right"', "False"),
        ("a < b", "True"),
        ('not side == "right"', "True"),
        ("a + 1", "(a - 1)"),
        ("a is None", "a is not None"),
        ("a is None", "True"),
        ("a is None", "False"),
        ('raise ValueError(f"{a + b} is none.")', "pass"),
        ("log(a)", "pass"),
        ("min(a, b)", "max(a, b)"),
    }


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("x = 3 <= y < z", {"3 < y < z", "3 <= y <= z", "4"}),
        ("x = -y", {"(y)"}),
        ("x = 'a' + y", set()),
        ("x = y ** 2.5", {"(y * 2.5)", "3.5"}),
        ("x = [y for y in z if y]", {"True"}),
        ("x = y or z", {"(y and z)", "False"}),
        ("x += y", {"pass"}),
        ("x = y.any() + np.sum(z)", {"(y.any() - np.sum(z))", "y.all()", "np.mean(z)"}),
        ("x: int = 1", {"0"}),
        ("if TYPE_CHECKING:\n    x = 1", set()),
        ("while x:\n    break", {"pass"}),
    ],
)
def test_what_code_can_become(code, after):
    assert {text for _, text in found(code)} == after


def test_a_change_is_made_in_its_place_and_nowhere_else():
    source = "x = 'größe'; y = (1 < 2,\n     3 < 4)\n".encode()
    (change,) = (c for c in changes_of("m.py", source) if c.after == "3 <= 4")
    assert change.apply(source).decode() == "x = 'größe'; y = (1 < 2,\n     3 <= 4)\n"


def test_changes_that_read_the_same_are_told_apart():
    changes = changes_of("src/allsurv/m.py", b"def f(a):\n    return a < 1 and a < 1\n")
    keys = [change.key for change in changes]
    assert keys.count("m.py:f: a < 1 -> a <= 1") == keys.count("m.py:f: a < 1 -> a <= 1 (2)") == 1
    assert len(set(keys)) == len(keys)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A package of two functions, one of which is tested at its boundary."""
    root = tmp_path_factory.mktemp("project")
    files = {
        "src/allsurv/__init__.py": "",
        "src/allsurv/errors/__init__.py": "",
        "src/allsurv/errors/one.py": (
            "LIMIT = 200\n"
            "def grown(age):\n"
            "    if age < 0:\n"
            "        raise ValueError(age)\n"
            "    return age >= 18\n"
            "\n"
            "def old(age):\n"
            "    if age > LIMIT:\n"
            "        raise ValueError(age)\n"
            "    return age >= 65\n"
        ),
        "tests/errors/test_one.py": (
            "import pytest\n"
            "from allsurv.errors.one import grown, old\n"
            "@pytest.fixture(scope='module')\n"
            "def table():\n"
            "    return [old(age) for age in (20, 80)]\n"
            "def test_grown():\n"
            "    assert [grown(a) for a in (17, 18)] == [False, True]\n"
            "    pytest.raises(ValueError, grown, -1)\n"
            "def test_old_once(table):\n"
            "    assert table[0] is False\n"
            "def test_old_twice(table):\n"
            "    assert table[1] is True\n"
            "def test_broken():\n"
            "    assert grown(3)\n"
        ),
        "tests/errors/test_limit.py": (
            "from allsurv.errors import one\ndef test_limit():\n    assert one.LIMIT == 200\n"
        ),
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-ra"]\n',
        ".gitignore": "ignored.txt\n",
        "ignored.txt": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture(scope="module")
def traced(project, tmp_path_factory) -> tuple[Path, Reach]:
    tree = copy_tree(project, tmp_path_factory.mktemp("copy"))
    (tree / "tests" / "mutants").symlink_to(Path(__file__).parent)
    folder = tmp_path_factory.mktemp("contexts")
    collect(tree, ["tests"], folder, 1)
    return tree, read(folder, tree)


def change_of(tree: Path, before: str, after: str) -> Change:
    module = "src/allsurv/errors/one.py"
    source = (tree / module).read_bytes()
    (one,) = (c for c in changes_of(module, source) if (c.before, c.after) == (before, after))
    return one


def test_the_copy_holds_what_git_would_keep(traced):
    tree, _ = traced
    assert (tree / "src" / "allsurv" / "errors" / "one.py").is_file()
    assert not (tree / "ignored.txt").exists()


def test_tests_are_found_by_line_and_through_fixtures_they_share(traced):
    tree, reach = traced
    tests, how = reach.tests_of(change_of(tree, "age >= 18", "age > 18"))
    assert (tests, how) == (["tests/errors/test_one.py::test_grown"], "line")
    tests, how = reach.tests_of(change_of(tree, "age >= 65", "age > 65"))
    assert {t.rpartition("::")[2] for t in tests} == {"test_old_once", "test_old_twice"}
    assert reach.broken == {"tests/errors/test_one.py::test_broken"}


def test_a_change_that_tests_notice_is_killed_and_the_copy_is_as_before(traced):
    tree, reach = traced
    change = change_of(tree, "age >= 18", "age > 18")
    file = tree / change.module
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    trial = try_change(change, reach, tree, 60, {})
    assert (trial.outcome, trial.killer) == (KILLED, "tests/errors/test_one.py::test_grown")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_constant_is_reached_through_who_imports_it(traced):
    tree, reach = traced
    change = change_of(tree, "200", "201")
    tests, how = reach.tests_of(change)
    assert how == "importers"
    assert "tests/errors/test_limit.py::test_limit" in tests
    trial = try_change(change, reach, tree, 60, {})
    assert (trial.outcome, trial.killer) == (KILLED, "tests/errors/test_limit.py::test_limit")


def test_a_boundary_that_no_test_tries_survives(traced):
    tree, reach = traced
    trial = try_change(change_of(tree, "age >= 65", "age > 65"), reach, tree, 60, {})
    assert (trial.outcome, trial.n_tests, trial.n_asked) == (SURVIVED, 2, 2)


def test_a_test_that_fails_without_the_change_proves_nothing(traced):
    tree, reach = traced
    broken = "tests/errors/test_one.py::test_broken"
    lines = {**reach.lines["src/allsurv/errors/one.py"], 10: {broken}}
    wrong = Reach(
        {"src/allsurv/errors/one.py": lines},
        {**reach.seconds, broken: 0.0},
        {**reach.fixtures, broken: frozenset()},
        reach.setup,
    )
    sound: dict[str, bool] = {}
    trial = try_change(change_of(tree, "age >= 65", "age > 65"), wrong, tree, 60, sound)
    assert (trial.outcome, trial.n_asked) == (SURVIVED, 0)
    assert sound == {broken: False}


def test_code_that_cannot_be_imported_is_noticed(traced):
    tree, reach = traced
    change = change_of(tree, "age >= 18", "age > 18")
    stop = Change(**{**vars(change), "after": "age > 18\nraise ImportError"})
    assert try_change(stop, reach, tree, 60, {}).outcome == KILLED


def test_refusals_that_no_test_reaches_are_named(traced):
    tree, reach = traced
    assert list(unreached(tree, ["errors"], reach)) == [
        "src/allsurv/errors/one.py:9: raise ValueError(age)"
    ]


def test_tests_are_asked_within_their_time_and_one_at_least():
    reach = Reach(
        seconds={"a": 1.0, "b": 2.0, "c": 4.0},
        fixtures={"a": frozenset(), "b": frozenset({"f"}), "c": frozenset({"f"})},
        setup={"f": 10.0},
    )
    assert reach.within(["a", "b", "c"], 20) == ["a", "b", "c"]
    assert reach.within(["a", "b", "c"], 13.5) == ["a", "b"]
    assert reach.within(["b", "a"], 0.5) == ["b"]
    assert reach.cost(["b", "c"]) == 16.0


def test_a_trace_is_kept_as_it_was(traced):
    _, reach = traced
    again = Reach.of_json(json.loads(json.dumps(reach.to_json())))
    assert again == reach
    assert reach.without([]) == reach
    assert reach.without([]).joined(reach) == reach


@pytest.fixture
def earlier(traced, tmp_path) -> Path:
    """Place of a run that traced everything and saw one change noticed and one not."""
    tree, reach = traced
    place = tmp_path / "a1-tests"
    place.mkdir()
    shutil.copytree(tree, place / "tree0", symlinks=True)
    (place / TRACE).write_text(json.dumps(reach.to_json()))
    noticed = change_of(tree, "age >= 18", "age > 18")
    trials = [
        Trial(noticed, KILLED, "tests/errors/test_one.py::test_grown", "line", 1, 1),
        Trial(change_of(tree, "age >= 65", "age > 65"), SURVIVED, "", "line", 2, 2),
    ]
    (place / TRIALS).write_text("".join(json.dumps(asdict(trial)) + "\n" for trial in trials))
    return place


def copied(earlier: Path) -> Path:
    return Path(shutil.copytree(earlier / "tree0", earlier.parent / "now", symlinks=True))


def test_what_was_noticed_holds_while_module_and_test_are_the_same(earlier):
    place, tree = earlier.parent / "b2-tests", copied(earlier)
    assert [t.change.before for t in killed_before(place, tree)] == ["age >= 18"]
    (tree / "tests" / "errors" / "test_limit.py").write_text("")
    assert len(list(killed_before(place, tree))) == 1  # another test
    (tree / "tests" / "errors" / "test_one.py").write_text("")
    assert not list(killed_before(place, tree))


def test_only_files_of_tests_that_changed_are_traced_again(earlier):
    place, tree = earlier.parent / "b2-tests", copied(earlier)
    known, again = traced_before(place, tree, ["tests"])
    assert again == []
    assert "tests/errors/test_limit.py::test_limit" in known.seconds
    (tree / "tests" / "errors" / "test_limit.py").write_text("def test_new(): pass\n")
    known, again = traced_before(place, tree, ["tests"])
    assert again == ["tests/errors/test_limit.py"]
    assert not any("test_limit" in test for test in known.seconds)
    assert "tests/errors/test_one.py::test_grown" in known.seconds
    assert traced_before(place, tree, ["tests/other"])[1] == []
    assert traced_before(earlier.parent / "b2-others", tree, ["tests"]) == (Reach(), [])
    module = tree / "src" / "allsurv" / "errors" / "one.py"
    module.write_text(module.read_text() + "\n")
    assert traced_before(place, tree, ["tests"]) == (Reach(), [])


def test_the_page_counts_and_explains(tmp_path):
    changes = [
        Change(f"src/allsurv/{p}/m.py", 0, 1, "k", b, "x", "f", 3, 3, 3)
        for p, b in (("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"))
    ]
    outcomes = (KILLED, SURVIVED, SURVIVED, KILLED)
    trials = [
        Trial(c, outcome, "", "line", 5, 4) for c, outcome in zip(changes, outcomes, strict=True)
    ]
    reasons = tmp_path / "reasons.yaml"
    reasons.write_text("- {change: 'a/m.py:f: 2 -> x', reason: equivalent, why: Both are even.}\n")
    page = page_of(trials, read_reasons(reasons), 7)
    assert "(seed 7)" in page
    assert "| a | 3 | 1 | 1 | 0 | 1 | 50% (9 to 91) |" in page
    assert "| all | 4 | 2 | 1 | 0 | 1 | 67% (21 to 94) |" in page
    assert "`2 -> x` | 4 of 5 tests that reach its line | equivalent: Both are even. |" in page
    assert "| **gap** |" in page
    reasons.write_text("- {change: x, reason: unclear, why: Who knows.}\n")
    with pytest.raises(SystemExit, match="reason is one of"):
        read_reasons(reasons)


def test_wilsons_interval():
    # Of 0 in 10, z^2 / (10 + z^2) = 3.8415 / 13.8415 is the upper limit.
    low, high = wilson(0, 10)
    assert (low, high) == (pytest.approx(0, abs=1e-12), pytest.approx(3.8414588 / 13.8414588))
    assert wilson(0, 0) == (0.0, 1.0)
