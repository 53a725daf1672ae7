import {describe, expect, it} from 'vitest';

import {estimatedDelayMs, ratesBetween, receivedTotals, sentTotals, type StatsEntry} from '../src/statistics';

const kPair: StatsEntry[] = [
  {id: 'T', type: 'transport', timestamp: 0, selectedCandidatePairId: 'P2'},
  {id: 'P1', type: 'candidate-pair', timestamp: 0, nominated: true, state: 'succeeded', currentRoundTripTime: 9},
  {id: 'P2', type: 'candidate-pair', timestamp: 0, nominated: true, state: 'succeeded', currentRoundTripTime: 0.04},
];

function receiver(atMs: number, video: object, audio: object = {}): StatsEntry[] {
  return [
    ...kPair,
    {id: 'V', type: 'inbound-rtp', kind: 'video', timestamp: atMs, ...video},
    {id: 'A', type: 'inbound-rtp', kind: 'audio', timestamp: atMs, ...audio},
  ];
}

function sender(atMs: number, layers: object[], lost?: number): StatsEntry[] {
  const entries: StatsEntry[] = layers.map((layer, i) => ({
    id: `O${i}`,
    type: 'outbound-rtp',
    kind: 'video',
    timestamp: atMs,
    ...layer,
  }));
  if (lost !== undefined) {
    entries.push({id: 'R', type: 'remote-inbound-rtp', kind: 'video', timestamp: atMs, fractionLost: lost});
  }
  return [...kPair, ...entries];
}

describe('a receiver', () => {
  const before = receivedTotals(
    receiver(
      1000,
      {bytesReceived: 10_000, packetsReceived: 100, packetsLost: 2, framesDecoded: 30, jitterBufferDelay: 1, jitterBufferEmittedCount: 30},
      {bytesReceived: 1000, packetsReceived: 50, packetsLost: 0},
    ),
  );
  const now = receivedTotals(
    receiver(
      3000,
      {bytesReceived: 110_000, packetsReceived: 190, packetsLost: 6, framesDecoded: 90, frameWidth: 640, frameHeight: 360, jitterBufferDelay: 4, jitterBufferEmittedCount: 90},
      {bytesReceived: 26_000, packetsReceived: 146, packetsLost: 6},
    ),
  );
  const rates = ratesBetween(before, now)!;

  it('gets rates over the time between the reports', () => {
    expect(rates.bitsPerSecond).toBe(((110_000 + 26_000 - 11_000) * 8) / 2);
    expect(rates.framesPerSecond).toBe(30);
    expect([rates.width, rates.height]).toEqual([640, 360]);
  });

  it('loses the share of what it should have got', () => {
    expect(rates.loss).toBeCloseTo(10 / (10 + 186));
  });

  it('takes the round trip of the selected pair', () => {
    expect(rates.roundTripMs).toBe(40);
  });

  it('waits as long as the frames of the meantime waited', () => {
    expect(rates.bufferMs).toBe(50);
    expect(estimatedDelayMs(rates)).toBe(70);
  });

  it('shows no loss when late packets lower the count of lost ones', () => {
    const repaired = receivedTotals(receiver(4000, {packetsReceived: 200, packetsLost: 0, framesDecoded: 90}));
    expect(ratesBetween(now, repaired)!.loss).toBe(0);
  });

  it('has no rates without time between the reports', () => {
    expect(ratesBetween(now, now)).toBeUndefined();
  });

  it('knows no delay while nothing is played', () => {
    const still = {...now, atMs: now.atMs + 1000};
    const idle = ratesBetween(now, still)!;
    expect(idle.framesPerSecond).toBe(0);
    expect(idle.bufferMs).toBeUndefined();
    expect(estimatedDelayMs(idle)).toBeUndefined();
  });

  it('reads a report with nothing in it as zeros', () => {
    expect(receivedTotals([])).toMatchObject({atMs: 0, bytes: 0, packets: 0, frames: 0, roundTripMs: undefined});
  });
});

describe('a sender', () => {
  it('adds up its layers and shows the largest', () => {
    const layer = (bytes: number, height: number, frames: number) => ({
      bytesSent: bytes,
      frameHeight: height,
      frameWidth: (height * 16) / 9,
      framesEncoded: frames,
    });
    const before = sentTotals(sender(0, [layer(0, 180, 0), layer(0, 720, 0), layer(0, 360, 0)]));
    const now = sentTotals(sender(1000, [layer(1000, 180, 30), layer(8000, 720, 25), layer(3000, 360, 30)]));
    const rates = ratesBetween(before, now)!;
    expect(rates.bitsPerSecond).toBe(96_000);
    expect(rates.height).toBe(720);
    expect(rates.framesPerSecond).toBe(25);
  });

  it('believes the loss that the far side reports', () => {
    const before = sentTotals(sender(0, [{bytesSent: 0}], 0));
    expect(ratesBetween(before, sentTotals(sender(1000, [{bytesSent: 1}], 0.25)))!.loss).toBe(0.25);
  });

  it('falls back to a nominated pair where no transport is reported', () => {
    const entries = sender(0, []).filter((entry) => entry.type !== 'transport');
    expect(sentTotals(entries).roundTripMs).toBe(9000);
  });
});
