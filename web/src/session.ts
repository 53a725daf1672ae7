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

type Restart =
  | 'done'
  | 'refused' // the relay does not take part; everything is as it was
  | 'gone'; // the relay has no such session any more

const kFirstRetrySeconds = 1;
const kLastRetrySeconds = 10;
const kRetryAfterMaxSeconds = 30;
const kConnectWithinMs = 15_000;
/** Most interruptions heal by themselves; the others are mended by an ICE restart. */
const kRestartAfterMs = 2_000;
const kInterruptedForMs = 10_000;
/** A restart's request is repeated, word for word, when no answer came in time; it is answered once. */
const kPatchWithinMs = 3_000;
const kPatchAgainMs = 1_000;
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
  private restarting: Promise<Restart> | undefined;
  /** Aborted when the present connection is given up. */
  private ending = new AbortController();

  protected constructor(
    private readonly url: string,
    private readonly onState: (state: SessionState) => void,
    protected readonly environment: Environment,
  ) {}

  /** Adds the tracks and transceivers that the offer is to have. */
  protected abstract prepare(connection: RTCPeerConnection): void;
  /** The relay took the offer. */
  protected joined(_response: Response): void {}
  /** The connection is up, for the first time or again. */
  protected connected(): void {}
  /** Aborts when the present connection is given up. */
  protected get lifetime(): AbortSignal {
    return this.ending.signal;
  }
  /** Where the relay has the session; undefined while it has none. */
  protected get address(): string | undefined {
    return this.location;
  }

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
    this.ending.abort();
    this.connection?.close();
    this.release();
  }

  /**
   * Begins ICE anew in the same session (RFC 9725 §4.3.3): the next path may lead through another
   * network. Asks until the relay answers or the connection is given up. False when the relay does
   * not take part; then everything is as it was. A restart that is under way is the same one.
   */
  async restartIce(): Promise<boolean> {
    return (await this.restart()) === 'done';
  }

  private restart(): Promise<Restart> {
    const {connection, location} = this;
    if (!connection || location === undefined) return Promise.resolve('refused');
    if (this.restarting) return this.restarting;
    const restarting = this.exchange(connection, location, this.ending.signal).finally(() => {
      if (this.restarting === restarting) this.restarting = undefined;
    });
    this.restarting = restarting;
    return restarting;
  }

  private async exchange(connection: RTCPeerConnection, location: string, signal: AbortSignal): Promise<Restart> {
    let status = 0;
    try {
      connection.restartIce();
      await connection.setLocalDescription();
      const answer = await this.patch(location, fragmentOf(connection.localDescription?.sdp ?? ''), signal);
      status = answer.status;
      if (status === 200 && !signal.aborted) {
        this.answer = answerWith(this.answer, answer.text);
        await connection.setRemoteDescription({type: 'answer', sdp: this.answer});
        return 'done';
      }
    } catch {
      // Taken back below, like a refusal.
    }
    if (connection.signalingState === 'have-local-offer') {
      await connection.setLocalDescription({type: 'rollback'}).catch(() => {});
    }
    return status === 404 ? 'gone' : 'refused';
  }

  /** Sends the fragment until it is answered: each time the same, so that a lost answer comes again. */
  private async patch(url: string, body: string, signal: AbortSignal): Promise<{status: number; text: string}> {
    for (;;) {
      let pause = kPatchAgainMs;
      const attempt = new AbortController();
      const abort = () => attempt.abort();
      signal.addEventListener('abort', abort, {once: true});
      void this.environment.wait(kPatchWithinMs, attempt.signal).then(abort);
      try {
        const response = await this.environment.fetch(url, {
          method: 'PATCH',
          headers: {'Content-Type': kFragmentType, 'If-Match': '*'},
          body,
          signal: attempt.signal,
        });
        // A proxy's word that the relay did not answer is no answer of the relay.
        if (response.status < 500 && !kComeBackStatuses.has(response.status)) {
          return {status: response.status, text: await response.text()};
        }
        pause = 1000 * retryAfterSeconds(response.headers.get('Retry-After'));
      } catch {
        // No answer: the network may be about to come back.
      } finally {
        signal.removeEventListener('abort', abort);
        abort();
      }
      if (!signal.aborted) await this.environment.wait(pause, signal);
      if (signal.aborted) throw new Error('The connection was given up');
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
    const ending = new AbortController();
    this.ending = ending;
    this.restarting = undefined;
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
      this.joined(response);
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
      ending.abort();
      connection.close();
      this.release();
    }
  }

  /** Follows a connection until it is lost. */
  private async follow(connection: RTCPeerConnection): Promise<Outcome> {
    let wasLive = false;
    let interrupted = false;
    let restarted = false; // since it was last connected
    let restarting = false;
    const {environment} = this;
    return new Promise<Outcome>((resolve) => {
      let timers = new AbortController();
      const clear = () => {
        timers.abort();
        timers = new AbortController();
      };
      const lost = (reason: string) => {
        clear();
        connection.removeEventListener('connectionstatechange', look);
        resolve({kind: 'lost', reason, wasLive});
      };
      const after = (ms: number, act: () => void) => {
        const {signal} = timers;
        void environment.wait(ms, signal).then(() => signal.aborted || act());
      };
      const loseAfter = (ms: number, reason: string) => after(ms, () => lost(reason));
      // Until the relay answers or the interruption has lasted too long, whatever happens meanwhile.
      const mend = async () => {
        if (restarting || restarted) return;
        restarting = true;
        const result = await this.restart();
        restarting = false;
        if (connection.connectionState === 'connected') return;
        if (result === 'done') {
          restarted = true;
          clear();
          loseAfter(kInterruptedForMs, 'The connection was lost');
        } else if (result === 'gone' || connection.connectionState === 'failed') {
          lost('The connection was lost');
        }
      };
      const interrupt = (reason: string) => {
        if (interrupted) return;
        interrupted = true;
        this.enter({kind: 'interrupted'});
        loseAfter(kInterruptedForMs, reason);
      };
      const look = () => {
        const state = connection.connectionState;
        if (state === 'connected') {
          clear();
          wasLive = true;
          interrupted = restarted = false;
          this.enter({kind: 'live'});
          this.connected();
        } else if (state === 'disconnected') {
          interrupt('The connection was interrupted');
          after(kRestartAfterMs, mend);
        } else if (state === 'failed' && wasLive && !restarted) {
          interrupt('The connection was lost');
          void mend();
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
