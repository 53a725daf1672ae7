import {browser, Session, type Environment, type SessionState} from './session';

export type Layer = 'low' | 'mid' | 'high';

export interface WhepOptions {
  room: string;
  layer?: Layer;
  onState: (state: SessionState) => void;
  /** A new connection's tracks, in a stream that they arrive in one by one. */
  onStream: (stream: MediaStream) => void;
}

interface Size {
  width: number;
  height: number;
}

/** A picture that is being resized changes many times a second; the relay hears of the last one. */
const kSettledMs = 300;
const kSideMax = 16_384;

/** Watches a room (WHEP): one audio and one video slot. Tells the relay how large the picture is shown. */
export class WhepClient extends Session {
  private video: RTCRtpTransceiver | undefined;
  private size: Size | undefined;
  /** What the relay knows. */
  private told: Size | undefined;
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
    const stream = new MediaStream();
    connection.addEventListener('track', ({track}) => {
      stream.addTrack(track);
      if (stream.getTracks().length === 1) this.options.onStream(stream);
    });
  }
  /** The picture is shown with so many pixels of the screen now. One that is not shown at all has no size. */
  resize(width: number, height: number): void {
    const side = (length: number) => Math.min(kSideMax, Math.round(length));
    if (side(width) < 1 || side(height) < 1) return;
    if (this.size?.width === side(width) && this.size.height === side(height)) return;
    this.size = {width: side(width), height: side(height)};
    this.settling.abort();
    this.settling = new AbortController();
    const {signal} = this.settling;
    void this.environment.wait(kSettledMs, signal).then(() => {
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
    while (this.size && this.size !== this.told && this.state.kind === 'live') {
      const {size, address, video} = this;
      if (address === undefined || !video?.mid) break;
      this.told = size;
      try {
        await this.environment.fetch(`${address}/slots/${video.mid}`, {
          method: 'PATCH',
          headers: {'Content-Type': 'application/json'},
          body: JSON.stringify(size),
        });
      } catch {
        if (this.address !== address) continue; // There is another connection by now.
        this.told = undefined;
        break; // A connection that comes back tells it again, as does the next change.
      }
    }
    this.telling = false;
  }
}
