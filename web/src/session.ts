// One WHIP or WHEP session that mends itself: decides when to post an offer, when to come back and
// when there is no use. A connection whose network changed is mended by an ICE restart first. What is
// in the offer is the caller's (RFC 9725, draft-ietf-wish-whep).

import {answerWith, fragmentOf, kFragmentType} from './ice_restart';

export type SessionState =
  | {kind: 'idle' | 'connecting' | 'live' | 'ended'}
  | {kind: 'waiting'; seconds: number; reason: string} // the relay asked us to come back later
  | {kind: 'interrupted'} // no packets for the moment; often heals by itself
  | {kind: 'retrying'; seconds: number; reason: string} // lost, or the relay cannot be reached
  | {kind: 'refused'; reason: string}; // asking again would not help

/** What the session needs of the world; tests give their own. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  connection(): RTCPeerConnection;
  /** Resolves after so long, or at once when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const browser: Environment = {
  fetch: (url, init) => fetch(url, init),
  connection: () => new RTCPeerConnection({bundlePolicy: 'max-bundle'}),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), {once: true});
    }),
};

type Outcome =
  | {kind: 'lost'; reason: string; wasLive: boolean}
  | {kind: 'later'; seconds: number; reason: string}
  | {kind: 'refused'; reason: string};

const kFirstRetrySeconds = 1;
const kLastRetrySeconds = 10;
const kRetryAfterMaxSeconds = 30;
const kConnectWithinMs = 15_000;
/** Most interruptions heal by themselves; the others are mended by an ICE restart. */
const kRestartAfterMs = 2_000;
const kInterruptedForMs = 10_000;
/** The relay is busy or nobody publishes yet: the same request may succeed later. */
const kComeBackStatuses = new Set([409, 429, 503]);

export abstract class Session {
  state: SessionState = {kind: 'idle'};
  connection: RTCPeerConnection | undefined;
  /** The offers that were answered so far; stays at one while a session lives. */
  answers = 0;
  private readonly stopping = new AbortController();
  private location: string | undefined;
  private answer = '';
  private restarting = false;

  protected constructor(
    private readonly url: string,
    private readonly onState: (state: SessionState) => void,
    private readonly environment: Environment,
  ) {}

  /** Adds the tracks and transceivers that the offer is to have. */
  protected abstract prepare(connection: RTCPeerConnection): void;

  /** Runs until stop() or a refusal. */
  async run(): Promise<void> {
    let failures = 0;
    const {signal} = this.stopping;
    while (!signal.aborted) {
      this.enter({kind: 'connecting'});
      const outcome = await this.attempt();
      if (signal.aborted) break;
      if (outcome.kind === 'refused') return this.enter(outcome);
      if (outcome.kind === 'later') {
        const {seconds, reason} = outcome;
        this.enter({kind: 'waiting', seconds, reason});
        await this.environment.wait(seconds * 1000, signal);
        continue;
      }
      failures = outcome.wasLive ? 0 : failures + 1;
      const seconds = Math.min(kLastRetrySeconds, kFirstRetrySeconds * 2 ** Math.max(0, failures - 1));
      this.enter({kind: 'retrying', seconds, reason: outcome.reason});
      await this.environment.wait(seconds * 1000, signal);
    }
    this.enter({kind: 'ended'});
  }

  /** Ends the session here and at the relay. The request outlives the page. */
  stop(): void {
    this.stopping.abort();
    this.connection?.close();
    this.release();
  }

  /**
   * Begins ICE anew in the same session (RFC 9725 §4.3.3): the next path may lead through another
   * network. False when the relay does not take part; then everything is as it was.
   */
  async restartIce(): Promise<boolean> {
    const {connection, location} = this;
    if (!connection || location === undefined || this.restarting) return false;
    this.restarting = true;
    try {
      connection.restartIce();
      await connection.setLocalDescription();
      const response = await this.environment.fetch(location, {
        method: 'PATCH',
        headers: {'Content-Type': kFragmentType, 'If-Match': '*'},
        body: fragmentOf(connection.localDescription?.sdp ?? ''),
        signal: this.stopping.signal,
      });
      if (response.status !== 200) throw new Error(`The relay answered ${response.status}`);
      this.answer = answerWith(this.answer, await response.text());
      await connection.setRemoteDescription({type: 'answer', sdp: this.answer});
      return true;
    } catch {
      if (connection.signalingState === 'have-local-offer') {
        await connection.setLocalDescription({type: 'rollback'}).catch(() => {});
      }
      return false;
    } finally {
      this.restarting = false;
    }
  }

