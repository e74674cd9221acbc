"use strict";
(() => {
  const { SIDE, gray, inkOf, digitOf, quantized } = quantbenchDigit;
  const INK = 22, LARGEST_PICTURE = 560;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  // A function from the integers of the input to those of the output.
  function runner(instance, net) {
    const { memory, input, output, run } = instance.exports;
    const kind = { int32: Int32Array, uint8: Uint8Array, int8: Int8Array }[net.output.type];
    return (integers) => {
      new Uint8Array(memory.buffer, input(), net.input.size).set(integers);
      run();
      return Array.from(new kind(memory.buffer, output(), net.output.size));
    };
  }

  function probabilities(integers, net) {
    const { scales, zero } = net.output;
    const real = integers.map((value, k) => (value - zero) * scales[k % scales.length]);
    const most = Math.max(...real);
    const powers = real.map((value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((value) => value / sum);
  }

  function golden(run, net) {
    const inputs = bytes(net.golden.inputs);
    return net.golden.outputs.filter((wanted, place) => {
      const given = run(inputs.subarray(place * net.input.size, (place + 1) * net.input.size));
      return given.every((value, k) => value === wanted[k]);
    }).length;
  }

  function show(trial, net, pixels, integers) {
    const shares = probabilities(integers, net);
    const order = shares.map((_, k) => k).sort((a, b) => shares[b] - shares[a]);
    const percent = (k) => `${(100 * shares[k]).toFixed(1)}%`;
    trial.querySelector(".verdict").textContent = `It is a ${net.classes[order[0]]} (${percent(order[0])}).`;
    trial.querySelector(".probabilities").replaceChildren(...shares.map((share, k) => {
      const item = document.createElement("li");
      const [name, value, meter] = ["span", "span", "meter"].map((tag) => document.createElement(tag));
      name.textContent = net.classes[k];
      value.textContent = percent(k);
      meter.value = share;
      meter.setAttribute("aria-label", `Probability of ${net.classes[k]}`);
      item.append(name, meter, value);
      return item;
    }));
    const view = trial.querySelector(".view").getContext("2d");
    const image = view.createImageData(SIDE, SIDE);
    pixels.forEach((value, place) => image.data.set([value, value, value, 255], 4 * place));
    view.putImageData(image, 0, 0);
  }

  function clear(trial, canvas, words) {
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    trial.querySelector(".verdict").textContent = words;
    trial.querySelector(".probabilities").replaceChildren();
    trial.querySelector(".view").getContext("2d").clearRect(0, 0, SIDE, SIDE);
  }

  // Draws by pointer and keyboard. Its answer is for the last stroke alone: clearing calls it off.
  function drawing(canvas, pen, answer, reset) {
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: INK, lineCap: "round", lineJoin: "round" });
    let [last, down, at, frame] = [null, false, { x: 140, y: 60 }, 0];
    const callOff = () => cancelAnimationFrame(frame);
    const later = () => {
      callOff();
      frame = requestAnimationFrame(() => {
        answer(gray(pen.getImageData(0, 0, canvas.width, canvas.height)));
      });
    };
    const stroke = (from, to) => {
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
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

  async function fromFile(file, canvas) {
    const image = await createImageBitmap(file);
    const factor = Math.max(1, Math.floor(Math.max(image.width, image.height) / LARGEST_PICTURE));
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
    return gray(context.getImageData(0, 0, hidden.width, hidden.height));
  }

  async function begin(trial) {
    const net = JSON.parse(trial.querySelector(".network").textContent);
    const module = bytes(JSON.parse(trial.querySelector(".module").textContent));
    const { instance } = await WebAssembly.instantiate(module);
    const run = runner(instance, net);
    const canvas = trial.querySelector(".ink");
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const files = trial.querySelector("input[type=file]");
    const passed = golden(run, net);
    trial.querySelector(".golden").textContent = `Checked as this page was opened: ${passed} of `
      + `${net.golden.outputs.length} golden vectors give the integers that Python computes.`;
    let callOff = () => {};
    const reset = (words = "Draw a digit.") => {
      callOff();
      clear(trial, canvas, words);
    };
    const answer = (ink) => {
      const pixels = digitOf(ink);
      if (pixels === null) return reset("There is no digit in it.");
      return show(trial, net, pixels, run(quantized(pixels, net)));
    };
    const open = async (file) => {
      reset("Reading the picture.");
      try {
        answer(inkOf(await fromFile(file, canvas)));
      } catch (error) {
        reset("This isn't a picture that the browser can read.");
      }
    };
    callOff = drawing(canvas, pen, answer, () => reset());
    trial.querySelector(".clear").addEventListener("click", () => reset());
    files.addEventListener("change", () => { if (files.files.length) open(files.files[0]); });
    trial.addEventListener("dragover", (event) => { event.preventDefault(); canvas.classList.add("over"); });
    trial.addEventListener("dragleave", () => canvas.classList.remove("over"));
    trial.addEventListener("drop", (event) => {
      event.preventDefault();
      canvas.classList.remove("over");
      if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
    });
    reset();
    trial.hidden = false;
    trial.quantbench = Object.freeze({ digitOf, gray, inkOf, quantized: (pixels) => quantized(pixels, net), run });
  }

  document.querySelectorAll(".trial").forEach((trial) => {
    begin(trial).catch((error) => {
      const words = document.createElement("p");
      words.textContent = `The network can't run in this browser: ${error.message}`;
      trial.before(words);
    });
  });
})();
