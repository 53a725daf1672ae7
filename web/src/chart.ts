const kPoints = 60;

/** The last minute of one number, drawn as a line over a soft fill. Decoration: the number beside it
 * says the same in words. */
export class Chart {
  private readonly values: (number | undefined)[] = [];
  private readonly context: CanvasRenderingContext2D;
  private readonly color: string;

  /** `floor` is the least top of the scale, so that noise around zero stays at the bottom. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly floor: number,
  ) {
    this.context = canvas.getContext('2d')!;
    this.color = getComputedStyle(canvas).color;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  push(value: number | undefined): void {
    this.values.push(value);
    if (this.values.length > kPoints) this.values.shift();
    this.draw();
  }

  clear(): void {
    this.values.length = 0;
    this.draw();
  }

  private draw(): void {
    const {canvas, context, values} = this;
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.clearRect(0, 0, width, height);
    const top = Math.max(this.floor, ...values.map((value) => value ?? 0)) * 1.1;
    const x = (i: number) => ((i + kPoints - values.length) / (kPoints - 1)) * width;
    const y = (value: number) => height - scale - (value / top) * (height - 2 * scale);
    for (const [from, to] of runs(values)) {
      const line = new Path2D();
      for (let i = from; i < to; ++i) line.lineTo(x(i), y(values[i]!));
      const area = new Path2D(line);
      area.lineTo(x(to - 1), height);
      area.lineTo(x(from), height);
      const fill = context.createLinearGradient(0, 0, 0, height);
      fill.addColorStop(0, withAlpha(this.color, 0.28));
      fill.addColorStop(1, withAlpha(this.color, 0));
      context.fillStyle = fill;
      context.fill(area);
      context.strokeStyle = this.color;
      context.lineWidth = 1.5 * scale;
      context.lineJoin = 'round';
      context.stroke(line);
    }
  }
}

/** The index ranges without a gap, each [from, to). */
export function runs(values: readonly (number | undefined)[]): [number, number][] {
  const found: [number, number][] = [];
  let from = 0;
  for (let i = 0; i <= values.length; ++i) {
    if (i < values.length && values[i] !== undefined) continue;
    if (i > from) found.push([from, i]);
    from = i + 1;
  }
  return found;
}

function withAlpha(rgb: string, alpha: number): string {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}
