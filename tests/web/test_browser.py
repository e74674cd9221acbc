"""The page in headless Chromium, with LeNet of MNIST's digits behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from quantbench import plugins
from quantbench.data import Split, Splits, as_samples, preprocess_sha256
from quantbench.data.mnist import SPEC
from quantbench.studies.load import untrained
from quantbench.studies.quantize import quantize
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import with_weights
from quantbench.training.recipes import Recipe
from quantbench.training.train import train
from quantbench.web.answering import Answering
from quantbench.web.layers import insides_of
from quantbench.web.page import serve_html
from quantbench.web.row_worker import RowWorker, ServedRow
from quantbench.web.server import Server, Site
from tests.report.html.chromium import DESKTOP, PHONE, chromium

pytestmark = pytest.mark.slow

STROKES = {
    "1": [(140, 50), (140, 230)],
    "0": [(140, 50), (90, 80), (75, 140), (90, 200), (140, 230), (190, 200), (205, 140),
          (190, 80), (140, 50)],
    "7": [(80, 70), (200, 70), (120, 230)],
}  # fmt: skip


def part(split: Split, name: str, start: int, stop: int) -> Any:
    cut = slice(start, stop)
    images, labels, index = (
        array[cut].copy() for array in (split.images, split.labels, split.index)
    )
    return as_samples(Split(name, images, labels, index), SPEC)


@pytest.fixture(scope="module")
def rows(mnist: Splits, tmp_path_factory: pytest.TempPathFactory) -> list[ServedRow]:
    folder = tmp_path_factory.mktemp("lenet")
    task = Task(
        network=untrained("lenet"),
        data="mnist",
        train=part(mnist.train, "train", 0, 6_000),
        calibration=part(mnist.calibration, "calibration", 0, 300),
        test=part(mnist.test, "test", 0, 300),
        classes=SPEC.classes,
        preprocessing_sha256=preprocess_sha256(SPEC),
        reader="mnist",
    )
    recipe = Recipe(optimizer="muon", lr=0.02, momentum=0.9, batch=60, epochs=3, shift=1)
    trained = with_weights(task, train(task, "short", recipe, 1, folder))
    made = []
    for method, format, runtime in (
        ("float32", "state_dict", "torch"),
        ("static", "state_dict", "torch"),
        ("ort_static", "onnx", "onnxruntime"),
    ):
        settings = plugins.method(method).SETTINGS()
        artifact = quantize(trained, method, settings, format, folder)
        made.append(ServedRow(f"{method} on {runtime}", artifact.folder, runtime, 1))
    return made


@pytest.fixture(scope="module")
def url(rows: list[ServedRow], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    outputs = (TensorSpec(name="logits", shape=(10,)),)
    scratch = tmp_path_factory.mktemp("scratch")
    workers = [RowWorker(row, outputs, scratch) for row in rows]
    answering = Answering(SPEC, workers, insides_of(rows))
    page = serve_html("lenet on mnist", [row.name for row in rows], SPEC.classes, [rows[-1].name])
    with Server("127.0.0.1", 0, Site(page.encode(), answering.answer)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        with answering.running() as faults:
            assert faults == ("", "", "")
            thread.start()
            yield server.url
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def page(url: str) -> Iterator[Any]:
    said, asked = list[str](), list[str]()
    with chromium() as browser:
        page = browser.new_context(viewport=DESKTOP, has_touch=True).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        yield page
        # The browser itself reports each reply with 4xx, which a test here asks for on purpose.
        assert [line for line in said if "Failed to load resource" not in line] == []
        assert {address for address in asked if not address.startswith("data:")} <= {
            url, f"{url}answer",
        }  # fmt: skip


def draw(page: Any, stroke: list[tuple[int, int]]) -> None:
    page.locator(".clear").click()
    box = page.locator("canvas.ink").bounding_box()
    (x, y), *rest = [(box["x"] + x, box["y"] + y) for x, y in stroke]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_recognised_by_every_row(page: Any, digit: str) -> None:
    draw(page, STROKES[digit])
    page.locator(".verdict", has_text=f"It is a {digit}.").wait_for()
    for item in page.locator(".row").all():
        assert item.locator(".said-by").inner_text().startswith(f"{digit} (")
        assert "µs" in item.locator(".said-by").inner_text() or "ms" in item.inner_text()
        assert item.locator("li").count() == 10
    page.locator("summary").click()
    assert page.locator(".integers figure").count() == 6
    assert "features.0: " in page.locator(".integers figcaption").nth(1).inner_text()
    page.locator("summary").click()


def test_the_last_stroke_wins_and_clearing_calls_off(page: Any) -> None:
    for digit in ("1", "7", "1", "7", "0"):
        draw(page, STROKES[digit])
    page.locator(".verdict", has_text="It is a 0.").wait_for()
    page.wait_for_timeout(500)
    assert page.locator(".verdict").inner_text() == "It is a 0."
    draw(page, STROKES["7"])
    page.locator(".clear").click()
    page.wait_for_timeout(500)
    assert page.locator(".verdict").inner_text() == "Draw a digit."
    assert page.locator(".row li").count() == 0


def test_keyboard_and_touch_draw_too(page: Any) -> None:
    canvas = page.locator("canvas.ink")
    page.locator(".clear").click()
    canvas.press("Space")
    for _ in range(14):
        canvas.press("ArrowDown")
    page.locator(".verdict", has_text="It is a 1.").wait_for()
    canvas.press("Delete")
    assert page.locator(".verdict").inner_text() == "Draw a digit."
    box = canvas.bounding_box()
    page.touchscreen.tap(box["x"] + 140, box["y"] + 140)
    page.locator(".row li").nth(9).wait_for()


def test_pictures_are_answered_or_refused_with_the_servers_reason(
    page: Any, tmp_path: Path
) -> None:
    picture = Image.new("RGB", (300, 200), (240, 240, 230))
    ImageDraw.Draw(picture).line([(120, 60), (180, 60), (140, 150)], (30, 30, 90), 14)
    picture.save(tmp_path / "seven.jpg")
    (tmp_path / "wrong.png").write_bytes(b"no picture")
    (tmp_path / "text.txt").write_bytes(b"seven")
    Image.new("L", (50, 50), 9).save(tmp_path / "blank.png")
    for name, words in (
        ("wrong.png", "can't be decoded as PNG or JPEG"),
        ("seven.jpg", "It is a 7."),
        ("text.txt", "Give a picture as PNG or JPEG."),
        ("blank.png", "holds no digit"),
    ):
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        page.locator(".verdict", has_text=words).wait_for()


def test_axe_finds_nothing_serious_and_a_phone_is_wide_enough(page: Any) -> None:
    draw(page, STROKES["7"])
    page.locator(".verdict", has_text="It is a 7.").wait_for()
    page.locator("summary").click()
    page.evaluate((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(x["id"], x["nodes"][0]["html"][:120]) for x in violations
            if x["impact"] in {"serious", "critical"}] == []  # fmt: skip
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.set_viewport_size(DESKTOP)
