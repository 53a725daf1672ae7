// A number drawn into a picture so that it can be read back from the decoded one.
//
// The top strip of the frame is one row of 32 cells, black (0) or white (1):
//
//   1 0 | 20 bits of counter, most significant first | 8 bits of CRC | 0 1
//
// The two cells at each end say what black and white look like after the codec. At 320x180 a cell
// is 10x16 pixels, which VP8 keeps at the lowest rates it is ever asked for.

export const kCells = 32;
export const kCounterBits = 20;
export const kCounterModulus = 2 ** kCounterBits;
export const kFramesPerSecond = 30;
/** The strip's share of the frame's height. */
export const kStripShare = 16 / 180;
/** Luma steps between black and white below which a strip is not a marker. */
const kContrastMin = 60;

export interface Pixels {
  width: number;
  height: number;
  data: ArrayLike<number>; // RGBA
}

/** The counter of the moment: 30 a second since 1970, so that a reader can tell a picture's age. */
export function counterAt(epochMs: number): number {
  return Math.floor((epochMs * kFramesPerSecond) / 1000) % kCounterModulus;
}

/** How long ago, in milliseconds, a counter was drawn; right for ages below nine hours. */
export function ageMs(counter: number, epochMs: number): number {
  const now = ((epochMs * kFramesPerSecond) / 1000) % kCounterModulus;
  return (((now - counter + kCounterModulus) % kCounterModulus) * 1000) / kFramesPerSecond;
}

function crc8(counter: number): number {
  let crc = 0;
  for (const byte of [(counter >> 16) & 255, (counter >> 8) & 255, counter & 255]) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = ((crc << 1) ^ (crc & 128 ? 0x07 : 0)) & 255;
  }
  // A flat picture must not be a valid marker, so zero does not have the checksum zero.
  return crc ^ 0x5a;
}

/** The 32 cells of a counter, true for white. */
export function markerCells(counter: number): boolean[] {
  const value = counter % kCounterModulus;
  const bits = (number: number, count: number) =>
    Array.from({length: count}, (_, i) => ((number >> (count - 1 - i)) & 1) === 1);
  return [true, false, ...bits(value, kCounterBits), ...bits(crc8(value), 8), false, true];
}

/** Draws the marker over the top of a canvas of the given size. */
export function drawMarker(
  context: Pick<CanvasRenderingContext2D, 'fillStyle' | 'fillRect'>,
  width: number,
  height: number,
  counter: number,
): void {
  const strip = Math.round(height * kStripShare);
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, strip);
  context.fillStyle = '#fff';
  markerCells(counter).forEach((white, i) => {
    const left = Math.round((i * width) / kCells);
    if (white) context.fillRect(left, 0, Math.round(((i + 1) * width) / kCells) - left, strip);
  });
}

/** The mean luma of the middle of one cell: its edges are where the codec blurs. */
function cellLuma(pixels: Pixels, strip: number, cell: number): number {
  const cellWidth = pixels.width / kCells;
  const left = Math.floor((cell + 0.3) * cellWidth);
  const right = Math.max(left + 1, Math.ceil((cell + 0.7) * cellWidth));
  const top = Math.floor(strip * 0.25);
  const bottom = Math.max(top + 1, Math.ceil(strip * 0.75));
  let sum = 0;
  for (let y = top; y < bottom; ++y) {
    for (let x = left; x < right; ++x) {
      const at = (y * pixels.width + x) * 4;
      sum += 0.299 * pixels.data[at]! + 0.587 * pixels.data[at + 1]! + 0.114 * pixels.data[at + 2]!;
    }
  }
  return sum / ((bottom - top) * (right - left));
}

function readCells(pixels: Pixels, strip: number): number | undefined {
  if (strip < 1 || pixels.width < kCells) return undefined;
  const luma = Array.from({length: kCells}, (_, cell) => cellLuma(pixels, strip, cell));
  const white = (luma[0]! + luma[kCells - 1]!) / 2;
  const black = (luma[1]! + luma[kCells - 2]!) / 2;
  if (white - black < kContrastMin) return undefined;
  const cells = luma.map((value) => value > (white + black) / 2);
  const counter = cells.slice(2, 2 + kCounterBits).reduce((n, bit) => n * 2 + Number(bit), 0);
  return markerCells(counter).every((cell, i) => cell === cells[i]) ? counter : undefined;
}

/** The counter in a whole frame, or undefined if there is none to be read. */
export function readMarker(frame: Pixels): number | undefined {
  return readCells(frame, Math.round(frame.height * kStripShare));
}

/** The same for pixels that are the strip alone. */
export function readStrip(strip: Pixels): number | undefined {
  return readCells(strip, strip.height);
}
