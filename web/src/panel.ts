import type {SessionState} from './session';
import {ratesBetween, type Rates, type StatsEntry, type Totals} from './statistics';
import {Tiles} from './tiles';

export const kSampleMs = 500;

/** What the watching and the publishing half of the page have in common. */
export class Panel {
  readonly video: HTMLVideoElement;
  readonly toggle: HTMLButtonElement;
  readonly tiles: Tiles;
  rates: Rates | undefined;
  private totals: Totals | undefined;

  constructor(readonly root: HTMLElement) {
    this.video = this.part<HTMLVideoElement>('video');
    this.toggle = this.part<HTMLButtonElement>('toggle');
    this.tiles = new Tiles(root);
  }

  part<T extends HTMLElement = HTMLElement>(name: string): T {
    return this.root.querySelector<T>(`[data-${name}]`)!;
  }

  /** The words that cover the picture while there is none; undefined uncovers it. */
  curtain(words: {title: string; text: string} | undefined): void {
    this.part('curtain').hidden = words === undefined;
    if (!words) return;
    this.part('curtain-title').textContent = words.title;
    this.part('curtain-text').textContent = words.text;
  }

  /** What the button does next; ending something is not what the page invites to. */
  offer(words: string, kind: 'start' | 'stop'): void {
    this.toggle.textContent = words;
    this.toggle.classList.toggle('primary', kind === 'start');
  }

  alert(text: string): void {
    const alert = this.part('alert');
    alert.hidden = text === '';
    alert.textContent = text;
  }

  /** The pill beside the title, and the alert for what the person has to know. */
  showState(state: SessionState): void {
    const pill = this.part('state');
    pill.dataset['kind'] = state.kind;
    pill.textContent = stateWords(state);
    if (state.kind === 'refused') this.alert(state.reason);
    else if (state.kind === 'retrying') this.alert(`${state.reason}. Trying again in ${inSeconds(state.seconds)}.`);
    else this.alert('');
  }

  /** Forgets the numbers of a connection that is over. */
  forget(): void {
    this.totals = undefined;
    this.rates = undefined;
  }

  /** Takes the next sample; undefined where there is nothing to compare it with yet. */
  async sample(
    connection: RTCPeerConnection,
    read: (report: Iterable<StatsEntry>) => Totals,
  ): Promise<Rates | undefined> {
    const report = await connection.getStats();
    const entries: StatsEntry[] = [];
    report.forEach((entry: StatsEntry) => entries.push(entry));
    const now = read(entries);
    const before = this.totals;
    this.totals = now;
    this.rates = before && now.bytes >= before.bytes ? ratesBetween(before, now) : undefined;
    return this.rates;
  }
}

function inSeconds(seconds: number): string {
  return seconds === 1 ? 'a second' : `${seconds} seconds`;
}

function stateWords(state: SessionState): string {
  switch (state.kind) {
    case 'idle':
    case 'ended':
      return '';
    case 'connecting':
      return 'Connecting';
    case 'live':
      return 'Live';
    case 'waiting':
      return 'Waiting';
    case 'interrupted':
      return 'Interrupted';
    case 'retrying':
      return 'Reconnecting';
    case 'refused':
      return 'Refused';
  }
}
