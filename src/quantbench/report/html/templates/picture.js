"use strict";
// Pictures into the integers of a network of images, as samples/images.py prepares them.
const quantbenchPicture = (() => {
  const f32 = Math.fround;
  const { integer, rounded, weights } = quantbenchDigit;

  // Bytes [height, width, channels] of a canvas' pixels, in colour or gray as Pillow makes them.
  function bytesOf(image, channels) {
    const made = new Uint8Array(image.width * image.height * channels);
    for (let place = 0; place < image.width * image.height; place += 1) {
      const [r, g, b] = image.data.subarray(4 * place, 4 * place + 3);
      if (channels === 3) made.set([r, g, b], 3 * place);
      else made[place] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    }
    return { width: image.width, height: image.height, data: made };
  }

  // One pass of Pillow's bilinear resampling with antialiasing, along `count` lines; `step` lies
  // between the pixels of a line, `lineOf` is the place where a line begins.
  function pass(data, made, list, count, lineOf, step, madeLineOf, madeStep) {
    for (let line = 0; line < count; line += 1) {
      const [from, to] = [lineOf(line), madeLineOf(line)];
      list.forEach(([first, shares], place) => {
        let sum = 0;
        shares.forEach((share, k) => { sum += share * data[from + (first + k) * step]; });
        made[to + place * madeStep] = Math.min(Math.max(Math.floor(sum + 0.5), 0), 255);
      });
    }
  }

  function resized({ width, height, data }, channels, toWidth, toHeight) {
    const across = new Uint8Array(toWidth * height * channels);
    const made = new Uint8Array(toWidth * toHeight * channels);
    const row = (line, wide) => Math.floor(line / channels) * wide * channels + (line % channels);
    pass(data, across, weights(width, toWidth, true), height * channels,
      (line) => row(line, width), channels, (line) => row(line, toWidth), channels);
    pass(across, made, weights(height, toHeight, true), toWidth * channels,
      (line) => line, toWidth * channels, (line) => line, toWidth * channels);
    return { width: toWidth, height: toHeight, data: made };
  }

  // Width and height after the preparation's resizing.
  function target({ width, height }, net) {
    const shorter = Math.min(width, height);
    if (net.fit === "none") return [width, height];
    if (Array.isArray(net.fit)) return [net.fit[1], net.fit[0]];
    if (net.fit !== "cover") {
      return [Math.floor((width * net.fit) / shorter), Math.floor((height * net.fit) / shorter)];
    }
    const factor = Math.max(net.width / width, net.height / height);
    return [width, height].map((side) => Math.round(side * factor));
  }

  // The bytes [height, width, channels] that the network sees; throws words for who gave it.
  function prepared(image, net) {
    const given = bytesOf(image, net.channels);
    const [width, height] = target(given, net);
    if (width < net.width || height < net.height) {
      throw new RangeError(`This picture is smaller than ${net.width}x${net.height}, which the network takes.`);
    }
    const same = width === given.width && height === given.height;
    const whole = same ? given : resized(given, net.channels, width, height);
    const [left, top] = [rounded((width - net.width) / 2), rounded((height - net.height) / 2)];
    const made = new Uint8Array(net.width * net.height * net.channels);
    const wide = net.width * net.channels;
    for (let y = 0; y < net.height; y += 1) {
      const from = ((top + y) * width + left) * net.channels;
      made.set(whole.data.subarray(from, from + wide), y * wide);
    }
    return made;
  }

  // The integers of the network's input: scaled, normalised, then quantized, in the C's order.
  function integers(pixels, net) {
    const { channels, scale, mean, std } = net.picture;
    return pixels.map((pixel, place) => {
      const one = f32(f32(pixel * f32(scale)) - f32(mean[place % channels]));
      return integer(f32(one / f32(std[place % channels])), net.input);
    });
  }

  return Object.freeze({ integers, prepared });
})();
