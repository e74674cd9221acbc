"""JUnit's XML, which CI services read: one test case for each rule and row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from quantbench.report.gate.words import case_name, sentence
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged

SUITE = "quantbench compare"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


def junit(judged: Sequence[Judged], *, strict: bool) -> bytes:
    """The content of a JUnit file; what isn't resolved is skipped, or failed where `strict`."""
    cases = [_case(each, strict=strict) for each in judged]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": "0",
    }
    suites = Xml.Element("testsuites", {"name": SUITE, **counts})
    suite = Xml.SubElement(suites, "testsuite", {"name": SUITE, **counts})
    suite.extend(cases)
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(judged: Judged, *, strict: bool) -> Xml.Element:
    name = {"classname": "quantbench.compare", "name": _xml(case_name(judged)), "time": "0"}
    case, text = Xml.Element("testcase", name), _xml(sentence(judged))
    if judged.outcome is Outcome.PASS:
        Xml.SubElement(case, "system-out").text = text
    elif judged.outcome is Outcome.FAIL or strict:
        Xml.SubElement(case, "failure", {"message": text, "type": judged.outcome.value})
    else:
        Xml.SubElement(case, "skipped", {"message": text, "type": judged.outcome.value})
    return case


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
