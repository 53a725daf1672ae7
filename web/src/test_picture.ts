import {counterAt, drawMarker, kStripShare} from './marker';

export interface PictureSize {
  width: number;
  height: number;
}

const kBeepSeconds = 0.12;
const kBeepHertz = 660;
const kKnotPoints = 140;

/**
 * A generated camera: a turning knot, a clock and a marker at 30 frames a second, and a short tone
 * at every full second, with a dot that lights up with it.
 */
export class TestPicture {
  readonly stream: MediaStream;
  private readonly canvas = document.createElement('canvas');
  private readonly context: CanvasRenderingContext2D;
  private readonly backdrop: HTMLCanvasElement;
  private readonly ticker: Worker;
  private readonly audio = new AudioContext();
  private readonly beeper: number;
  private lastCounter = -1;
  private readonly unlock = () => void this.audio.resume();

  constructor(
    size: PictureSize,
    private readonly title: string,
  ) {
    this.canvas.width = size.width;
    this.canvas.height = size.height;
    this.context = this.canvas.getContext('2d', {alpha: false})!;
    this.backdrop = paintBackdrop(size);
    this.draw();

    const sound = this.audio.createMediaStreamDestination();
    // Firefox starts a context only once it has a source: one that plays nothing will do.
    const silence = this.audio.createConstantSource();
    silence.offset.value = 0;
    silence.connect(sound);
    silence.start();
    this.stream = new MediaStream([
      ...this.canvas.captureStream().getVideoTracks(),
      ...sound.stream.getAudioTracks(),
    ]);
    this.beeper = window.setInterval(() => this.beep(sound), 1000);
    // Browsers keep a page silent until somebody has touched it.
    for (const event of ['pointerdown', 'keydown']) window.addEventListener(event, this.unlock);

    this.ticker = new Worker(new URL('./ticker.ts', import.meta.url), {type: 'module'});
    this.ticker.onmessage = () => this.draw();
  }

  stop(): void {
    this.ticker.terminate();
    window.clearInterval(this.beeper);
    for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, this.unlock);
    for (const track of this.stream.getTracks()) track.stop();
    void this.audio.close();
  }

  private beep(sound: AudioNode): void {
    if (this.audio.state !== 'running') {
      void this.audio.resume();
      return;
    }
    const untilFullSecond = (1000 - (Date.now() % 1000)) / 1000;
    const start = this.audio.currentTime + untilFullSecond;
    const tone = this.audio.createOscillator();
    const gain = this.audio.createGain();
    tone.frequency.value = kBeepHertz;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.4, start + 0.01);
    gain.gain.setValueAtTime(0.4, start + kBeepSeconds - 0.02);
    gain.gain.linearRampToValueAtTime(0, start + kBeepSeconds);
    tone.connect(gain).connect(sound);
    tone.start(start);
    tone.stop(start + kBeepSeconds);
  }

  private draw(): void {
    const now = Date.now();
    const counter = counterAt(now);
    if (counter === this.lastCounter) return;
    this.lastCounter = counter;
    const {context, canvas} = this;
    const {width, height} = canvas;
    context.drawImage(this.backdrop, 0, 0);
    drawKnot(context, width * 0.7, height * 0.56, height * 0.2, now / 1000);
    this.drawText(now, counter);
    drawMarker(context, width, height, counter);
  }

  private drawText(now: number, counter: number): void {
    const {context, canvas} = this;
    const {width, height} = canvas;
    const left = width * 0.07;
    const time = new Date(now);
    const two = (n: number) => String(n).padStart(2, '0');
    context.textBaseline = 'alphabetic';
    context.fillStyle = '#8fa3b5';
    context.font = `500 ${height * 0.05}px system-ui, sans-serif`;
    context.fillText(this.title, left, height * 0.34, width * 0.42);
    context.fillStyle = '#f2f6f9';
    context.font = `600 ${height * 0.125}px ui-monospace, monospace`;
    const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
    context.fillText(clock, left, height * 0.54, width * 0.42);
    context.fillStyle = '#8fa3b5';
    context.font = `400 ${height * 0.05}px ui-monospace, monospace`;
    context.fillText(`${width}×${height}  #${counter}`, left, height * 0.65, width * 0.42);

    const share = (now % 1000) / 1000;
    context.fillStyle = '#223140';
    context.fillRect(left, height * 0.74, width * 0.36, height * 0.016);
    context.fillStyle = '#6ee7c8';
    context.fillRect(left, height * 0.74, width * 0.36 * share, height * 0.016);
    context.beginPath();
    context.arc(left + width * 0.4, height * 0.748, height * 0.022, 0, Math.PI * 2);
    context.fillStyle = share < kBeepSeconds ? '#ffd479' : '#223140';
    context.fill();
  }
}

function paintBackdrop({width, height}: PictureSize): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', {alpha: false})!;
  const top = height * kStripShare;
  const fill = context.createLinearGradient(0, top, width, height);
  fill.addColorStop(0, '#101b27');
  fill.addColorStop(1, '#0a2530');
  context.fillStyle = fill;
  context.fillRect(0, 0, width, height);
  return canvas;
}

/** A trefoil, seen from a viewpoint that turns once in twelve seconds. */
function drawKnot(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  seconds: number,
): void {
  const turn = (seconds / 12) * Math.PI * 2;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const point = (share: number): [number, number] => {
    const t = share * Math.PI * 2;
    const px = Math.sin(t) + 2 * Math.sin(2 * t);
    const py = Math.cos(t) - 2 * Math.cos(2 * t);
    const pz = -Math.sin(3 * t);
    const tilted = py * 0.85 - pz * 0.5;
    return [x + (px * cos - tilted * sin) * radius * 0.55, y + (px * sin + tilted * cos) * radius * 0.55];
  };
  context.lineCap = 'round';
  const lead = (seconds / 4) % 1;
  for (const [color, from, to, line] of [
    ['#2b4a5e', 0, 1, 0.2],
    ['#6ee7c8', lead, lead + 0.34, 0.12],
    ['#7ab8ff', lead + 0.5, lead + 0.84, 0.12],
  ] as const) {
    context.beginPath();
    const points = Math.round(kKnotPoints * (to - from));
    for (let i = 0; i <= points; ++i) context.lineTo(...point(from + ((to - from) * i) / points));
    context.strokeStyle = color;
    context.lineWidth = radius * line;
    context.stroke();
  }
}
