import {MarkerWatcher} from './marker_watcher';
import {kSampleMs, Panel} from './panel';
import type {SessionState} from './session';
import {estimatedDelayMs, receivedTotals} from './statistics';
import {WhepClient, type Layer} from './whep';

/** Samples without a new frame after which the picture counts as gone. */
const kStalledSamples = 5;
/** A greater age is a clock that differs from ours, not a delay. */
const kPlausibleAgeMs = 10_000;

/** The watching half of the page. */
export class WatchPanel {
  readonly panel: Panel;
  client: WhepClient | undefined;
  marker: MarkerWatcher | undefined;
  /** From pressing Watch to the first picture. */
  firstPictureMs: number | undefined;
  private sampler = 0;
  private stalled = 0;
  private startedAt = 0;

  constructor(
    root: HTMLElement,
    private readonly room: () => string | undefined,
  ) {
    this.panel = new Panel(root);
    const {video} = this.panel;
    new ResizeObserver(() => this.tellSize()).observe(video);
    document.addEventListener('visibilitychange', () => this.tellSize());
    for (const type of ['enterpictureinpicture', 'leavepictureinpicture']) {
      video.addEventListener(type, () => this.tellSize());
    }
    this.panel.toggle.addEventListener('click', () => (this.client ? this.stop() : this.start()));
    this.panel.part('sound').addEventListener('click', () => void this.play(false));
    this.layerChoice.addEventListener('change', () => {
      if (!this.client) return;
      this.stop();
      this.start();
    });
  }

  get layerChoice(): HTMLSelectElement {
    return this.panel.part<HTMLSelectElement>('layer');
  }

  start(): void {
    const room = this.room();
    if (room === undefined) return;
    const layer = this.layerChoice.value as Layer | '';
    this.startedAt = performance.now();
    this.firstPictureMs = undefined;
    this.client = new WhepClient({
      room,
      ...(layer ? {layer} : {}),
      onState: (state) => this.onState(state),
      onStream: (stream) => this.onStream(stream),
    });
    this.panel.offer('Stop watching', 'stop');
    this.panel.tiles.clear();
    this.tellSize();
    void this.client.run();
    this.sampler = window.setInterval(() => void this.sample(), kSampleMs);
  }

  stop(): void {
    window.clearInterval(this.sampler);
    const client = this.client;
    this.client = undefined;
    client?.stop();
    this.marker?.stop();
    this.panel.video.srcObject = null;
    this.panel.forget();
    this.panel.offer('Watch', 'start');
    this.panel.part('sound').hidden = true;
    this.panel.curtain({title: 'Nothing on', text: 'Press Watch to join the room.'});
  }

  /** The relay sends no larger picture than can be seen, and none that cannot. */
  private tellSize(): void {
    const {video} = this.panel;
    if (document.hidden && document.pictureInPictureElement !== video) return this.client?.resize(0, 0);
    const {clientWidth, clientHeight} = video;
    this.client?.resize(clientWidth * devicePixelRatio, clientHeight * devicePixelRatio);
  }

  private onState(state: SessionState): void {
    this.panel.showState(state);
    if (state.kind === 'waiting') {
      const title = 'Nobody is publishing yet';
      this.panel.curtain({title, text: 'The picture appears here as soon as somebody does.'});
    } else if (state.kind === 'connecting' && this.panel.video.srcObject === null) {
      this.panel.curtain({title: 'Joining', text: 'Asking the relay for the picture.'});
    } else if (state.kind === 'retrying') {
      this.panel.curtain({title: 'Connection lost', text: 'Coming back by itself.'});
    } else if (state.kind === 'refused') {
      this.stop();
      this.panel.showState(state);
      this.panel.curtain({title: 'The relay refused', text: state.reason});
    }
  }

  private onStream(stream: MediaStream): void {
    const {video} = this.panel;
    this.panel.forget();
    this.marker?.stop();
    video.srcObject = stream;
    video.requestVideoFrameCallback(() => {
      this.firstPictureMs ??= performance.now() - this.startedAt;
      this.panel.curtain(undefined);
    });
    this.marker = new MarkerWatcher(video);
    void this.play(false);
  }

  /** Browsers may refuse sound before a person has touched the page: then play without it. */
  private async play(muted: boolean): Promise<void> {
    const {video} = this.panel;
    video.muted = muted;
    this.panel.part('sound').hidden = !muted;
    try {
      await video.play();
    } catch (error) {
      const refused = error instanceof DOMException && error.name === 'NotAllowedError';
      if (refused && !muted) await this.play(true);
    }
  }

  private async sample(): Promise<void> {
    const {client} = this;
    if (!client?.connection || client.state.kind !== 'live') return;
    const rates = await this.panel.sample(client.connection, receivedTotals);
    if (!rates || client !== this.client || client.paused) return;
    this.stalled = rates.framesPerSecond > 0 ? 0 : this.stalled + 1;
    if (this.stalled === 0 && this.firstPictureMs !== undefined) this.panel.curtain(undefined);
    if (this.stalled === kStalledSamples) {
      const title = 'No picture at the moment';
      this.panel.curtain({title, text: 'It comes back here when the publisher does.'});
    }
    const age = this.pictureAgeMs();
    this.panel.part('delay-title').textContent = age === undefined ? 'Delay' : 'Picture age';
    const known = this.stalled < kStalledSamples;
    this.panel.tiles.show(rates, known ? (age ?? estimatedDelayMs(rates)) : undefined);
  }

  /** The test picture says when it was drawn; only a page on the same machine has that clock. */
  private pictureAgeMs(): number | undefined {
    const sameMachine = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
    const age = this.marker?.tally.ageMs;
    return sameMachine && age !== undefined && age < kPlausibleAgeMs ? age : undefined;
  }
}
