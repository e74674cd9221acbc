"""JUnit's XML is checked against what pytest writes by its own code: CI services read that."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest

from quantbench.report.gate.junit import junit
from tests.process import python
from tests.report.gate.checks import ALL, OPEN, PASSED, check

TESTS = """
import pytest
def test_passes(): print("told")
def test_fails(): assert 1 == 2
@pytest.mark.skip(reason="not now")
def test_skipped(): pass
"""
HOSTS = {"timestamp", "hostname"}
"""Attributes about the machine and the time, which a comparison of files has none of."""


def parsed(content: bytes) -> Xml.Element:
    return Xml.fromstring(content)  # noqa: S314  # written by this test


@pytest.fixture(scope="module")
def by_pytest(tmp_path_factory: pytest.TempPathFactory) -> Xml.Element:
    folder = tmp_path_factory.mktemp("junit")
    (folder / "test_three.py").write_text(TESTS)
    python("-m", "pytest", "-q", "--junitxml=out.xml", "-o", "junit_logging=system-out",
           "test_three.py", cwd=folder)  # fmt: skip
    return parsed((folder / "out.xml").read_bytes())


def shape(root: Xml.Element) -> dict[str, tuple[set[str], set[str]]]:
    """Tag -> the attributes and the children that elements of this tag have."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for element in root.iter():
        attributes, children = found.setdefault(element.tag, (set(), set()))
        attributes |= element.attrib.keys()
        children |= {child.tag for child in element}
    return found


def counts(root: Xml.Element) -> dict[str, str]:
    (suite,) = root
    names = ("tests", "failures", "errors", "skipped")
    return {name: suite.attrib[name] for name in names}


def test_it_has_the_elements_and_attributes_that_pytest_writes(by_pytest: Xml.Element) -> None:
    ours, theirs = shape(parsed(junit(ALL, strict=False))), shape(by_pytest)
    assert ours.keys() == theirs.keys()
    for tag in ours:
        attributes, children = theirs[tag]
        assert ours[tag][0] >= attributes - HOSTS - ({"message"} if tag == "system-out" else set())
        assert ours[tag][1] == children
    assert counts(by_pytest) == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    assert counts(parsed(junit(ALL, strict=False))) == counts(by_pytest)


def test_each_case_says_what_was_found() -> None:
    ((failed, passed, skipped),) = parsed(junit(ALL, strict=False))
    assert failed.attrib["name"] == "latency[static on torch] > +3%"
    (failure,) = failed
    assert (failure.tag, failure.attrib["message"]) == (
        "failure", "A 41.0 µs, B 43.1 µs, +5.10% (95% interval +3.20% to +7.00%)"
    )  # fmt: skip
    assert [child.tag for child in passed] == ["system-out"]
    assert [child.tag for child in skipped] == ["skipped"]


def test_strict_fails_what_is_not_resolved() -> None:
    root = parsed(junit((OPEN, PASSED), strict=True))
    assert counts(root) == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    (failure,) = root[0][0]
    assert failure.attrib["type"] == "not resolved"


def test_names_of_untrusted_files_stay_text() -> None:
    odd = check("latency > +3%", OPEN.outcome, row='"><failure/>\x1b\x00\ufffe', reason="]]>&<")
    ((case,),) = parsed(junit((odd,), strict=False))
    assert case.attrib["name"] == 'latency["><failure/>???] > +3%'
    assert case[0].attrib["message"] == "]]>&<"
