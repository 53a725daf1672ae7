import {describe, expect, it} from 'vitest';

import {asOneOfFew, EventReader, followLayers, linkOf, type LayersEvent} from '../src/layer_events';
import {FakeWorld, problem, settle, streamed} from './fakes';

describe('links', () => {
  const kBase = 'http://localhost/whip/stage/abc';

  it('are found by their relation, among others', () => {
    const header = '<stun:a>; rel="ice-server", </x/events>; rel="layers", </y>; rel="other"';
    expect(linkOf(header, 'layers', kBase)).toBe('http://localhost/x/events');
    expect(linkOf(header, 'more', kBase)).toBeUndefined();
    expect(linkOf(null, 'layers', kBase)).toBeUndefined();
  });
});

describe('events', () => {
  function read(...pieces: string[]): string[] {
    const events: string[] = [];
    const reader = new EventReader((name, data) => events.push(`${name} ${data}`));
    for (const piece of pieces) reader.read(piece);
    return events;
  }

  it('are read however they are cut', () => {
    const text = ':\n\nevent: layers\ndata: {"a":1}\n\n:\n\ndata: x\ndata: y\r\n\r\n';
    const all = ['layers {"a":1}', 'message x\ny'];
    expect(read(text)).toEqual(all);
    expect(read(...text)).toEqual(all);
  });

  it('have an end, or are no events', () => {
    expect(() => read('data: ' + 'x'.repeat(70_000))).toThrow();
  });
});

describe('following', () => {
  function follow(world: FakeWorld) {
    const told: LayersEvent[] = [];
    let lost = 0;
    const stopping = new AbortController();
    const done = followLayers('http://localhost/events', {
      environment: world,
      signal: stopping.signal,
      onLayers: (event) => told.push(event),
      onLost: () => ++lost,
    });
    return {told, stopping, done, lost: () => lost};
  }

  it('passes over what it does not understand', async () => {
    const world = new FakeWorld();
    const events = streamed();
    world.answers = [events.response];
    const {told, stopping} = follow(world);
    const good = '{"mid":"1","rids":[{"rid":"q","active":true}]}';
    for (const data of ['no JSON', '{}', '{"mid":"1","rids":[{}]}', '[]', 'null']) {
      await events.write(`event: layers\ndata: ${data}\n\n`);
    }
    await events.write(`event: news\ndata: ${good}\n\nevent: layers\ndata: ${good}\n\n`);
    expect(told).toEqual([JSON.parse(good)]);
    stopping.abort();
  });

  it('comes back when the relay has no room, and not when there is no session', async () => {
    const world = new FakeWorld();
    world.answers = [problem(503, {'Retry-After': '5'}), new Error('offline'), problem(404)];
    const {done, lost} = follow(world);
    await settle();
    await world.pass(5_000);
    expect(world.calls).toHaveLength(2);
    await world.pass(2_000);
    await done;
    expect(world.calls).toHaveLength(3);
    expect(lost()).toBe(3);
  });
});

describe('pages of one browser', () => {
  /** Those of a browser that gives a lock to one at a time. */
  class FakeLocks {
    private readonly held = new Set<string>();
    request = (async (name: string, _: LockOptions, action: (lock: Lock | null) => Promise<void>) => {
      if (this.held.has(name)) return action(null);
      this.held.add(name);
      return action({name, mode: 'exclusive'}).finally(() => this.held.delete(name));
    }) as LockManager['request'];
  }

  it('follow two at a time, so that connections are left for all else', async () => {
    const locks = new FakeLocks();
    const running: (() => void)[] = [];
    const follow = () => asOneOfFew(() => new Promise((resolve) => running.push(resolve)), locks);
    const first = follow();
    await settle();
    void follow();
    await settle();
    expect(running).toHaveLength(2);
    await follow();
    expect(running, 'the third does without').toHaveLength(2);
    running[0]!();
    await first;
    void follow();
    await settle();
    expect(running, 'one after the first has gone').toHaveLength(3);
  });

  it('follow all where there are no locks', async () => {
    let runs = 0;
    for (let i = 0; i < 3; ++i) await asOneOfFew(async () => void ++runs, undefined);
    expect(runs).toBe(3);
  });
});
