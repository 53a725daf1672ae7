import {beforeEach, describe, expect, it} from 'vitest';

import {retryAfterSeconds} from '../src/session';
import {WhepClient, type Layer} from '../src/whep';
import {created, FakeWorld, installMediaStream, problem, settle} from './fakes';

let world: FakeWorld;
let streams: MediaStream[];
beforeEach(() => {
  world = new FakeWorld();
  streams = [];
  installMediaStream();
});

function watch(layer?: Layer): WhepClient {
  const client = new WhepClient(
    {
      room: 'stage',
      ...(layer ? {layer} : {}),
      onState: (state) => world.states.push(state),
      onStream: (stream) => streams.push(stream),
    },
    world,
  );
  void client.run();
  return client;
}

async function watchLive(): Promise<WhepClient> {
  world.answers = [created('/whep/stage/one')];
  const client = watch();
  await settle();
  world.last.become('connected');
  return client;
}

function restarted(): Response {
  return new Response('a=ice-ufrag:theirs\r\na=ice-pwd:secret\r\n', {status: 200, headers: {ETag: '"2"'}});
}

function track(kind: string): Event {
  return Object.assign(new Event('track'), {track: {kind}});
}

describe('watching', () => {
  it('asks for one audio and one video slot, and for the layer', async () => {
    world.answers = [created('/whep/stage/one')];
    watch('low');
    await settle();
    expect(world.posts[0]!.url).toBe('/whep/stage?layer=low');
    expect(world.last.transceivers.map((t) => [t.what, t.init?.direction])).toEqual([
      ['audio', 'recvonly'],
      ['video', 'recvonly'],
    ]);
  });

  it('hands over one stream for both tracks', async () => {
    await watchLive();
    world.last.dispatchEvent(track('audio'));
    world.last.dispatchEvent(track('video'));
    expect(streams).toHaveLength(1);
    expect(streams[0]!.getTracks()).toHaveLength(2);
  });

  it('comes back after Retry-After while nobody publishes', async () => {
    world.answers = [problem(409, {'Retry-After': '3'}, 'Nobody publishes'), created('/whep/stage/one')];
    const client = watch();
    await settle();
    expect(client.state).toEqual({kind: 'waiting', seconds: 3, reason: 'Nobody publishes'});
    await world.pass(3000);
    expect(world.posts).toHaveLength(2);
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
  });

  it.each([429, 503])('comes back after a %i too', async (status) => {
    world.answers = [problem(status, {'Retry-After': '2'})];
    const client = watch();
    await settle();
    expect(client.state).toMatchObject({kind: 'waiting', seconds: 2});
  });

  it('backs off while the relay cannot be reached, up to ten seconds', async () => {
    world.answers = Array.from({length: 7}, () => new TypeError('fetch failed'));
    const client = watch();
    await settle();
    const seconds = [];
    for (let i = 0; i < 6; ++i) {
      const {state} = client;
      if (state.kind !== 'retrying') throw new Error(state.kind);
      expect(state.reason).toBe('The relay cannot be reached');
      seconds.push(state.seconds);
      await world.pass(state.seconds * 1000);
    }
    expect(seconds).toEqual([1, 2, 4, 8, 10, 10]);
  });

  it('tries again after an internal error of the relay', async () => {
    world.answers = [problem(500)];
    const client = watch();
    await settle();
    expect(client.state.kind).toBe('retrying');
  });

  it('makes a new session when the connection fails, and deletes the old one', async () => {
    const client = await watchLive();
    world.answers = [created('/whep/stage/two')];
    world.last.become('failed');
    await settle();
    expect(client.state).toMatchObject({kind: 'retrying', seconds: 1, reason: 'The connection was lost'});
    expect(world.deletes.map((call) => call.url)).toEqual([expect.stringMatching(/one$/)]);
    await world.pass(1000);
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
    expect(client.answers).toBe(2);
  });

  it('waits out a short interruption without a new offer', async () => {
    const client = await watchLive();
    world.last.become('disconnected');
    expect(client.state.kind).toBe('interrupted');
    world.last.become('connected');
    await world.pass(2000);
    await world.pass(10_000);
    expect(client.state.kind).toBe('live');
    expect(world.posts).toHaveLength(1);
    expect(world.patches).toHaveLength(0);
  });

  it('gives up on an interruption that lasts', async () => {
    const client = await watchLive();
    world.last.become('disconnected');
    await world.pass(10_000);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'The connection was interrupted'});
  });

  it('restarts ICE when an interruption lasts, and stays in its session', async () => {
    const client = await watchLive();
    world.patchAnswers = [restarted()];
    world.last.become('disconnected');
    await world.pass(2000);
    const {url, init} = world.patches[0]!;
    expect(url).toMatch(/\/whep\/stage\/one$/);
    expect(init.headers).toEqual({'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*'});
    expect(init.body).toBe('m=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:new\r\na=ice-pwd:secret\r\n');
    expect(world.last.remoteDescription?.type).toBe('answer');
    world.last.become('connected');
    await world.pass(10_000);
    expect(client.state.kind).toBe('live');
    expect([client.answers, world.deletes.length, world.last.restarts]).toEqual([1, 0, 1]);
  });

  it('restarts ICE when the connection fails, once', async () => {
    const client = await watchLive();
    world.patchAnswers = [restarted()];
    world.last.become('failed');
    await settle();
    expect(world.patches).toHaveLength(1);
    expect(client.state.kind).toBe('interrupted');
    world.last.become('failed');
    await settle();
    expect(world.patches).toHaveLength(1);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'The connection was lost'});
  });

  it('waits for a restart in flight though the connection fails meanwhile', async () => {
    const client = await watchLive();
    let answer: (response: Response) => void = () => {};
    world.patchAnswers = [new Promise<Response>((resolve) => (answer = resolve))];
    world.last.become('disconnected');
    await world.pass(2000);
    expect(world.patches).toHaveLength(1);
    world.last.become('failed');
    await settle();
    expect(client.state.kind).toBe('interrupted');
    answer(restarted());
    await settle();
    expect(world.last.remoteDescription?.type).toBe('answer');
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
    expect([client.answers, world.deletes.length, world.last.restarts, world.patches.length]).toEqual([1, 0, 1, 1]);
  });

  it('repeats a restart word for word until it is answered', async () => {
    const client = await watchLive();
    const never = new Promise<Response>(() => {});
    const fromProxy = problem(504, {'Retry-After': '1'});
    world.patchAnswers = [new TypeError('offline'), never, problem(429, {'Retry-After': '2'}), fromProxy, restarted()];
    world.last.become('failed');
    await settle();
    await world.pass(1000); // nobody was there
    await world.pass(3000); // no answer came
    await world.pass(1000);
    await world.pass(2000); // too many
    await world.pass(1000); // the proxy got no answer
    expect(world.patches).toHaveLength(5);
    expect(new Set(world.patches.map((call) => call.init.body)).size).toBe(1);
    expect([world.last.restarts, world.last.rollbacks]).toEqual([1, 0]);
    expect(client.state.kind).toBe('interrupted');
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
  });

  it('gives a restart ten seconds more once it is answered', async () => {
    const client = await watchLive();
    world.patchAnswers = [restarted()];
    world.last.become('disconnected');
    await world.pass(2000);
    const pending = world.waits.filter((wait) => wait.ms === 10_000 && !wait.signal.aborted);
    expect(pending).toHaveLength(1);
    expect(pending[0]).toBe(world.waits.at(-1));
    await world.pass(10_000);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'The connection was lost'});
  });

  it('gives up a restart that nobody answers, and joins anew', async () => {
    const client = await watchLive();
    world.patchAnswers = [new Promise<Response>(() => {})];
    world.answers = [created('/whep/stage/two')];
    world.last.become('failed');
    await settle();
    await world.pass(10_000);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'The connection was lost'});
    expect(world.patches[0]!.init.signal!.aborted).toBe(true);
    await world.pass(1000);
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
    expect([client.answers, world.patches.length]).toEqual([2, 1]);
  });

  it('joins anew at once when the relay has no such session any more', async () => {
    const client = await watchLive();
    world.patchAnswers = [problem(404)];
    world.last.become('disconnected');
    await world.pass(2000);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'The connection was lost'});
  });

  it('gives every caller the restart that is under way', async () => {
    const client = await watchLive();
    world.patchAnswers = [restarted()];
    expect(await Promise.all([client.restartIce(), client.restartIce()])).toEqual([true, true]);
    expect(world.patches).toHaveLength(1);
  });

  it('sends nothing more when it is stopped during a restart', async () => {
    const client = await watchLive();
    world.patchAnswers = [new TypeError('offline')];
    world.last.become('failed');
    await settle();
    client.stop();
    await settle();
    expect(client.state.kind).toBe('ended');
    expect(world.patches).toHaveLength(1);
  });

  it('takes a restart back that the relay refuses', async () => {
    const client = await watchLive();
    world.patchAnswers = [problem(405)];
    world.last.become('disconnected');
    await world.pass(2000);
    expect([world.last.rollbacks, world.last.signalingState]).toEqual([1, 'stable']);
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
  });

  it('gives up when no media path opens', async () => {
    world.answers = [created('/whep/stage/one')];
    const client = watch();
    await settle();
    await world.pass(15_000);
    expect(client.state).toMatchObject({kind: 'retrying', reason: 'No path for media to the relay'});
  });
});

