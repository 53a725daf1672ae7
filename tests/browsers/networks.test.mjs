// Networks that are not a cable between two machines: IPv6 only, NATs that forget, bad paths.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {startDaemon, startImpairment} from './support/daemon.mjs';
import {answersPointTo} from './support/in_page.mjs';
import {goesOn, observation, report, until} from './support/measure.mjs';
import {connectionsOf, firstPicture, publish, publishCamera, sent, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const own = startBefore({firefox: {camera: true, loopback: true}});

/** A page of either browser that publishes the test picture with sound. */
function publishFrom(page, address, room) {
  return page.name === 'chromium' ? publish(page, address, room) : publishCamera(page, address, room);
}

/** Where the relay has the media of each of a room's people, by what they do. */
async function remoteAddresses(address, room) {
  const connections = await connectionsOf(address, room);
  return Object.fromEntries(connections.map(({role, path}) => [role, path?.remote]));
}

/** Enough for some repairs of each way. */
const kCountersUnderLoss = 200;
const kPairs = [['chromium', 'firefox'], ['firefox', 'chromium']];

for (const [from, to] of kPairs) {
  test(`IPv6 only, ${from} to ${to}: the picture goes on and the sound is heard`, () => using(async (keep) => {
    const daemon = await keep(startDaemon({host: '[::1]', more: 'listen = ["::1"]'}));
    const publisher = await keep(own[from].page());
    const viewer = await keep(own[to].page());
    await publishFrom(publisher, daemon.address, 'six');
    await watch(viewer, daemon.address, 'six');
    const seen = await goesOn(viewer);
    const remotes = await remoteAddresses(daemon.address, 'six');
    for (const role of ['whip', 'whep']) assert.match(remotes[role], /^\[.*\]:\d+$/);
    report(`ipv6-${from}-to-${to}`, seen);
  }));

  test(`a NAT forgets ${from} who publishes and ${to} who watches: both are found again`, () => using(async (keep) => {
    const daemon = await keep(startDaemon());
    const up = await keep(startImpairment(daemon.mediaPort));
    const down = await keep(startImpairment(daemon.mediaPort));
    const publisher = await keep(own[from].page());
    const viewer = await keep(own[to].page());
    await publisher.beforeLoad(answersPointTo, up.port);
    await viewer.beforeLoad(answersPointTo, down.port);
    await publishFrom(publisher, daemon.address, 'nat');
    await watch(viewer, daemon.address, 'nat');
    await goesOn(viewer);
    const outages = {};
    for (const [role, nat] of [['whip', up], ['whep', down]]) {
      const before = (await remoteAddresses(daemon.address, 'nat'))[role];
      nat.rebind();
      const began = Date.now();
      await until(`the relay follows ${role}`, async () => {
        const now = (await remoteAddresses(daemon.address, 'nat'))[role];
        return now && now !== before;
      });
      outages[role] = Date.now() - began;
      await goesOn(viewer);
    }
    assert.equal((await observation(viewer)).answers, 1, 'nobody made a new offer');
    report(`nat-${from}-to-${to}`, {followedAfterMs: outages});
  }));
}

test('10 % loss each way, 50 ms round trip and reordering: the picture goes on', () => using(async (keep) => {
  const daemon = await keep(startDaemon());
  const path = {loss: 0.1, delayMs: 25, jitterMs: 10, reorder: 0.05};
  const up = await keep(startImpairment(daemon.mediaPort, {...path, seed: 3}));
  const down = await keep(startImpairment(daemon.mediaPort, {...path, seed: 4}));
  const publisher = await keep(own.chromium.page());
  const viewer = await keep(own.chromium.page());
  await publisher.beforeLoad(answersPointTo, up.port);
  await viewer.beforeLoad(answersPointTo, down.port);
  await publish(publisher, daemon.address, 'bad', 'picture=320x180');
  await watch(viewer, daemon.address, 'bad');
  await firstPicture(viewer);
  // Room for a second repair: frames that waited for one come in bursts.
  await viewer.evaluate(() => {
    for (const receiver of window.simpul.watching.client.connection.getReceivers()) {
      receiver.jitterBufferTarget = 400;
    }
  });
  const seen = await goesOn(viewer, {counters: kCountersUnderLoss});
  const end = await observation(viewer);
  const {packetsLost, packetsReceived, retransmittedPacketsReceived} = end.video;
  const upstream = await sent(publisher);
  assert.ok(retransmittedPacketsReceived > 0, 'the relay retransmitted to the viewer');
  assert.ok(upstream.retransmittedPacketsSent > 0, 'the publisher retransmitted to the relay');
  report('loss-10', {
    ...seen,
    lossBeforeRepair: packetsLost / (packetsLost + packetsReceived),
    residualLoss: Math.max(0, packetsLost - retransmittedPacketsReceived) / (packetsLost + packetsReceived),
    retransmittedByPublisher: upstream.retransmittedPacketsSent,
    freezes: end.video.freezeCount,
  });
}));
