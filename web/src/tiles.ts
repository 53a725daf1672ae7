import {Chart} from './chart';
import type {Rates} from './statistics';

interface Shown {
  bitrate: number | undefined;
  height: number | undefined;
  frames: number | undefined;
  loss: number | undefined;
  delay: number | undefined;
  size: string;
}

/** The five numbers under a picture, each with its last minute as a chart. */
export class Tiles {
  private readonly numbers: Map<string, HTMLElement>;
  private readonly charts: Map<string, Chart>;

  constructor(root: HTMLElement) {
    const tiles = [...root.querySelectorAll<HTMLElement>('[data-tile]')];
    const name = (tile: HTMLElement) => tile.dataset['tile']!;
    this.numbers = new Map(tiles.map((tile) => [name(tile), tile.querySelector('output')!]));
    this.charts = new Map(
      tiles.map((tile) => [
        name(tile),
        new Chart(tile.querySelector('canvas')!, Number(tile.dataset['floor'])),
      ]),
    );
  }

  show(rates: Rates, delayMs: number | undefined): void {
    this.update({
      bitrate: rates.bitsPerSecond,
      height: rates.height || undefined,
      frames: rates.framesPerSecond,
      loss: rates.loss * 100,
      delay: delayMs,
      size: rates.height ? `${rates.width} × ${rates.height}` : '–',
    });
  }

  clear(): void {
    for (const chart of this.charts.values()) chart.clear();
    for (const number of this.numbers.values()) number.textContent = '–';
  }

  private update(shown: Shown): void {
    const text = (value: number | undefined, print: (value: number) => string) =>
      value === undefined ? '–' : print(value);
    this.set('bitrate', shown.bitrate, text(shown.bitrate, formatBitrate));
    this.set('resolution', shown.height, shown.size);
    this.set('frames', shown.frames, text(shown.frames, (v) => v.toFixed(0)));
    this.set('loss', shown.loss, text(shown.loss, (v) => `${v.toFixed(v > 0 && v < 10 ? 1 : 0)} %`));
    this.set('delay', shown.delay, text(shown.delay, (v) => `${v.toFixed(v < 10 ? 1 : 0)} ms`));
  }

  private set(name: string, value: number | undefined, text: string): void {
    this.charts.get(name)?.push(value);
    const number = this.numbers.get(name);
    if (number) number.textContent = text;
  }
}

export function formatBitrate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 999_500) return `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}
