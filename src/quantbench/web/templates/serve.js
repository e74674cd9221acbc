"use strict";
(() => {
  const field = quantbenchField;
  const { SIDE } = quantbenchDigit;
  const served = JSON.parse(document.querySelector(".served").textContent);
  const trial = document.querySelector(".trial"), canvas = trial.querySelector(".ink");
  const name = Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");
  const PATIENCE = 300, CHANNELS_ACROSS = 8, VALUES_ACROSS = 20, LAYER_WIDTH = 360, LAYER_HEIGHT = 200, LARGEST_ZOOM = 12;
  const RANGES = { uint8: [0, 255], int8: [-128, 127] };

  function time(microseconds) {
    return microseconds < 1000 ? `${microseconds.toFixed(1)} µs` : `${(microseconds / 1000).toFixed(2)} ms`;
  }

  function showRow(item, answer) {
    const said = item.querySelector(".said-by"), shares = answer.probabilities;
    said.classList.toggle("fault", Boolean(answer.fault));
    if (answer.fault) {
      said.textContent = answer.fault;
      item.querySelector(".probabilities").replaceChildren();
      return;
    }
    const [best] = field.order(shares), took = document.createElement("span");
    took.className = "time";
    took.textContent = ` in ${time(answer.microseconds)}`;
    said.replaceChildren(`${served.classes[best]} (${field.percent(shares[best])})`, took);
    item.querySelector(".probabilities").replaceChildren(...field.meters(shares, served.classes));
  }

  // All that is answered, in a sentence.
  function verdict(rows) {
    const said = rows.filter((row) => !row.fault)
      .map((row) => [row.row, served.classes[field.order(row.probabilities)[0]]]);
    if (said.length === 0) return "No row answers.";
    const labels = [...new Set(said.map(([, label]) => label))];
    if (labels.length === 1) return `It is a ${labels[0]}.`;
    const byLabel = labels.map((label) => [label, said.filter(([, its]) => its === label).map(([row]) => row)])
      .sort(([, first], [, second]) => second.length - first.length);
    const says = ([label, names]) => (names.length > 2
      ? `${names.length} of ${said.length} rows say ${label}` : `${names.join(" and ")} ${names.length > 1 ? "say" : "says"} ${label}`);
    return `They don't agree: ${byLabel.map(says).join("; ")}.`;
  }

  // The gray levels of a layer's channels side by side, and how many columns they take.
  function tiles(layer) {
    const [low, high] = RANGES[layer.type]
      || layer.values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    const [count, height, width] = layer.shape.length === 3 ? layer.shape : [layer.values.length, 1, 1];
    const across = Math.min(count, width === 1 ? VALUES_ACROSS : CHANNELS_ACROSS), down = Math.ceil(count / across);
    const levels = new Uint8ClampedArray(across * width * down * height);
    layer.values.forEach((value, place) => {
      const channel = Math.floor(place / (width * height)), within = place % (width * height);
      const x = (channel % across) * width + (within % width);
      const y = Math.floor(channel / across) * height + Math.floor(within / width);
      levels[y * across * width + x] = high > low ? (255 * (value - low)) / (high - low) : 0;
    });
    return [levels, across * width];
  }

  function showLayer(layer) {
    const figure = document.createElement("figure");
    const [view, words] = ["canvas", "figcaption"].map((tag) => document.createElement(tag));
    const [levels, width] = tiles(layer);
    field.paint(view, levels, width);
    const fits = Math.min(LAYER_WIDTH / width, (LAYER_HEIGHT * width) / levels.length);
    const zoom = Math.max(1, Math.min(LARGEST_ZOOM, Math.floor(fits)));
    view.setAttribute("role", "img");
    view.setAttribute("aria-label", `Integers of ${layer.name}`);
    const [low, high] = layer.values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    const scale = layer.scale === null ? "a scale for each channel" : `scale ${layer.scale.toPrecision(4)}`;
    words.textContent = `${layer.name}: ${layer.operation ? `${layer.operation}, ` : ""}`
      + `${layer.shape.join("×")} ${layer.type}, ${scale}, zero point ${layer.zero_point}; from ${low} to ${high}`;
    // The policy allows no style attribute; a property set by script is none.
    view.style.width = `${zoom * width}px`;
    figure.append(view, words);
    return figure;
  }

  function show(answered) {
    field.paint(trial.querySelector(".view"), answered.pixels, SIDE);
    trial.querySelector(".verdict").textContent = verdict(answered.rows);
    const items = [...trial.querySelectorAll(".row")];
    answered.rows.forEach((answer) => showRow(items.find((item) => item.dataset.row === answer.row), answer));
    trial.querySelectorAll(".integers").forEach((part) => {
      const { layers } = answered.layers.find(({ row }) => row === part.dataset.row);
      part.replaceChildren(...layers.map(showLayer));
    });
  }

  function empty(words) {
    trial.querySelector(".verdict").textContent = words;
    trial.querySelectorAll(".probabilities, .said-by, .integers").forEach((part) => part.replaceChildren());
  }

  // One request is under way at a time, so that answers come while one draws. The newest drawing
  // waits for its end, or overtakes it after PATIENCE.
  let [number, current, waiting, timer] = [0, null, null, 0];

  function callOff() {
    clearTimeout(timer);
    [waiting, timer] = [null, 0];
    if (current) current.abort();
    current = null;
  }

  function send(body) {
    waiting = body;
    if (current === null) next();
    else if (!timer) timer = setTimeout(() => { timer = 0; if (waiting) next(); }, PATIENCE);
  }

  async function next() {
    const body = waiting;
    clearTimeout(timer);
    [waiting, timer] = [null, 0];
    if (current) current.abort();
    const mine = new AbortController();
    current = mine;
    number += 1;
    const stroke = { [served.page]: name, [served.number]: String(number) };
    try {
      const picture = body();
      const reply = await fetch("/answer", {
        method: "POST", body: picture, signal: mine.signal, headers: { ...stroke, "Content-Type": picture.type },
      });
      const said = await (reply.ok ? reply.json() : reply.text());
      if (current !== mine) return;
      if (reply.ok) show(said);
      else empty(`${said[0].toUpperCase()}${said.slice(1).trim()}.`);
    } catch (error) {
      if (current !== mine) return;
      empty("The server doesn't answer; was it ended?");
    }
    current = null;
    if (waiting) next();
  }

  const reset = (words = "Draw a digit.") => {
    callOff();
    field.clear(trial, words);
    empty(words);
  };
  // Not canvas.toBlob: a browser that is busy may put it off for a second.
  const drawn = () => {
    const [, text] = canvas.toDataURL("image/png").split(",");
    return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" });
  };
  const open = async (file) => {
    reset("Reading the picture.");
    if (!served.types.includes(file.type)) return reset("Give a picture as PNG or JPEG.");
    if (file.size > served.largest) return reset(`The picture is over ${served.largest / 2 ** 20} MiB.`);
    send(() => file);
    try {
      await field.fromFile(file, canvas);
    } catch (error) {
      // The server tells what is wrong with it.
    }
    return undefined;
  };
  const stop = field.begin(trial, { changed: () => send(drawn), open, reset: () => { stop(); reset(); } });
  reset();
})();
