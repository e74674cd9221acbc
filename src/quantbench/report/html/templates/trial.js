"use strict";
(() => {
  const { SIDE, gray, inkOf, digitOf, quantized } = quantbenchDigit;
  const { integers, prepared } = quantbenchPicture;
  const field = quantbenchField;
  const LARGEST_PICTURE = 2048, MOST_CLASSES = 12;

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

  function show(trial, net, reader, pixels, integers) {
    const shares = probabilities(integers, net);
    const likeliest = field.order(shares);
    const shown = likeliest.length > MOST_CLASSES ? likeliest.slice(0, MOST_CLASSES) : shares.map((_, k) => k);
    trial.querySelector(".verdict").textContent = reader.verdict(net.classes[likeliest[0]], field.percent(shares[likeliest[0]]));
    trial.querySelector(".probabilities").replaceChildren(
      ...field.meters(shown.map((k) => shares[k]), shown.map((k) => net.classes[k])));
    field.paint(trial.querySelector(".view"), pixels, reader.width, reader.channels);
  }

  // What a drawing or a file becomes: the pixels that the network sees, null where there are none.
  const digits = (net) => ({
    empty: "Draw a digit.",
    nothing: "There is no digit in it.",
    width: SIDE,
    channels: 1,
    verdict: (name, share) => `It is a ${name} (${share}).`,
    ofDrawing: (image) => digitOf(gray(image)),
    ofFile: async (file, canvas) => digitOf(inkOf(await field.fromFile(file, canvas))),
    integers: (pixels) => quantized(pixels, net),
  });
  const pictures = (net) => ({
    empty: "Drop a picture here, or choose one.",
    width: net.picture.width,
    channels: net.picture.channels,
    verdict: (name, share) => `The answer is ${name} (${share}).`,
    ofDrawing: null,
    ofFile: async (file, canvas) => prepared(await field.imageOf(file, canvas, LARGEST_PICTURE), net.picture),
    integers: (pixels) => integers(pixels, net),
  });

  async function begin(trial) {
    const net = JSON.parse(trial.querySelector(".network").textContent);
    const module = bytes(JSON.parse(trial.querySelector(".module").textContent));
    const { instance } = await WebAssembly.instantiate(module);
    const run = runner(instance, net);
    const reader = net.picture ? pictures(net) : digits(net);
    const canvas = trial.querySelector(".ink");
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const passed = golden(run, net);
    trial.querySelector(".golden").textContent = `Checked as this page was opened: ${passed} of `
      + `${net.golden.outputs.length} golden vectors give the integers that Python computes.`;
    let callOff = () => {};
    const reset = (words = reader.empty) => {
      callOff();
      field.clear(trial, words);
    };
    const answer = (pixels) => {
      if (pixels === null) return reset(reader.nothing);
      return show(trial, net, reader, pixels, run(reader.integers(pixels)));
    };
    const changed = reader.ofDrawing
      && (() => answer(reader.ofDrawing(pen.getImageData(0, 0, canvas.width, canvas.height))));
    const open = async (file) => {
      reset("Reading the picture.");
      try {
        answer(await reader.ofFile(file, canvas));
      } catch (error) {
        reset(error instanceof RangeError ? error.message : "This isn't a picture that the browser can read.");
      }
    };
    callOff = field.begin(trial, { changed, open, reset });
    reset();
    trial.hidden = false;
    trial.quantbench = Object.freeze({ digitOf, gray, inkOf, prepared, quantized: reader.integers, run });
  }

  document.querySelectorAll(".trial").forEach((trial) => {
    begin(trial).catch((error) => {
      const words = document.createElement("p");
      words.textContent = `The network can't run in this browser: ${error.message}`;
      trial.before(words);
    });
  });
})();
