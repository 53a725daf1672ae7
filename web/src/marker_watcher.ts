import {ageMs, kStripShare, readStrip} from './marker';

export interface MarkerTally {
  /** Frames looked at, and how many of them carried no readable marker. */
  frames: number;
  unreadable: number;
  /** Readings that differ from the one before. */
  advances: number;
  counter: number | undefined;
  ageMs: number | undefined;
}

const kStripWidth = 320;
const kStripHeight = 16;
/** After so many frames without a marker this is an ordinary picture: look only now and then. */
const kGiveUpFrames = 60;
const kLookAgainEvery = 30;

/** Reads the marker of every frame that a video element presents. */
export class MarkerWatcher {
  readonly tally: MarkerTally = {
    frames: 0,
    unreadable: 0,
    advances: 0,
    counter: undefined,
    ageMs: undefined,
  };
  private readonly context: CanvasRenderingContext2D;
  private missing = 0;
  private stopped = false;

  constructor(private readonly video: HTMLVideoElement) {
    const canvas = document.createElement('canvas');
    canvas.width = kStripWidth;
    canvas.height = kStripHeight;
    this.context = canvas.getContext('2d', {willReadFrequently: true, alpha: false})!;
    this.next();
  }

  stop(): void {
    this.stopped = true;
  }

  private next(): void {
    this.video.requestVideoFrameCallback(() => {
      if (this.stopped) return;
      this.look();
      this.next();
    });
  }

  private look(): void {
    const {video, tally} = this;
    if (this.missing > kGiveUpFrames && ++this.missing % kLookAgainEvery !== 0) return;
    const strip = video.videoHeight * kStripShare;
    this.context.drawImage(video, 0, 0, video.videoWidth, strip, 0, 0, kStripWidth, kStripHeight);
    const counter = readStrip(this.context.getImageData(0, 0, kStripWidth, kStripHeight));
    ++tally.frames;
    if (counter === undefined) {
      ++tally.unreadable;
      ++this.missing;
      if (this.missing > kGiveUpFrames) tally.ageMs = undefined;
      return;
    }
    this.missing = 0;
    if (counter !== tally.counter) ++tally.advances;
    tally.counter = counter;
    tally.ageMs = ageMs(counter, Date.now());
  }
}
