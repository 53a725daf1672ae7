// What a relay tells a publisher while its session lives: which layers of which m-line somebody
// watches. Server-sent events, read from a fetch, so that whoever publishes can end it and knows when
// it broke.

import {retryAfterSeconds, type Environment} from './session';

/** What the relay says of one m-line: all of its layers. */
export interface LayersEvent {
  mid: string;
  rids: {rid: string; active: boolean}[];
}

export const kLayersRelation = 'urn:ietf:params:whip:ext:simpul:layers';
/** The relay says something every ten seconds, if only that it is still there. */
const kSilenceMs = 30_000;
const kAgainMs = 2_000;
const kBufferMax = 65_536;
/**
 * So many pages of a browser follow: it opens six connections to a host, of which each that follows
 * keeps one, and everything else needs some too.
 */
const kFollowersMax = 2;

/** The target of a Link header's link of this relation, as an absolute address. */
export function linkOf(header: string | null, relation: string, base: string): string | undefined {
  for (const [, target, rest] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (rest!.includes(`rel="${relation}"`)) return new URL(target!, base).href;
  }
  return undefined;
}

/** Cuts a text that arrives in pieces into events. */
export class EventReader {
  private rest = '';

  constructor(private readonly onEvent: (name: string, data: string) => void) {}

  read(text: string): void {
    this.rest += text;
    const blocks = this.rest.split(/\r?\n\r?\n/);
    this.rest = blocks.pop()!;
    if (this.rest.length > kBufferMax) throw new Error('An event without an end');
    for (const block of blocks) this.take(block);
  }

  private take(block: string): void {
    let name = 'message';
    const data: string[] = [];
    for (const line of block.split(/\r?\n/)) {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line)!;
      if (field === 'event') name = value!;
      if (field === 'data') data.push(value!);
    }
    if (data.length > 0) this.onEvent(name, data.join('\n'));
  }
}

function parse(data: string): LayersEvent | undefined {
  try {
    const {mid, rids} = JSON.parse(data) as Partial<LayersEvent>;
    const isGood = typeof mid === 'string' && Array.isArray(rids) && rids.every(
      (layer) => typeof layer?.rid === 'string' && typeof layer.active === 'boolean');
    return isGood ? {mid, rids} : undefined;
  } catch {
    return undefined;
  }
}

/** Runs an action while fewer than kFollowersMax pages of this browser do; otherwise not at all. */
export async function asOneOfFew(
  action: () => Promise<void>,
  locks: Pick<LockManager, 'request'> | undefined = globalThis.navigator?.locks,
): Promise<void> {
  if (!locks) return action();
  let isDone = false;
  for (let place = 0; place < kFollowersMax && !isDone; ++place) {
    await locks.request(`simpul-follower-${place}`, {ifAvailable: true}, async (lock) => {
      if (lock === null) return;
      isDone = true;
      await action();
    });
  }
}

/**
 * Follows the events at an address until the signal aborts or the relay knows no such session. Each
 * time that they break off `onLost` is called: nobody knows then who watches what.
 */
export async function followLayers(
  address: string,
  {environment, signal, onLayers, onLost}: {
    environment: Environment;
    signal: AbortSignal;
    onLayers: (event: LayersEvent) => void;
    onLost: () => void;
  },
): Promise<void> {
  while (!signal.aborted) {
    const againMs = await readOnce(address, environment, signal, onLayers).catch(() => kAgainMs);
    if (signal.aborted) return;
    onLost();
    if (againMs === undefined) return;
    await environment.wait(againMs, signal);
  }
}

/** Resolves with when to ask again; undefined when there is no use in it. */
async function readOnce(
  address: string,
  environment: Environment,
  signal: AbortSignal,
  onLayers: (event: LayersEvent) => void,
): Promise<number | undefined> {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  signal.addEventListener('abort', abort, {once: true});
  let silence = new AbortController();
  const listen = () => {
    silence.abort();
    silence = new AbortController();
    const {signal: heard} = silence;
    void environment.wait(kSilenceMs, heard).then(() => heard.aborted || abort());
  };
  const reader = new EventReader((name, data) => {
    const event = name === 'layers' ? parse(data) : undefined;
    if (event && !signal.aborted) onLayers(event);
  });
  try {
    listen();
    const response = await environment.fetch(address, {
      method: 'GET',
      headers: {Accept: 'text/event-stream'},
      cache: 'no-store',
      signal: attempt.signal,
    });
    if (response.status >= 429) return 1000 * retryAfterSeconds(response.headers.get('Retry-After'));
    if (response.status !== 200 || !response.body) return undefined;
    const decoder = new TextDecoder();
    const body = response.body.getReader();
    attempt.signal.addEventListener('abort', () => void body.cancel().catch(() => {}), {once: true});
    for (;;) {
      const {done, value} = await body.read();
      if (done) return kAgainMs;
      listen();
      reader.read(decoder.decode(value, {stream: true}));
    }
  } finally {
    signal.removeEventListener('abort', abort);
    silence.abort();
    abort();
  }
}