describe('Retry-After', () => {
  it.each([
    ['5', 5],
    ['0', 1],
    [null, 1],
    ['soon', 1],
    ['-3', 1],
    ['86400', 30],
  ])('%s means %i seconds', (header, seconds) => {
    expect(retryAfterSeconds(header)).toBe(seconds);
  });
});

describe('the size of the picture', () => {
  const accepted = () => new Response(null, {status: 204});
  const told = () => world.patches.map((call) => [new URL(call.url).pathname, JSON.parse(String(call.init.body))]);

  it('is told when the connection is up', async () => {
    world.answers = [created('/whep/stage/one')];
    world.patchAnswers = [accepted()];
    const client = watch();
    client.resize(640.4, 359.6);
    await world.pass(300);
    expect(told()).toEqual([]);
    world.last.become('connected');
    await settle();
    expect(told()).toEqual([['/whep/stage/one/slots/1', {width: 640, height: 360}]]);
    expect(world.patches[0]!.init.headers).toEqual({'Content-Type': 'application/json'});
  });

  it('is told once it stays as it is', async () => {
    world.patchAnswers = [accepted()];
    const client = await watchLive();
    for (let width = 100; width <= 500; width += 100) client.resize(width, width / 2);
    await settle();
    expect(told()).toEqual([]);
    await world.pass(300);
    expect(told()).toEqual([['/whep/stage/one/slots/1', {width: 500, height: 250}]]);
  });

  it('is told in turns, the last one last', async () => {
    let answer: (response: Response) => void = () => {};
    world.patchAnswers = [new Promise((resolve) => (answer = resolve)), accepted()];
    const client = await watchLive();
    client.resize(100, 100);
    await world.pass(300);
    client.resize(200, 200);
    await world.pass(300);
    client.resize(300, 300);
    await world.pass(300);
    expect(told()).toHaveLength(1);
    answer(accepted());
    await settle();
    expect(told().map(([, size]) => size.width)).toEqual([100, 300]);
  });

  it('is told again to the next connection', async () => {
    world.patchAnswers = [accepted(), accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    world.answers = [created('/whep/stage/two')];
    world.last.become('closed');
    await settle();
    await world.pass(1000);
    world.last.become('connected');
    await settle();
    expect(told().map(([path]) => path)).toEqual(['/whep/stage/one/slots/1', '/whep/stage/two/slots/1']);
  });

  it('is told again when nobody answered', async () => {
    world.patchAnswers = [new Error('no network'), accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    expect(client.state.kind).toBe('live');
    await world.pass(1000);
    expect(told().map(([, view]) => view.width)).toEqual([640, 640]);
  });

  it('is told again where the slot was full or nobody answered in time, so that no picture stays paused', async () => {
    const full = () => new Response(null, {status: 503});
    world.patchAnswers = [accepted(), accepted(), full(), new Promise(() => {}), accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    client.resize(0, 0);
    await world.pass(2000);
    client.resize(640, 360);
    await world.pass(0);
    await world.pass(1000);
    await world.pass(3000);
    await world.pass(1000);
    expect(told().map(([, view]) => view.paused)).toEqual([undefined, true, false, false, false]);
  });

  it('pauses the slot of a picture that is not shown for a while, and lets it go on at once', async () => {
    world.patchAnswers = [accepted(), accepted(), accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    client.resize(0, 360);
    expect(client.paused).toBe(true);
    await world.pass(300);
    expect(told()).toHaveLength(1);
    await world.pass(2000);
    client.resize(0, 0);
    await world.pass(2000);
    client.resize(640, 360);
    expect(client.paused).toBe(false);
    await world.pass(0);
    expect(told().map(([, view]) => view)).toEqual([
      {width: 640, height: 360},
      {paused: true},
      {width: 640, height: 360, paused: false},
    ]);
  });

  it('pauses nothing for who looks away for a moment', async () => {
    world.patchAnswers = [accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    client.resize(0, 0);
    await world.pass(300);
    client.resize(640, 360);
    await world.pass(0);
    await world.pass(2000);
    expect(told().every(([, view]) => !view.paused)).toBe(true);
  });

  it('is told once while it stays the same', async () => {
    world.patchAnswers = [accepted()];
    const client = await watchLive();
    client.resize(640, 360);
    await world.pass(300);
    client.resize(640, 360);
    await world.pass(300);
    expect(told().length).toBe(1);
  });
});
