import {describe, expect, it} from 'vitest';

import {
  ageMs,
  counterAt,
  drawMarker,
  kCounterModulus,
  kStripShare,
  markerCells,
  readMarker,
  readStrip,
  type Pixels,
} from '../src/marker';

interface Frame extends Pixels {
  data: Uint8ClampedArray;
}

/** A grey frame with a marker on it, drawn by the function under test onto plain memory. */
function frameWith(counter: number, width = 640, height = 360): Frame {
  const data = new Uint8ClampedArray(width * height * 4).fill(90);
  const context = {
    fillStyle: '#000',
    fillRect(left: number, top: number, w: number, h: number) {
      const value = this.fillStyle === '#fff' ? 255 : 0;
      for (let y = top; y < top + h; ++y)
        for (let x = left; x < left + w; ++x) data.fill(value, (y * width + x) * 4, (y * width + x) * 4 + 4);
    },
  };
  drawMarker(context, width, height, counter);
  return {width, height, data};
}

/** Numbers that look random and are the same every time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function changed(frame: Frame, change: (value: number, index: number) => number): Frame {
  return {...frame, data: frame.data.map(change)};
}

function scaled(frame: Frame, width: number, height: number): Frame {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      const from = (Math.floor((y * frame.height) / height) * frame.width + Math.floor((x * frame.width) / width)) * 4;
      data.set(frame.data.subarray(from, from + 4), (y * width + x) * 4);
    }
  return {width, height, data};
}

/** Every pixel becomes the mean of the square around it. */
function blurred(frame: Frame, radius: number): Frame {
  const {width, height} = frame;
  return changed(frame, (_, index) => {
    const [x, y] = [(index >> 2) % width, Math.floor((index >> 2) / width)];
    let [sum, count] = [0, 0];
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); ++v)
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); ++u, ++count)
        sum += frame.data[(v * width + u) * 4 + (index & 3)]!;
    return sum / count;
  });
}

const kCounters = [0, 1, 2, 0x55555, 0xaaaaa, 123_456, kCounterModulus - 1];

describe('the marker', () => {
  it.each(kCounters)('reads back %i', (counter) => {
    expect(readMarker(frameWith(counter))).toBe(counter);
  });

  it('wraps after twenty bits', () => {
    expect(readMarker(frameWith(kCounterModulus + 5))).toBe(5);
  });

  it.each([
    [320, 180],
    [480, 270],
    [854, 480],
    [1280, 720],
    [200, 112],
  ])('survives being scaled to %i by %i', (width, height) => {
    for (const counter of kCounters) expect(readMarker(scaled(frameWith(counter), width, height))).toBe(counter);
  });

  it('survives noise', () => {
    const random = randomNumbers(7);
    for (const counter of kCounters) {
      const noisy = changed(frameWith(counter, 320, 180), (value) => value + (random() - 0.5) * 160);
      expect(readMarker(noisy)).toBe(counter);
    }
  });

  it('survives blur', () => {
    for (const counter of kCounters) {
      expect(readMarker(blurred(frameWith(counter, 320, 180), 3))).toBe(counter);
    }
  });

  it('survives a codec that squeezes black and white together', () => {
    const flat = changed(frameWith(123_456), (value) => 80 + value * 0.35);
    expect(readMarker(flat)).toBe(123_456);
  });

  it('is not seen in a picture without one', () => {
    const random = randomNumbers(3);
    const empty = changed(frameWith(0), () => random() * 255);
    expect(readMarker(empty)).toBeUndefined();
    expect(readMarker(changed(frameWith(0), () => 0))).toBeUndefined();
    expect(readMarker(changed(frameWith(0), () => 255))).toBeUndefined();
    expect(readMarker({width: 16, height: 9, data: new Uint8ClampedArray(16 * 9 * 4)})).toBeUndefined();
  });

  it('is refused when any single cell is wrong', () => {
    const good = frameWith(98_765);
    for (let cell = 2; cell < 30; ++cell) {
      const strip = Math.round(good.height * kStripShare);
      const wrong = changed(good, (value, index) => {
        const [x, y] = [(index >> 2) % good.width, Math.floor((index >> 2) / good.width)];
        return y < strip && Math.floor((x * 32) / good.width) === cell ? 255 - value : value;
      });
      expect(readMarker(wrong)).toBeUndefined();
    }
  });

  it('is read from the strip alone', () => {
    const frame = frameWith(4242, 320, 180);
    expect(readStrip({width: 320, height: 16, data: frame.data.slice(0, 320 * 16 * 4)})).toBe(4242);
  });

  it('has cells that differ between neighbours', () => {
    expect(markerCells(1)).not.toEqual(markerCells(2));
    expect(markerCells(1)).toHaveLength(32);
  });
});

describe('the counter', () => {
  it('advances thirty times a second', () => {
    const start = 1_750_000_000_000;
    expect((counterAt(start + 10_000) - counterAt(start) + kCounterModulus) % kCounterModulus).toBe(300);
  });

  it('tells how long ago it was drawn, across its wrap too', () => {
    const wrap = Math.ceil((kCounterModulus * 1000) / 30) * 50;
    for (const now of [1_750_000_000_000, wrap + 30]) {
      const age = ageMs(counterAt(now - 200), now);
      expect(age).toBeGreaterThanOrEqual(199);
      expect(age).toBeLessThan(235);
    }
  });
});
