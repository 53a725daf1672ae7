import {browser, Session, type Environment, type SessionState} from './session';

export type Layer = 'low' | 'mid' | 'high';

export interface WhepOptions {
  room: string;
  layer?: Layer;
  onState: (state: SessionState) => void;
  /** A new connection's tracks, in a stream that they arrive in one by one. */
  onStream: (stream: MediaStream) => void;
}

/** Watches a room (WHEP): one audio and one video slot. */
export class WhepClient extends Session {
  constructor(
    private readonly options: WhepOptions,
    environment: Environment = browser,
  ) {
    const query = options.layer ? `?layer=${options.layer}` : '';
    super(`/whep/${encodeURIComponent(options.room)}${query}`, options.onState, environment);
  }

  protected override prepare(connection: RTCPeerConnection): void {
    connection.addTransceiver('audio', {direction: 'recvonly'});
    connection.addTransceiver('video', {direction: 'recvonly'});
    const stream = new MediaStream();
    connection.addEventListener('track', ({track}) => {
      stream.addTrack(track);
      if (stream.getTracks().length === 1) this.options.onStream(stream);
    });
  }
}
