"""Reports of a score sheet for programs and for people: JUnit XML and Markdown."""

from datetime import datetime
from xml.etree import ElementTree

from gateway.kit.clock import rfc3339
from gateway.services.webhooks.certification.sheet import Result, Sheet, State

SUITE = "gateway sandbox verify"


def junit_report(sheet: Sheet, at: datetime) -> str:
    """Returns the sheet as JUnit XML, with one test case for each check. `at` is the time of the run. A warning is a
    passed test case with an output."""
    suite = ElementTree.Element(
        "testsuite",
        name=SUITE,
        hostname=sheet.target,
        timestamp=rfc3339(at),
        tests=str(len(sheet.results)),
        failures=str(sheet.count(State.FAILED)),
        errors="0",
        skipped=str(sheet.count(State.SKIPPED)),
        time=f"{sum(result.seconds for result in sheet.results):.3f}",
    )
    for result in sheet.results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="webhook_receiver", name=result.name, time=f"{result.seconds:.3f}"
        )
        match result.state:
            case State.FAILED:
                ElementTree.SubElement(case, "failure", message=result.came).text = _details(result)
            case State.SKIPPED:
                ElementTree.SubElement(case, "skipped", message=result.came)
            case State.WARNING:
                ElementTree.SubElement(case, "system-out").text = _details(result)
            case State.PASSED:
                pass
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


def markdown_report(sheet: Sheet, at: datetime) -> str:
    """Returns the sheet as a Markdown page. `at` is the time of the run."""
    lines = [
        "# Webhook receiver",
        "",
        f"`{sheet.target}`, checked at {rfc3339(at)}. **{sheet.summary}**",
        "",
        "| check | result | expected | came | to do |",
        "|---|---|---|---|---|",
    ]
    for result in sheet.results:
        advice = result.advice if result.needs_action else ""
        cells = (result.name, result.state, result.expected, result.came, advice)
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*lines, ""])


def _details(result: Result) -> str:
    return f"expected: {result.expected}\ncame: {result.came}\nto do: {result.advice}"


def _cell(text: str) -> str:
    """The text without characters that have a meaning in a table of Markdown."""
    return "".join(f"\\{each}" if each in "\\|`*_<>[]" else each for each in text)
