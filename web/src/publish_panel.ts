import {kSampleMs, Panel} from './panel';
import type {Parameters, Source} from './parameters';
import type {SessionState} from './session';
import {sentTotals} from './statistics';
import {TestPicture} from './test_picture';
import {WhipClient} from './whip';

/** What the sizes are called, by rid. */
const kLayerNames: Record<string, string> = {q: 'quarter size', h: 'half size', f: 'full size'};

/** The publishing half of the page. */
export class PublishPanel {
  readonly panel: Panel;
  client: WhipClient | undefined;
  private picture: TestPicture | undefined;
  private stream: MediaStream | undefined;
  private sampler = 0;
  /** Counts starts and stops, so that a camera that is granted too late is let go again. */
  private turn = 0;

  constructor(
    root: HTMLElement,
    private readonly parameters: Parameters,
    private readonly room: () => string | undefined,
  ) {
    this.panel = new Panel(root);
    this.panel.toggle.addEventListener('click', () => (this.stream ? this.stop() : void this.start()));
    for (const choice of this.sourceChoices) {
      choice.addEventListener('change', () => {
        this.simulcastChoice.checked = this.source === 'camera';
        if (!this.stream) return;
        this.stop();
        void this.start();
      });
    }
    if (parameters.publish) this.source = parameters.publish;
    this.simulcastChoice.checked = parameters.simulcast ?? this.source === 'camera';
  }

  get sourceChoices(): HTMLInputElement[] {
    return [...this.panel.root.querySelectorAll<HTMLInputElement>('input[name=source]')];
  }

  get simulcastChoice(): HTMLInputElement {
    return this.panel.part<HTMLInputElement>('simulcast');
  }

  get source(): Source {
    return this.sourceChoices.find((choice) => choice.checked)?.value === 'test' ? 'test' : 'camera';
  }

  set source(source: Source) {
    for (const choice of this.sourceChoices) choice.checked = choice.value === source;
  }

  async start(): Promise<void> {
    const room = this.room();
    if (room === undefined) return;
    const turn = ++this.turn;
    this.panel.alert('');
    this.panel.toggle.disabled = true;
    const stream = await this.open(room).catch((error: unknown) => {
      this.panel.alert(cameraProblem(error));
      return undefined;
    });
    this.panel.toggle.disabled = false;
    if (!stream) return;
    if (turn !== this.turn) return stream.getTracks().forEach((track) => track.stop());

    this.stream = stream;
    this.panel.video.srcObject = stream;
    this.panel.video.muted = true;
    this.panel.video.classList.toggle('mirrored', this.source === 'camera');
    void this.panel.video.play().catch(() => {});
    this.panel.curtain(undefined);
    this.panel.tiles.clear();
    this.panel.offer('Stop publishing', 'stop');
    this.client = new WhipClient({
      room,
      stream,
      simulcast: this.simulcastChoice.checked,
      ...(this.parameters.name ? {participant: this.parameters.name} : {}),
      onState: (state) => this.onState(state),
      onSuspended: (rids) => this.showSuspended(rids),
    });
    void this.client.run();
    this.sampler = window.setInterval(() => void this.sample(), kSampleMs);
  }

  stop(): void {
    ++this.turn;
    window.clearInterval(this.sampler);
    const client = this.client;
    this.client = undefined;
    client?.stop();
    this.picture?.stop();
    this.picture = undefined;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = undefined;
    this.panel.video.srcObject = null;
    this.panel.forget();
    this.showSuspended([]);
    this.panel.offer('Publish', 'start');
    const text = 'Show your camera, or a generated picture with sound.';
    this.panel.curtain({title: 'Not publishing', text});
  }

  private async open(room: string): Promise<MediaStream> {
    if (this.source === 'test') {
      this.picture = new TestPicture(this.parameters.picture, `Room ${room}`);
      return this.picture.stream;
    }
    if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError');
    const video = {width: {ideal: 1280}, height: {ideal: 720}, frameRate: {ideal: 30}};
    return navigator.mediaDevices.getUserMedia({audio: true, video});
  }

  private showSuspended(rids: string[]): void {
    const line = this.panel.part('suspended');
    line.hidden = rids.length === 0;
    const names = rids.map((rid) => kLayerNames[rid] ?? rid);
    line.textContent = `Not sent, because nobody watches: ${names.join(', ')}`;
  }

  private onState(state: SessionState): void {
    if (state.kind === 'refused') this.stop();
    this.panel.showState(state);
  }

  private async sample(): Promise<void> {
    const connection = this.client?.connection;
    if (!connection || this.client?.state.kind !== 'live') return;
    const rates = await this.panel.sample(connection, sentTotals);
    if (rates) this.panel.tiles.show(rates, rates.roundTripMs);
  }
}

/** What a person can do about a camera that does not open. */
export function cameraProblem(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
      return 'The camera is blocked. Allow camera and microphone for this page in the address bar, or publish the test picture.';
    case 'NotFoundError':
      return 'No camera or microphone was found. Publish the test picture instead.';
    case 'NotReadableError':
      return 'The camera is in use by another program.';
    case 'SecurityError':
      return 'Browsers open the camera only on https or on this machine. Publish the test picture instead.';
    default:
      return `The camera did not open: ${error instanceof Error ? error.message : String(error)}`;
  }
}
