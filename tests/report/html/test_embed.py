"""The network in the page: what is embedded, and that the browser computes its integers."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.c99.compile import planned
from quantbench.c99.ir.graph import ends
from quantbench.c99.ir.interpreter import execute, quantized
from quantbench.data import preprocess
from quantbench.data.mnist import SPEC
from quantbench.report.html import embed
from quantbench.report.html.embed import embedded_of
from quantbench.report.html.page import report_html
from quantbench.report.html.parts import Embedded
from quantbench.results.records import Results
from quantbench.samples.images import Preprocessing, decode
from quantbench.studies.quantize import quantize
from quantbench.tasks.digit import normalise
from quantbench.tasks.task import Task
from tests import networks
from tests.report.builder import results, row
from tests.report.html.chromium import chromium, opened

pytestmark = pytest.mark.slow

STROKES = {
    "1": [[(140, 50), (140, 230)]],
    "7": [[(80, 70), (200, 70), (120, 230)]],
    "4": [[(120, 60), (90, 150), (190, 150)], [(160, 90), (160, 230)]],
    "at the edge": [[(10, 20), (60, 20)], [(140, 100), (140, 200)]],
    "dust": [[(100, 60), (180, 200)], [(250, 250), (250, 250)]],
}


def study(artifact: str, **changes: Any) -> Results:
    base = row(single=50.0, model=50.0)
    quantized_row = row(
        "fast", size=75_000, float_macs=0, baseline=base, single=20.0, model=10.0
    ).model_copy(update={"format": "onnx", "artifact": artifact, **changes})
    return results(base, quantized_row)


@pytest.fixture(scope="module")
def folder(artifacts: Any) -> Path:
    path: Path = artifacts("lenet", "ort_static", "onnx").folder
    return path


@pytest.fixture(scope="module")
def network(folder: Path) -> Embedded:
    found = embedded_of(study(folder.name), folder.parent)
    if isinstance(found, str):
        assert "WebAssembly" in found
        pytest.skip(found)
    return found


def test_the_module_and_its_ends_are_embedded(network: Embedded, folder: Path) -> None:
    plan = planned(folder / "model.onnx")
    assert network.row == "fast on torch"
    assert base64.b64decode(network.wasm).startswith(b"\0asm")
    assert network.description["classes"] == list("0123456789")
    golden = network.description["golden"]
    assert isinstance(golden, dict)
    inputs = np.frombuffer(base64.b64decode(golden["inputs"]), np.uint8)
    shaped = inputs.reshape(-1, *plan.input.shape)  # one channel: both orders are the same
    assert (
        execute(plan.graph, shaped.astype(np.int64)).reshape(len(shaped), -1).tolist()
        == (golden["outputs"])
    )
    html = report_html(study(folder.name), embedded=network)
    assert len(html) < 1_000_000
    assert "wasm-unsafe-eval" in html


def test_why_there_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder.parent
    assert embedded_of(results(), out) == (
        "float32 is kept, and only a network of integers is put into a page"
    )
    assert embedded_of(study(folder.name).model_copy(update={"sample": "sample"}), out) == ""
    for data in ("fashion_mnist", "cifar10", "mine"):
        why = embedded_of(study(folder.name).model_copy(update={"data": data}), out)
        assert "how a picture becomes its input isn't known" in str(why)
    assert "is no ONNX file" in str(embedded_of(study(folder.name, format="pt2"), out))
    assert "absent" in str(embedded_of(study("absent"), out))
    monkeypatch.setattr(embed, "_LARGEST", 1_000)
    found = embedded_of(study(folder.name), out)
    assert "bytes are more than the 1,000 that a page holds" in str(found)


PREPARATION = Preprocessing(resize=12, crop=(8, 8), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
"""From pictures to the input of a network of 8x8 colored pixels."""


@pytest.fixture(scope="module")
def of_images(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An int8 network of images, quantized on random ones."""
    network = networks.small("residual")
    samples = networks.calibration(network)
    task = Task(network, "mine", samples, samples)
    parent = tmp_path_factory.mktemp("images")
    return quantize(task, "ort_static", plugins.method("ort_static").SETTINGS(), "onnx", parent)