  private enter(state: SessionState): void {
    this.state = state;
    this.onState(state);
  }

  /** One connection from its offer to its end. */
  private async attempt(): Promise<Outcome> {
    const connection = this.environment.connection();
    this.connection = connection;
    const {signal} = this.stopping;
    try {
      this.prepare(connection);
      await connection.setLocalDescription();
      // The relay is ICE-lite and learns our addresses from our checks: nothing to gather first.
      const response = await this.environment.fetch(this.url, {
        method: 'POST',
        headers: {'Content-Type': 'application/sdp', Accept: 'application/sdp'},
        body: connection.localDescription?.sdp ?? '',
        signal,
      });
      if (response.status !== 201) return await refusal(response);
      this.location = new URL(response.headers.get('Location') ?? '', new URL(this.url, base())).href;
      const sdp = await response.text();
      this.answer = sdp;
      ++this.answers;
      if (signal.aborted) {
        this.release();
        return {kind: 'lost', reason: 'stopped', wasLive: false};
      }
      await connection.setRemoteDescription({type: 'answer', sdp});
      return await this.follow(connection);
    } catch (error) {
      return {kind: 'lost', reason: reasonOf(error), wasLive: false};
    } finally {
      connection.close();
      this.release();
    }
  }

  /** Follows a connection until it is lost. */
  private async follow(connection: RTCPeerConnection): Promise<Outcome> {
    let wasLive = false;
    let restarted = false; // since it was last connected
    const {environment} = this;
    return new Promise<Outcome>((resolve) => {
      const timers = new Set<AbortController>();
      const lost = (reason: string) => {
        for (const timer of timers) timer.abort();
        connection.removeEventListener('connectionstatechange', look);
        resolve({kind: 'lost', reason, wasLive});
      };
      const after = (ms: number, act: () => void) => {
        const timer = new AbortController();
        timers.add(timer);
        void environment.wait(ms, timer.signal).then(() => timer.signal.aborted || act());
      };
      const loseAfter = (ms: number, reason: string) => after(ms, () => lost(reason));
      const mend = () => {
        if (restarted) return;
        restarted = true;
        void this.restartIce().then((done) => {
          if (!done && connection.connectionState === 'failed') lost('The connection was lost');
        });
      };
      const look = () => {
        const state = connection.connectionState;
        if (state === 'connected') {
          for (const timer of timers) timer.abort();
          timers.clear();
          wasLive = true;
          restarted = false;
          this.enter({kind: 'live'});
        } else if (state === 'disconnected') {
          this.enter({kind: 'interrupted'});
          after(kRestartAfterMs, mend);
          loseAfter(kInterruptedForMs, 'The connection was interrupted');
        } else if (state === 'failed' && wasLive && !restarted) {
          this.enter({kind: 'interrupted'});
          mend();
          loseAfter(kInterruptedForMs, 'The connection was lost');
        } else if (state === 'failed' || state === 'closed') {
          lost(wasLive ? 'The connection was lost' : 'No path for media to the relay');
        }
      };
      connection.addEventListener('connectionstatechange', look);
      this.stopping.signal.addEventListener('abort', () => lost('stopped'), {once: true});
      loseAfter(kConnectWithinMs, 'No path for media to the relay');
      look();
    });
  }

  private release(): void {
    const {location} = this;
    if (location === undefined) return;
    this.location = undefined;
    // The relay forgets a silent session by itself, so an answer does not matter.
    this.environment.fetch(location, {method: 'DELETE', keepalive: true}).catch(() => {});
  }
}

function base(): string {
  return typeof document === 'undefined' ? 'http://localhost/' : document.baseURI;
}

function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return 'The relay cannot be reached';
  return error instanceof Error ? error.message : String(error);
}

/** What an answer other than 201 means (problem documents, RFC 9457). */
async function refusal(response: Response): Promise<Outcome> {
  const problem = (await response.json().catch(() => ({}))) as {title?: string; detail?: string};
  const reason = problem.detail ?? problem.title ?? `The relay answered ${response.status}`;
  if (kComeBackStatuses.has(response.status)) {
    return {kind: 'later', seconds: retryAfterSeconds(response.headers.get('Retry-After')), reason};
  }
  if (response.status >= 500) return {kind: 'lost', reason, wasLive: false};
  return {kind: 'refused', reason};
}

/** Seconds to wait; a missing or odd header means a second, and half a minute is the most. */
export function retryAfterSeconds(header: string | null): number {
  const seconds = header !== null && /^\d+$/.test(header.trim()) ? Number(header) : 1;
  return Math.min(kRetryAfterMaxSeconds, Math.max(1, seconds));
}
