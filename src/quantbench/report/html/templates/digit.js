"use strict";
// Pictures into the integers of a network of digits, as tasks/digit.py and tasks/ink.py do it.
const quantbenchDigit = (() => {
  const f32 = Math.fround;
  const SIDE = 28, BOX = 20, CENTRE = 14, EDGE = 0.25;
  const LEAST_CONTRAST = 16, SPECK = 0.01, KEPT = 0.1;

  // Half to even, as NumPy and Python round.
  function rounded(value) {
    const low = Math.floor(value);
    const half = value - low;
    if (half !== 0.5) return half < 0.5 ? low : low + 1;
    return low % 2 === 0 ? low : low + 1;
  }

  // A picture is {width, height, data: Float32Array}, of light ink on 0.
  const picture = (width, height) => ({ width, height, data: new Float32Array(width * height) });

  function box(ink, level) {
    let [left, top, right, bottom] = [ink.width, ink.height, -1, -1];
    for (let y = 0; y < ink.height; y += 1) {
      for (let x = 0; x < ink.width; x += 1) {
        if (ink.data[y * ink.width + x] > level) {
          left = Math.min(left, x); right = Math.max(right, x);
          top = Math.min(top, y); bottom = Math.max(bottom, y);
        }
      }
    }
    return { left, top, width: right - left + 1, height: bottom - top + 1 };
  }

  const peak = (ink) => ink.data.reduce((a, b) => Math.max(a, b), 0);

  function cut(ink, part) {
    const made = picture(part.width, part.height);
    for (let y = 0; y < part.height; y += 1) {
      for (let x = 0; x < part.width; x += 1) {
        made.data[y * part.width + x] = ink.data[(part.top + y) * ink.width + part.left + x];
      }
    }
    return made;
  }

  // The weights of Pillow's resampling along one axis: [first, weights] for each output.
  function weights(from, to, bilinear) {
    const scale = from / to, wide = Math.max(scale, 1), support = (bilinear ? 1 : 0.5) * wide;
    return Array.from({ length: to }, (_, place) => {
      const centre = (place + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - support + 0.5), 0);
      const end = Math.min(Math.trunc(centre + support + 0.5), from);
      const raw = [];
      for (let x = first; x < end; x += 1) {
        const at = (x - centre + 0.5) / wide;
        raw.push(bilinear ? Math.max(1 - Math.abs(at), 0) : Number(at > -0.5 && at <= 0.5));
      }
      const sum = raw.reduce((a, b) => a + b, 0);
      return [first, raw.map((weight) => (sum === 0 ? weight : weight / sum))];
    });
  }

  function resized(ink, width, height) {
    const bilinear = height > ink.height;
    const across = picture(width, ink.height), made = picture(width, height);
    const horizontal = weights(ink.width, width, bilinear);
    for (let y = 0; y < ink.height; y += 1) {
      horizontal.forEach(([first, list], x) => {
        across.data[y * width + x] = list.reduce(
          (sum, weight, k) => sum + ink.data[y * ink.width + first + k] * weight, 0);
      });
    }
    weights(ink.height, height, bilinear).forEach(([first, list], y) => {
      for (let x = 0; x < width; x += 1) {
        made.data[y * width + x] = list.reduce(
          (sum, weight, k) => sum + across.data[(first + k) * width + x] * weight, 0);
      }
    });
    return made;
  }

  // The centre of mass, [x, y].
  function centre(ink) {
    let [total, alongX, alongY] = [0, 0, 0];
    ink.data.forEach((value, place) => {
      total += value;
      alongX += value * (place % ink.width);
      alongY += value * Math.floor(place / ink.width);
    });
    return [alongX / total, alongY / total];
  }

  // The pieces of ink, joined at corners too: a number for each pixel (0: none), and how many.
  function pieces(ink, level) {
    const numbers = new Int32Array(ink.data.length);
    let count = 0;
    for (let start = 0; start < numbers.length; start += 1) {
      if (numbers[start] || !(ink.data[start] > level)) continue;
      count += 1;
      numbers[start] = count;
      const open = [start];
      while (open.length) {
        const at = open.pop(), x = at % ink.width, y = (at - x) / ink.width;
        for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, ink.height - 1); v += 1) {
          for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, ink.width - 1); u += 1) {
            const next = v * ink.width + u;
            if (!numbers[next] && ink.data[next] > level) {
              numbers[next] = count;
              open.push(next);
            }
          }
        }
      }
    }
    return { numbers, count };
  }

  // Without pieces that the edge cuts off, unless hardly any ink would be left, and without dust.
  function cleaned(ink) {
    const { numbers, count } = pieces(ink, EDGE * peak(ink));
    const weight = new Float64Array(count + 1), cutOff = new Uint8Array(count + 1);
    let total = 0;
    ink.data.forEach((value, place) => {
      const x = place % ink.width, y = (place - x) / ink.width;
      weight[numbers[place]] += value;
      total += value;
      if (x === 0 || y === 0 || x === ink.width - 1 || y === ink.height - 1) cutOff[numbers[place]] = 1;
    });
    cutOff[0] = 0;
    const whole = weight.reduce((sum, each, n) => sum + (n && !cutOff[n] ? each : 0), 0);
    const keepAll = whole <= KEPT * total;
    const left = keepAll ? total : whole;
    const made = picture(ink.width, ink.height);
    ink.data.forEach((value, place) => {
      const n = numbers[place];
      const gone = n && ((cutOff[n] && !keepAll) || weight[n] < SPECK * left);
      made.data[place] = gone ? 0 : value;
    });
    return made;
  }

  function fullRange(ink) {
    const factor = f32(255 / peak(ink));
    return Uint8Array.from(ink.data, (value) => rounded(f32(value * factor)));
  }

  // Light ink on 0 -> the 28x28 pixels of a digit as MNIST's are, or null where there is none.
  function digitOf(ink) {
    if (!(peak(ink) > 0)) return null;
    if (ink.width === ink.height && ink.width >= SIDE) {
      const whole = resized(ink, SIDE, SIDE);
      const { width, height } = box(whole, EDGE * peak(whole));
      const off = Math.max(...centre(whole).map((at) => Math.abs(at - CENTRE)));
      const longer = Math.max(width, height);
      if (longer >= BOX - 2 && longer <= BOX && off <= 0.6) return fullRange(whole);
    }
    const clean = cleaned(ink);
    const digit = cut(clean, box(clean, EDGE * peak(clean)));
    const longer = Math.max(digit.width, digit.height);
    const size = (n) => Math.max(1, rounded((n * BOX) / longer));
    const fit = resized(digit, size(digit.width), size(digit.height));
    const [x, y] = centre(fit);
    const start = (at, n) => Math.min(Math.max(CENTRE - Math.floor(at + 0.5), 0), SIDE - n);
    const [left, top] = [start(x, fit.width), start(y, fit.height)];
    const made = picture(SIDE, SIDE);
    for (let v = 0; v < fit.height; v += 1) {
      for (let u = 0; u < fit.width; u += 1) {
        made.data[(top + v) * SIDE + left + u] = fit.data[v * fit.width + u];
      }
    }
    return fullRange(made);
  }

  // Pixels of a canvas as gray levels, what is transparent on white.
  function gray(image) {
    const made = picture(image.width, image.height);
    for (let place = 0; place < made.data.length; place += 1) {
      const [r, g, b, a] = image.data.subarray(4 * place, 4 * place + 4);
      const level = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
      made.data[place] = 255 + ((level - 255) * a) / 255;
    }
    return made;
  }

  // The ink of a picture on an even ground, dark or light; all 0 where nothing stands out.
  function inkOf(shades) {
    const middle = (values, share) => Float32Array.from(values).sort()[Math.floor(share * values.length)];
    const ground = middle(shades.data, 0.5);
    const ends = shades.data.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [255, 0]);
    const dark = ground - ends[0] > ends[1] - ground;
    const ink = picture(shades.width, shades.height);
    const factor = dark ? -255 / Math.max(ground, 32) : 1;
    shades.data.forEach((value, place) => { ink.data[place] = (value - ground) * factor; });
    const level = middle(ink.data, 0.25), half = middle(ink.data, 0.5);
    const noise = 17 * middle(ink.data.filter((v) => v <= half).map((v) => Math.abs(v - level)), 0.5);
    ink.data.forEach((value, place) => { ink.data[place] = value - level > noise ? value - level : 0; });
    return peak(ink) < Math.max(LEAST_CONTRAST, 1.2 * noise) ? picture(ink.width, ink.height) : ink;
  }

  // A real number, float32, as an integer of the input: half to even.
  function integer(value, { scale, zero }) {
    const large = 12582912;
    const scaled = Math.min(Math.max(f32(value / f32(scale)), -zero), 255 - zero);
    return f32(f32(scaled + large) - large) + zero;
  }

  // The integers of the network's input: zeros around the pixels, normalised, then quantized.
  function quantized(pixels, net) {
    const wide = SIDE + 2 * net.pad;
    const made = new Uint8Array(net.input.size);
    for (let place = 0; place < made.length; place += 1) {
      const x = (place % wide) - net.pad, y = Math.floor(place / wide) - net.pad;
      const inside = x >= 0 && y >= 0 && x < SIDE && y < SIDE;
      const part = f32((inside ? pixels[y * SIDE + x] : 0) / 255);
      made[place] = integer(f32(f32(part - f32(net.mean)) / f32(net.std)), net.input);
    }
    return made;
  }

  return Object.freeze({ SIDE, gray, inkOf, digitOf, integer, quantized, rounded, weights });
})();
