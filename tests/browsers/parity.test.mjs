// FlexFEC: a viewer far away, on a path that loses, for whom retransmissions come too late.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {startDaemon, startImpairment} from './support/daemon.mjs';
import {answersPointTo} from './support/in_page.mjs';
import {goesOn, observation, report, until} from './support/measure.mjs';
import {firstPicture, publish, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const own = startBefore({});
const kFar = {loss: 0.05, delayMs: 150};
const kParitiesSeen = 50;
const kCounters = 100;

/** What the viewer's picture says of parity packets, and of what was lost. Runs in the page. */
async function parityOf() {
  const seen = {fecPacketsReceived: 0};
  const stats = await window.simpul.watching.client.connection.getStats();
  stats.forEach((entry) => {
    if (entry.type !== 'inbound-rtp' || entry.kind !== 'video') return;
    for (const key of ['fecSsrc', 'fecPacketsReceived', 'packetsReceived', 'packetsLost', 'nackCount',
      'retransmittedPacketsReceived', 'freezeCount', 'totalFreezesDuration', 'framesDecoded']) {
      if (entry[key] !== undefined) seen[key] = entry[key];
    }
  });
  return seen;
}

test('300 ms round trip, 5 % loss: parity packets come to Chromium, and the picture goes on', () => using(async (keep) => {
  const daemon = await keep(startDaemon());
  const down = await keep(startImpairment(daemon.mediaPort, {...kFar, seed: 5}));
  const publisher = await keep(own.chromium.page());
  const viewer = await keep(own.chromium.page());
  await viewer.beforeLoad(answersPointTo, down.port);
  await publish(publisher, daemon.address, 'far', 'picture=640x360');
  await watch(viewer, daemon.address, 'far');
  await firstPicture(viewer);
  await until('parity packets', async () => (await viewer.evaluate(parityOf)).fecPacketsReceived > kParitiesSeen);
  const before = await viewer.evaluate(parityOf);
  const seen = await goesOn(viewer, {counters: kCounters});
  const after = await until('more parity packets', async () => {
    const now = await viewer.evaluate(parityOf);
    return now.fecPacketsReceived > before.fecPacketsReceived && now;
  });
  assert.equal((await observation(viewer)).answers, 1);
  report('parity-300ms-5', {...seen, before, after});
}));
