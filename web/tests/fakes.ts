// The little of WebRTC and the network that the WHIP and WHEP clients touch.
import type {Environment, SessionState} from '../src/session';

/** What of a sender is set through its parameters. */
class FakeSender {
  active: Map<string | undefined, boolean>;
  constructor(
    readonly track: unknown,
    encodings: RTCRtpEncodingParameters[],
  ) {
    this.active = new Map(encodings.map(({rid}) => [rid, true]));
  }
  getParameters() {
    return {encodings: [...this.active].map(([rid, active]) => ({...(rid ? {rid} : {}), active}))};
  }
  async setParameters({encodings}: {encodings: {rid?: string; active: boolean}[]}) {
    await settle();
    for (const {rid, active} of encodings) this.active.set(rid, active);
  }
}

export class FakeConnection extends EventTarget {
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | undefined;
  transceivers: {what: unknown; init: RTCRtpTransceiverInit | undefined; preferences: string[]}[] = [];
  senders: FakeSender[] = [];
  closed = false;
  restarts = 0;
  rollbacks = 0;
  signalingState: RTCSignalingState = 'stable';

  restartIce() {
    ++this.restarts;
  }
  addTransceiver(what: unknown, init?: RTCRtpTransceiverInit) {
    const made = {what, init, preferences: [] as string[]};
    this.transceivers.push(made);
    this.senders.push(new FakeSender(what, init?.sendEncodings ?? [{}]));
    return {
      mid: String(this.transceivers.length - 1),
      setCodecPreferences: (codecs: {mimeType: string}[]) => {
        made.preferences = codecs.map((codec) => codec.mimeType);
      },
    };
  }
  getTransceivers() {
    return this.senders.map((sender, index) => ({mid: String(index), sender}));
  }
  async setLocalDescription(description?: RTCLocalSessionDescriptionInit) {
    if (description?.type === 'rollback') {
      ++this.rollbacks;
      this.signalingState = 'stable';
      return;
    }
    this.localDescription = {type: 'offer', sdp: this.restarts ? kNewOffer : 'v=0 offer'};
    this.signalingState = 'have-local-offer';
  }
  async setRemoteDescription(description: RTCSessionDescriptionInit) {
    this.remoteDescription = description;
    this.signalingState = 'stable';
  }
  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }
  close() {
    this.closed = true;
    this.connectionState = 'closed';
  }
}

const kNewOffer = 'v=0\r\nm=audio 9 X 0\r\na=ice-ufrag:new\r\na=ice-pwd:secret\r\na=mid:0\r\n';

interface Call {
  url: string;
  init: RequestInit;
}

/** A world in which time passes only when the test says so. */
export class FakeWorld implements Environment {
  readonly calls: Call[] = [];
  readonly connections: FakeConnection[] = [];
  readonly states: SessionState[] = [];
  readonly waits: {ms: number; pass: () => void; signal: AbortSignal}[] = [];
  answers: (Response | Error)[] = [];
  // Nothing more: there is no such session. A promise is an answer that takes its time.
  patchAnswers: (Response | Error | Promise<Response>)[] = [];

  async fetch(url: string, init: RequestInit): Promise<Response> {
    this.calls.push({url, init});
    if (init.method === 'DELETE') return new Response(null, {status: 200});
    const patch = init.method === 'PATCH';
    const answer = patch ? (this.patchAnswers.shift() ?? problem(404)) : this.answers.shift();
    if (answer === undefined) throw new Error('an unexpected call');
    if (answer instanceof Error) throw answer;
    return Promise.race([answer, aborted(init.signal)]);
  }
  connection(): RTCPeerConnection {
    const made = new FakeConnection();
    this.connections.push(made);
    return made as unknown as RTCPeerConnection;
  }
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.waits.push({ms, pass: resolve, signal});
      signal.addEventListener('abort', () => resolve());
    });
  }

  get posts(): Call[] {
    return this.calls.filter((call) => call.init.method === 'POST');
  }
  get patches(): Call[] {
    return this.calls.filter((call) => call.init.method === 'PATCH');
  }
  get deletes(): Call[] {
    return this.calls.filter((call) => call.init.method === 'DELETE');
  }
  get last(): FakeConnection {
    return this.connections.at(-1)!;
  }
  get kinds(): string[] {
    return this.states.map((state) => state.kind);
  }
  /** The pending waits of so many milliseconds end now. */
  async pass(ms: number): Promise<void> {
    for (const wait of this.waits.splice(0)) {
      if (wait.ms === ms && !wait.signal.aborted) wait.pass();
      else this.waits.push(wait);
    }
    await settle();
  }
}

function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
}

/** Lets everything run that needs no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; ++turn) await new Promise((resolve) => setImmediate(resolve));
}

export function created(path: string, headers: Record<string, string> = {}): Response {
  return new Response('v=0 answer', {status: 201, headers: {Location: path, ...headers}});
}

/** A response whose body the test writes bit by bit. */
export function streamed(): {response: Response; write: (text: string) => Promise<void>; end: () => Promise<void>} {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({start: (made) => void (controller = made)});
  return {
    response: new Response(body, {status: 200, headers: {'Content-Type': 'text/event-stream'}}),
    write: (text) => (controller.enqueue(new TextEncoder().encode(text)), settle()),
    end: () => (controller.close(), settle()),
  };
}

export function problem(status: number, headers: Record<string, string> = {}, detail = 'because'): Response {
  return new Response(JSON.stringify({title: 'A title', detail}), {status, headers});
}

export function installMediaStream(codecs: string[] = []): void {
  class FakeMediaStream {
    constructor(readonly tracks: {kind: string}[] = []) {}
    addTrack(track: {kind: string}) {
      this.tracks.push(track);
    }
    getTracks() {
      return this.tracks;
    }
  }
  const capabilities = {codecs: codecs.map((mimeType) => ({mimeType}))};
  Object.assign(globalThis, {
    MediaStream: FakeMediaStream,
    RTCRtpSender: {getCapabilities: () => capabilities},
  });
}
