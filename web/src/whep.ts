import {browser, Session, type Environment, type SessionState} from './session';

export type Layer = 'low' | 'mid' | 'high';

export interface WhepOptions {
  room: string;
  layer?: Layer;
  onState: (state: SessionState) => void;
  /** A new connection's tracks, in a stream that they arrive in one by one. */
  onStream: (stream: MediaStream) => void;
}

/** What the picture's slot is told: the pixels that it has on the screen, or that nobody sees it. */
type View = {width: number; height: number; paused?: false} | {paused: true};

/** A picture that is being resized changes many times a second; the relay hears of the last one. */
const kSettledMs = 300;
/** Who looks at another tab for a moment finds the picture going on. */
const kLookedAwayMs = 2_000;
const kSideMax = 16_384;
/** Who gets no answer for so long asks again after a while. */
const kAnsweredWithinMs = 3_000;
const kAgainMs = 1_000;

/**
 * Watches a room (WHEP): one audio and one video slot. Tells the relay how large the picture is shown, and pauses it
 * while it is not; sound goes on.
 */
export class WhepClient extends Session {
  private video: RTCRtpTransceiver | undefined;
  private view: View | undefined;
  /** What the relay knows. */
  private told: View | undefined;
  /** It may be paused because we said so: others may pause it too, and no change of the size ends that. */
  private pausedHere = false;
  private telling = false;
  private settling = new AbortController();

  constructor(
    private readonly options: WhepOptions,
    environment: Environment = browser,
  ) {
    const query = options.layer ? `?layer=${options.layer}` : '';
    super(`/whep/${encodeURIComponent(options.room)}${query}`, options.onState, environment);
  }

  protected override prepare(connection: RTCPeerConnection): void {
    connection.addTransceiver('audio', {direction: 'recvonly'});
    this.video = connection.addTransceiver('video', {direction: 'recvonly'});
    this.told = undefined;
    this.pausedHere = false;
    const stream = new MediaStream();
    connection.addEventListener('track', ({track}) => {
      stream.addTrack(track);
      if (stream.getTracks().length === 1) this.options.onStream(stream);
    });
  }
  /** Nobody sees the picture, and the relay may leave it out. */
  get paused(): boolean {
    return this.view?.paused ?? false;
  }

  /** The picture is shown with so many pixels of the screen now; none: it is not shown at all. */
  resize(width: number, height: number): void {
    const side = (length: number) => Math.min(kSideMax, Math.round(length));
    const isShown = side(width) >= 1 && side(height) >= 1;
    const view: View = isShown ? {width: side(width), height: side(height)} : {paused: true};
    if (JSON.stringify(view) === JSON.stringify(this.view)) return;
    const comesBack = this.paused;
    this.view = view;
    this.settling.abort();
    this.settling = new AbortController();
    const {signal} = this.settling;
    const settledMs = view.paused ? kLookedAwayMs : comesBack ? 0 : kSettledMs;
    void this.environment.wait(settledMs, signal).then(() => {
      if (!signal.aborted) void this.tell();
    });
  }

  protected override connected(): void {
    void this.tell();
  }

  /** One request at a time, so that the last word is the last to arrive. */
  private async tell(): Promise<void> {
    if (this.telling) return;
    this.telling = true;
    while (this.view && this.view !== this.told && this.state.kind === 'live') {
      const {view, address, video, lifetime} = this;
      if (address === undefined || !video?.mid) break;
      this.told = view;
      if (await this.takes(`${address}/slots/${video.mid}`, view)) continue;
      if (this.address !== address) continue; // There is another connection by now.
      this.told = undefined;
      await this.environment.wait(kAgainMs, lifetime);
    }
    this.telling = false;
  }

  /** Whether the slot was told: it may be full for a moment, or nobody may answer. */
  private async takes(slot: string, view: View): Promise<boolean> {
    const body: View = !view.paused && this.pausedHere ? {...view, paused: false} : view;
    this.pausedHere ||= Boolean(view.paused);
    const attempt = new AbortController();
    void this.environment.wait(kAnsweredWithinMs, attempt.signal).then(() => attempt.abort());
    try {
      const {status} = await this.environment.fetch(slot, {
        method: 'PATCH',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify(body),
        signal: attempt.signal,
      });
      if (status >= 500 || status === 429) return false;
      this.pausedHere = Boolean(view.paused);
      return true;
    } catch {
      return false;
    } finally {
      attempt.abort();
    }
  }
}
