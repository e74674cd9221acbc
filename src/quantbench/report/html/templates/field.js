"use strict";
// A field to draw a digit on, by pointer or keyboard, or to drop a picture on; what is done with
// it is the affair of the script that begins it.
const quantbenchField = (() => {
  const { gray } = quantbenchDigit;
  const INK = 22, LARGEST_PICTURE = 560;

  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  // The classes' places, the likeliest first.
  const order = (shares) => shares.map((_, k) => k).sort((a, b) => shares[b] - shares[a]);

  // An item with a meter for each class.
  function meters(shares, classes) {
    return shares.map((share, k) => {
      const item = document.createElement("li");
      const [name, value, meter] = ["span", "span", "meter"].map((tag) => document.createElement(tag));
      name.textContent = classes[k];
      value.textContent = percent(share);
      meter.value = share;
      meter.setAttribute("aria-label", `Probability of ${classes[k]}`);
      item.append(name, meter, value);
      return item;
    });
  }

  // Shows levels, 0 to 255, gray or red, green and blue, on a canvas of `width` columns.
  function paint(canvas, levels, width, channels = 1) {
    [canvas.width, canvas.height] = [width, levels.length / width / channels];
    const view = canvas.getContext("2d");
    const image = view.createImageData(canvas.width, canvas.height);
    for (let place = 0; place < levels.length / channels; place += 1) {
      const [first, second = first, third = first] = levels.slice(channels * place, channels * (place + 1));
      image.data.set([first, second, third, 255], 4 * place);
    }
    view.putImageData(image, 0, 0);
  }

  function clear(trial, words) {
    const canvas = trial.querySelector(".ink"), pen = canvas.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    trial.querySelector(".verdict").textContent = words;
    trial.querySelectorAll(".probabilities").forEach((list) => list.replaceChildren());
    const view = trial.querySelector(".view");
    view.getContext("2d").clearRect(0, 0, view.width, view.height);
  }

  // Draws by pointer and keyboard. `changed` is called for the last stroke alone: the function that
  // is returned calls it off.
  function drawing(canvas, pen, changed, reset) {
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: INK, lineCap: "round", lineJoin: "round" });
    let [last, down, at, frame] = [null, false, { x: 140, y: 60 }, 0];
    const callOff = () => cancelAnimationFrame(frame);
    const later = () => {
      callOff();
      frame = requestAnimationFrame(changed);
    };
    const stroke = (from, to) => {
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x + 0.01, to.y);  // a line without length leaves no dot
      pen.stroke();
      later();
    };
    const place = (event) => {
      const area = canvas.getBoundingClientRect();
      return {
        x: ((event.clientX - area.left) * canvas.width) / area.width,
        y: ((event.clientY - area.top) * canvas.height) / area.height,
      };
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      stroke(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (last === null) return;
      const next = place(event);
      stroke(last, next);
      last = next;
    });
    ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { last = null; }));
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10], " ": [0, 0] };
      if (event.key === "Escape" || event.key === "Delete") {
        down = false;
        reset();
      }
      if (!(event.key in steps)) return;
      event.preventDefault();
      const [x, y] = steps[event.key];
      if (event.key === " ") down = !down;
      const next = { x: Math.min(Math.max(at.x + x, 0), 280), y: Math.min(Math.max(at.y + y, 0), 280) };
      if (down) stroke(at, next);
      at = next;
    });
    return callOff;
  }

  // Shows a picture on the canvas; its pixels, of every nth where a side is beyond `largest`.
  async function imageOf(file, canvas, largest) {
    const image = await createImageBitmap(file, { colorSpaceConversion: "none" });
    const factor = Math.max(1, Math.floor(Math.max(image.width, image.height) / largest));
    const hidden = document.createElement("canvas");
    hidden.width = Math.max(1, Math.floor(image.width / factor));
    hidden.height = Math.max(1, Math.floor(image.height / factor));
    const context = hidden.getContext("2d");
    context.drawImage(image, 0, 0, hidden.width, hidden.height);
    const shown = canvas.getContext("2d");
    const scale = Math.min(canvas.width / hidden.width, canvas.height / hidden.height);
    const [width, height] = [hidden.width * scale, hidden.height * scale];
    shown.fillRect(0, 0, canvas.width, canvas.height);
    shown.drawImage(hidden, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    return context.getImageData(0, 0, hidden.width, hidden.height);
  }

  // Shows a picture of a digit on the canvas; its gray levels.
  const fromFile = async (file, canvas) => gray(await imageOf(file, canvas, LARGEST_PICTURE));

  // Begins a field: `changed` is called after a stroke, `open` with a file, `reset` to clear.
  // Without `changed` nothing is drawn. Returns the function that calls `changed` off.
  function begin(trial, { changed, open, reset }) {
    const canvas = trial.querySelector(".ink"), files = trial.querySelector("input[type=file]");
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const callOff = changed ? drawing(canvas, pen, changed, reset) : () => {};
    trial.querySelector(".clear").addEventListener("click", () => reset());
    files.addEventListener("change", () => { if (files.files.length) open(files.files[0]); });
    trial.addEventListener("dragover", (event) => { event.preventDefault(); canvas.classList.add("over"); });
    trial.addEventListener("dragleave", () => canvas.classList.remove("over"));
    trial.addEventListener("drop", (event) => {
      event.preventDefault();
      canvas.classList.remove("over");
      if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
    });
    return callOff;
  }

  return Object.freeze({ begin, clear, fromFile, imageOf, meters, order, paint, percent });
})();