def images_study(artifact: Artifact, **changes: Any) -> Results:
    update = {"data": "mine", "preparation": PREPARATION, "classes": ("a", "b", "c", "d")}
    return study(artifact.folder.name).model_copy(update=update | changes)


def test_a_picture_becomes_the_integers_of_a_network_of_images(
    of_images: Artifact, tmp_path: Path
) -> None:
    """The browser resizes, cuts and normalises as samples/images.py, and answers as the C does."""
    found = embedded_of(images_study(of_images), of_images.folder.parent)
    if isinstance(found, str):
        assert "WebAssembly" in found
        pytest.skip(found)
    file, picture = tmp_path / "report.html", tmp_path / "picture.png"
    file.write_text(report_html(images_study(of_images), embedded=found), encoding="utf-8")
    pixels = np.random.default_rng(5).integers(0, 256, (31, 45, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((90, 62), Image.Resampling.BICUBIC).save(picture)
    graph = planned(of_images.folder / "model.onnx").graph
    with chromium() as browser, opened(browser, file) as page:
        page.page.locator(".trial .verdict", has_text="Drop a picture").wait_for()
        assert "8 of 8 golden vectors" in page.page.locator(".golden").inner_text()
        page.page.locator("input[type=file]").set_input_files(picture)
        page.page.locator(".verdict", has_text="The answer is").wait_for()
        view = page.page.evaluate(
            "(v => [...v.getContext('2d').getImageData(0, 0, v.width, v.height).data])"
            "(document.querySelector('canvas.view'))"
        )
        seen = np.asarray(view, np.uint8).reshape(8, 8, 4)[:, :, :3]
        expected = decode(picture, PREPARATION)
        assert np.abs(seen.astype(int) - expected.astype(int)).max() <= 1
        integers = called(page, "[...q.quantized(Uint8Array.from(a))]", seen.reshape(-1).tolist())
        inputs = quantized(PREPARATION((seen[np.newaxis],))[0], ends(graph)[0])
        assert integers == np.moveaxis(inputs, 1, -1).reshape(-1).tolist()
        answer = called(page, "q.run(Uint8Array.from(a))", integers)
        assert answer == execute(graph, inputs).reshape(-1).tolist()
        small = tmp_path / "text.png"
        small.write_bytes(b"no picture")
        page.page.locator("input[type=file]").set_input_files(small)
        page.page.locator(".verdict", has_text="isn't a picture").wait_for()
        assert page.said == []
        assert page.asked == [file.as_uri()]


def test_a_network_of_other_images_is_refused(of_images: Artifact) -> None:
    for preparation, why in (
        (PREPARATION.model_copy(update={"crop": (9, 9)}), "doesn't take images of 9x9"),
        (Preprocessing(channels="L"), "doesn't take images of 1 channels"),
    ):
        results_ = images_study(of_images, preparation=preparation)
        said = str(embedded_of(results_, of_images.folder.parent))
        assert why in said or "WebAssembly" in said


@pytest.fixture(scope="module")
def shown(
    network: Embedded, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(report_html(study(folder.name), embedded=network), encoding="utf-8")
    with chromium() as browser, opened(browser, file) as found:
        found.page.locator("canvas.ink").wait_for()
        yield found
        assert found.said == []
        assert found.asked == [file.as_uri()]


def called(shown: Any, code: str, argument: Any = None) -> Any:
    """The value of an expression of the page's own functions, `q`, and of `argument`, `a`."""
    body = f"(a) => {{ const q = document.querySelector('.trial').quantbench; return {code}; }}"
    return shown.page.evaluate(body, argument)


def test_the_browser_computes_the_integers_bit_for_bit(shown: Any, folder: Path) -> None:
    graph = planned(folder / "model.onnx").graph
    assert "8 of 8 golden vectors" in shown.page.locator(".golden").inner_text()
    inputs = np.random.default_rng(3).integers(0, 256, (20, 1, 32, 32))
    given = [each.reshape(-1).tolist() for each in inputs]
    answers = called(shown, "a.map(values => q.run(Uint8Array.from(values)))", given)
    assert answers == execute(graph, inputs).reshape(20, -1).tolist()


@pytest.mark.parametrize("name", STROKES)
def test_a_drawing_is_prepared_as_predict_prepares_it(shown: Any, folder: Path, name: str) -> None:
    draw(shown, STROKES[name])
    gray, digit = called(
        shown,
        "(g => [[...g.data], [...q.digitOf(g)]])(q.gray(document.querySelector('canvas.ink')"
        ".getContext('2d').getImageData(0, 0, 280, 280)))",
    )
    pixels = np.asarray(gray, np.float32).reshape(280, 280)
    expected = normalise(pixels, name)
    assert np.asarray(digit).reshape(28, 28).tolist() == expected.tolist()
    graph = planned(folder / "model.onnx").graph
    input_, _ = ends(graph)
    integers = quantized(preprocess(expected[np.newaxis], SPEC), input_)
    assert called(shown, "[...q.quantized(a)]", digit) == integers.reshape(-1).tolist()
    logits = called(shown, "q.run(q.quantized(a))", digit)
    assert logits == execute(graph, integers).reshape(-1).tolist()
    verdict = shown.page.locator(".trial .verdict").inner_text()
    assert verdict.startswith("It is a ")
    assert shown.page.locator(".probabilities li").count() == 10


def draw(shown: Any, strokes: list[list[tuple[int, int]]]) -> None:
    page, canvas = shown.page, shown.page.locator("canvas.ink")
    page.locator(".trial .clear").click()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for (x, y), *rest in strokes:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for u, v in rest:
            page.mouse.move(box["x"] + u, box["y"] + v, steps=4)
        page.mouse.up()
    page.locator(".probabilities li").nth(9).wait_for()


def test_an_empty_field_and_what_is_no_picture_are_not_guessed(shown: Any, tmp_path: Path) -> None:
    page = shown.page
    page.locator(".trial .clear").click()
    verdict = page.locator(".trial .verdict")
    assert verdict.inner_text() == "Draw a digit."
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"no picture")
    page.locator("input[type=file]").set_input_files(wrong)
    page.locator(".verdict", has_text="isn't a picture").wait_for()
    assert page.locator(".probabilities li").count() == 0


@pytest.mark.parametrize("dark", [True, False])
def test_a_picture_is_prepared_as_predict_prepares_it(
    shown: Any, tmp_path: Path, *, dark: bool
) -> None:
    picture = Image.new("L", (300, 200), 240 if dark else 20)
    ImageDraw.Draw(picture).line([(120, 60), (180, 60), (140, 150)], 30 if dark else 230, 14)
    file = tmp_path / "seven.png"
    picture.save(file)
    page = shown.page
    page.locator(".trial .clear").click()
    page.locator("input[type=file]").set_input_files(file)
    page.locator(".probabilities li").nth(9).wait_for()
    url = page.evaluate("document.querySelector('canvas.view').toDataURL()")
    view = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")
    expected = normalise(np.asarray(picture, np.float32), "seven").astype(int)
    assert np.abs(np.asarray(view).astype(int) - expected).max() <= 1


def test_the_keyboard_draws_too(shown: Any) -> None:
    page, canvas = shown.page, shown.page.locator("canvas.ink")
    canvas.press("Escape")
    canvas.press("Space")
    for _ in range(14):
        canvas.press("ArrowDown")
    page.locator(".probabilities li").nth(9).wait_for()
    canvas.press("Delete")
    assert page.locator(".trial .verdict").inner_text() == "Draw a digit."
