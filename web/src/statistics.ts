// Turns RTCPeerConnection.getStats() into the few numbers that a person reads. Pure: reports in,
// numbers out; what is a rate needs the totals of the moment before.

export interface StatsEntry {
  id: string;
  type: string;
  timestamp: number;
  [key: string]: unknown;
}

export interface Totals {
  atMs: number;
  bytes: number;
  packets: number;
  lost: number;
  frames: number;
  width: number;
  height: number;
  /** Received media only: seconds that frames spent waiting to be played, and how many did. */
  bufferSeconds: number;
  buffered: number;
  roundTripMs: number | undefined;
  /** Sent media only: what the far side last reported, 0 to 1. */
  reportedLoss: number | undefined;
}

export interface Rates {
  bitsPerSecond: number;
  framesPerSecond: number;
  /** 0 to 1. */
  loss: number;
  width: number;
  height: number;
  roundTripMs: number | undefined;
  bufferMs: number | undefined;
}

type Report = Iterable<StatsEntry>;

const number = (value: unknown): number => (typeof value === 'number' && isFinite(value) ? value : 0);
const optional = (value: unknown): number | undefined =>
  typeof value === 'number' && isFinite(value) ? value : undefined;

function roundTripMs(entries: StatsEntry[]): number | undefined {
  const transport = entries.find((e) => e.type === 'transport' && e['selectedCandidatePairId']);
  const pairs = entries.filter((e) => e.type === 'candidate-pair');
  const pair =
    pairs.find((e) => e.id === transport?.['selectedCandidatePairId']) ??
    pairs.find((e) => e['nominated'] === true && e['state'] === 'succeeded');
  const seconds = optional(pair?.['currentRoundTripTime']);
  return seconds === undefined ? undefined : seconds * 1000;
}

function emptyTotals(entries: StatsEntry[]): Totals {
  return {
    atMs: Math.max(0, ...entries.map((e) => e.timestamp)),
    bytes: 0,
    packets: 0,
    lost: 0,
    frames: 0,
    width: 0,
    height: 0,
    bufferSeconds: 0,
    buffered: 0,
    roundTripMs: roundTripMs(entries),
    reportedLoss: undefined,
  };
}

/** What a viewer has received so far, audio and video together. */
export function receivedTotals(report: Report): Totals {
  const entries = [...report];
  const totals = emptyTotals(entries);
  for (const entry of entries) {
    if (entry.type !== 'inbound-rtp') continue;
    totals.bytes += number(entry['bytesReceived']) + number(entry['headerBytesReceived']);
    totals.packets += number(entry['packetsReceived']);
    totals.lost += number(entry['packetsLost']);
    if (entry['kind'] !== 'video') continue;
    totals.frames = number(entry['framesDecoded']);
    totals.width = number(entry['frameWidth']);
    totals.height = number(entry['frameHeight']);
    totals.bufferSeconds = number(entry['jitterBufferDelay']);
    totals.buffered = number(entry['jitterBufferEmittedCount']);
  }
  return totals;
}

/** What a publisher has sent so far: all layers together, the size and frames of the largest. */
export function sentTotals(report: Report): Totals {
  const entries = [...report];
  const totals = emptyTotals(entries);
  const losses: number[] = [];
  for (const entry of entries) {
    if (entry.type === 'outbound-rtp') {
      totals.bytes += number(entry['bytesSent']) + number(entry['headerBytesSent']);
      totals.packets += number(entry['packetsSent']);
      if (entry['kind'] !== 'video' || number(entry['frameHeight']) < totals.height) continue;
      totals.frames = number(entry['framesEncoded']);
      totals.width = number(entry['frameWidth']);
      totals.height = number(entry['frameHeight']);
    } else if (entry.type === 'remote-inbound-rtp' && optional(entry['fractionLost']) !== undefined) {
      losses.push(number(entry['fractionLost']));
    }
  }
  if (losses.length > 0) totals.reportedLoss = Math.max(...losses);
  return totals;
}

/** The rates between two totals of one connection; undefined if no time lies between them. */
export function ratesBetween(before: Totals, now: Totals): Rates | undefined {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return undefined;
  const perSecond = (from: number, to: number) => Math.max(0, (to - from) / seconds);
  const buffered = now.buffered - before.buffered;
  return {
    bitsPerSecond: perSecond(before.bytes, now.bytes) * 8,
    framesPerSecond: perSecond(before.frames, now.frames),
    loss: now.reportedLoss ?? lossBetween(before, now),
    width: now.width,
    height: now.height,
    roundTripMs: now.roundTripMs,
    bufferMs:
      buffered > 0 ? ((now.bufferSeconds - before.bufferSeconds) / buffered) * 1000 : undefined,
  };
}

/** The share lost on the way, repaired or not. A packet that comes late lowers the count again. */
function lossBetween(before: Totals, now: Totals): number {
  const lost = Math.max(0, now.lost - before.lost);
  const received = Math.max(0, now.packets - before.packets);
  return lost + received > 0 ? lost / (lost + received) : 0;
}

/** From the network to the screen as far as a viewer can tell: half a round trip and the buffer. */
export function estimatedDelayMs(rates: Rates): number | undefined {
  if (rates.bufferMs === undefined) return undefined;
  return rates.bufferMs + (rates.roundTripMs ?? 0) / 2;
}
