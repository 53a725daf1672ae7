import {beforeEach, describe, expect, it} from 'vitest';

import {kSimulcastLayers, WhipClient} from '../src/whip';
import {created, FakeWorld, installMediaStream, problem, settle} from './fakes';

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  installMediaStream(['video/H264', 'video/VP8', 'video/rtx']);
});

function publish(options: {simulcast?: boolean; participant?: string} = {}): WhipClient {
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
