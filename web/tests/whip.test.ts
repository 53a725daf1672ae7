import {beforeEach, describe, expect, it} from 'vitest';

import {kSimulcastLayers, WhipClient, type WhipOptions} from '../src/whip';
import {created, FakeWorld, installMediaStream, problem, settle, streamed} from './fakes';

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  installMediaStream(['video/H264', 'video/VP8', 'video/rtx']);
});

function publish(options: Partial<WhipOptions> = {}): WhipClient {
  const stream = new MediaStream([{kind: 'audio'}, {kind: 'video'}] as unknown as MediaStreamTrack[]);
  const client = new WhipClient(
    {room: 'stage', stream, simulcast: false, ...options, onState: (state) => world.states.push(state)},
    world,
  );
  void client.run();
  return client;
}

describe('publishing', () => {
  it('posts its offer at once and takes the answer', async () => {
    world.answers = [created('/whip/stage/abc')];
    const client = publish({participant: 'alice'});
    await settle();
    const {url, init} = world.posts[0]!;
    expect(url).toBe('/whip/stage?participant=alice');
    expect(init.headers).toMatchObject({'Content-Type': 'application/sdp'});
    expect(init.body).toBe('v=0 offer');
    expect(world.last.remoteDescription).toEqual({type: 'answer', sdp: 'v=0 answer'});
    world.last.become('connected');
    expect(client.state.kind).toBe('live');
    expect(world.kinds).toEqual(['connecting', 'live']);
  });

  it('only sends, and prefers VP8', async () => {
    world.answers = [created('/whip/stage/abc')];
    publish();
    await settle();
    expect(world.last.transceivers.map((t) => t.init?.direction)).toEqual(['sendonly', 'sendonly']);
    expect(world.last.transceivers[1]!.preferences).toEqual(['video/VP8', 'video/H264', 'video/rtx']);
    expect(world.last.transceivers[1]!.init).not.toHaveProperty('sendEncodings');
  });

  it('offers a quarter, a half and the full size when asked for three', async () => {
    world.answers = [created('/whip/stage/abc')];
    publish({simulcast: true});
    await settle();
    const [audio, video] = world.last.transceivers;
    expect(audio!.init).not.toHaveProperty('sendEncodings');
    expect(video!.init?.sendEncodings).toBe(kSimulcastLayers);
    expect(kSimulcastLayers.map((layer) => [layer.rid, layer.scaleResolutionDownBy])).toEqual([
      ['q', 4],
      ['h', 2],
      ['f', 1],
    ]);
  });

  it('deletes its session when stopped, even if the page is going away', async () => {
    world.answers = [created('/whip/stage/abc')];
    const client = publish();
    await settle();
    world.last.become('connected');
    client.stop();
    await settle();
    expect(world.deletes).toHaveLength(1);
    expect(world.deletes[0]!.url).toMatch(/\/whip\/stage\/abc$/);
    expect(world.deletes[0]!.init.keepalive).toBe(true);
    expect(world.last.closed).toBe(true);
    expect(client.state.kind).toBe('ended');
  });

  it('deletes a session that is answered after it was stopped', async () => {
    let answer: (response: Response) => void = () => {};
    const client = publish();
    world.fetch = async (url, init) => {
      world.calls.push({url, init});
      if (init.method === 'DELETE') return new Response(null, {status: 200});
      return new Promise((resolve) => (answer = resolve));
    };
    await settle();
    client.stop();
    answer(created('/whip/stage/late'));
    await settle();
    expect(world.deletes.map((call) => call.url)).toEqual([expect.stringMatching(/late$/)]);
    expect(world.last.remoteDescription).toBeUndefined();
  });

  it('stops at a refusal and says why', async () => {
    world.answers = [problem(403, {}, 'Not in this room')];
    const client = publish();
    await settle();
    expect(client.state).toEqual({kind: 'refused', reason: 'Not in this room'});
    expect(world.posts).toHaveLength(1);
    expect(world.last.closed).toBe(true);
  });
});

describe('layers that nobody watches', () => {
  const kLink = {Link: '</whip/stage/abc/events>; rel="urn:ietf:params:whip:ext:simpul:layers"'};
  const event = (active: Record<string, boolean>) => {
    const rids = Object.entries(active).map(([rid, is]) => ({rid, active: is}));
    return `event: layers\ndata: ${JSON.stringify({mid: '1', rids})}\n\n`;
  };
  const sent = () => [...world.last.senders[1]!.active].filter(([, active]) => active).map(([rid]) => rid);

  async function publishing() {
    const events = streamed();
    world.answers = [created('/whip/stage/abc', kLink), events.response];
    const suspended: string[][] = [];
    const client = publish({simulcast: true, onSuspended: (rids: string[]) => suspended.push(rids)});
    await settle();
    world.last.become('connected');
    await settle();
    return {client, events, suspended};
  }

  it('are not sent until the relay wants them', async () => {
    const {events, suspended} = await publishing();
    expect(sent()).toEqual(['q', 'h', 'f']);
    await events.write(event({q: true, h: false, f: false}));
    await settle();
    expect(sent()).toEqual(['q']);
    expect(suspended.at(-1)).toEqual(['h', 'f']);
    await events.write(event({q: true, h: false, f: true}));
    await settle();
    expect(sent()).toEqual(['q', 'f']);
    expect(suspended.at(-1)).toEqual(['h']);
  });

  it('follow the last word, though the browser takes its time', async () => {
    const {events} = await publishing();
    void events.write(event({q: true, h: false, f: false}) + event({q: true, h: true, f: true}));
    await events.write(event({q: true, h: true, f: false}));
    for (let turn = 0; turn < 10; ++turn) await settle();
    expect(sent()).toEqual(['q', 'h']);
  });

  it('are all sent while nobody tells, and suspended again when somebody does', async () => {
    const {events, suspended} = await publishing();
    await events.write(event({q: true, h: false, f: false}));
    await settle();
    const again = streamed();
    world.answers = [again.response];
    await events.end();
    await settle();
    expect(sent()).toEqual(['q', 'h', 'f']);
    expect(suspended.at(-1)).toEqual([]);
    await world.pass(2_000);
    await again.write(event({q: true, h: true, f: false}));
    await settle();
    expect(sent()).toEqual(['q', 'h']);
  });

  it('are all sent when the relay has fallen silent', async () => {
    const {events} = await publishing();
    await events.write(event({q: true, h: false, f: false}));
    await settle();
    await world.pass(30_000);
    await settle();
    expect(sent()).toEqual(['q', 'h', 'f']);
  });

  it('are not asked about without simulcast, nor where the relay has nothing to tell', async () => {
    world.answers = [created('/whip/stage/abc', kLink)];
    publish();
    await settle();
    world.last.become('connected');
    world.answers = [created('/whip/stage/abc')];
    publish({simulcast: true});
    await settle();
    world.last.become('connected');
    await settle();
    expect(world.calls.map((call) => call.init.method)).toEqual(['POST', 'POST']);
  });

  it('are followed once for each session, until it is stopped', async () => {
    const {client, events} = await publishing();
    world.last.become('disconnected');
    world.last.become('connected');
    await settle();
    const follows = world.calls.filter((call) => call.init.method === 'GET');
    expect(follows.map((call) => call.url)).toEqual([expect.stringMatching(/\/whip\/stage\/abc\/events$/)]);
    client.stop();
    await settle();
    expect(follows[0]!.init.signal!.aborted).toBe(true);
    expect(() => events.write(event({q: true, h: false, f: false}))).toThrow(); // nobody reads it
  });
});
