"use strict";
(() => {
  const { SIDE, gray, inkOf, digitOf, quantized } = quantbenchDigit;
  const field = quantbenchField;

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
    const [best] = field.order(shares);
    trial.querySelector(".verdict").textContent = `It is a ${net.classes[best]} (${field.percent(shares[best])}).`;
    trial.querySelector(".probabilities").replaceChildren(...field.meters(shares, net.classes));
    field.paint(trial.querySelector(".view"), pixels, SIDE);
  }

  async function begin(trial) {
    const net = JSON.parse(trial.querySelector(".network").textContent);
    const module = bytes(JSON.parse(trial.querySelector(".module").textContent));
    const { instance } = await WebAssembly.instantiate(module);
    const run = runner(instance, net);
    const canvas = trial.querySelector(".ink");
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const passed = golden(run, net);
    trial.querySelector(".golden").textContent = `Checked as this page was opened: ${passed} of `
      + `${net.golden.outputs.length} golden vectors give the integers that Python computes.`;
    let callOff = () => {};
    const reset = (words = "Draw a digit.") => {
      callOff();
      field.clear(trial, words);
    };
    const answer = (ink) => {
      const pixels = digitOf(ink);
      if (pixels === null) return reset("There is no digit in it.");
      return show(trial, net, pixels, run(quantized(pixels, net)));
    };
    const changed = () => answer(gray(pen.getImageData(0, 0, canvas.width, canvas.height)));
    const open = async (file) => {
      reset("Reading the picture.");
      try {
        answer(inkOf(await field.fromFile(file, canvas)));
      } catch (error) {
        reset("This isn't a picture that the browser can read.");
      }
    };
    callOff = field.begin(trial, { changed, open, reset });
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
