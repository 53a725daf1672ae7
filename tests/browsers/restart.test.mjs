// ICE restarts by PATCH in the middle of a call: the browser gathers anew, the page sends the
// fragment and takes the relay's, and the same picture goes on by another path.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from './support/browsers.mjs';
import {startDaemon} from './support/daemon.mjs';
import {cameraShowsTestPicture} from './support/in_page.mjs';
import {goodTenSeconds, observation, report, until} from './support/measure.mjs';
import {pressWatch, publish, publishing, watch} from './support/rooms.mjs';

let daemon;
let chromium;
before(async () => {
  daemon = await startDaemon();
  chromium = await launchChromium();
});
after(async () => {
  await chromium?.close();
  await daemon?.stop();
});

/** Where the relay sends to the room's one connection of that role. */
async function remoteOf(room, role) {
  const response = await fetch(`${daemon.address}/v1/rooms/${room}/participants`);
  const {participants} = await response.json();
  const connections = participants.flatMap((participant) => participant.connections);
  return connections.find((connection) => connection.role === role)?.path?.remote;
}

async function handshakes() {
  const metrics = await (await fetch(`${daemon.address}/metrics`)).text();
  return /^simpul_handshakes_total\{result="ok"\} (\d+)$/m.exec(metrics)?.[1];
}

/** Restarts ICE of what the page publishes or watches, until the relay uses the new path. */
async function restart(page, room, role) {
  const before = await remoteOf(room, role);
  assert.ok(before);
  const kind = role === 'whip' ? 'publishing' : 'watching';
  assert.equal(await page.evaluate((name) => window.simpul[name].client.restartIce(), kind), true);
  await until('another path', async () => {
    const now = await remoteOf(room, role);
    return now && now !== before;
  });
}

async function holdsThroughRestart(page, viewer, room, role, options) {
  await goodTenSeconds(viewer, options);
  const before = await handshakes();
  await restart(page, room, role);
  const seen = await goodTenSeconds(viewer, options);
  assert.equal((await observation(viewer)).answers, 1, 'still the same session');
  assert.equal(await handshakes(), before, 'still the same DTLS association');
  return seen;
}

test('Chromium publishes through an ICE restart', async () => {
  const [publisher, viewer] = [await chromium.page(), await chromium.page()];
  await publish(publisher, daemon.address, 'restart-publisher');
  await watch(viewer, daemon.address, 'restart-publisher');
  report('chromium-publisher-restart', await holdsThroughRestart(publisher, viewer, 'restart-publisher', 'whip'));
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
  for (const page of [publisher, viewer]) await page.close();
});

test('Chromium watches through an ICE restart', async () => {
  const [publisher, viewer] = [await chromium.page(), await chromium.page()];
  await publish(publisher, daemon.address, 'restart-viewer');
  await watch(viewer, daemon.address, 'restart-viewer');
  report('chromium-viewer-restart', await holdsThroughRestart(viewer, viewer, 'restart-viewer', 'whep'));
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
  for (const page of [publisher, viewer]) await page.close();
});

test('Firefox publishes and watches through ICE restarts', async (t) => {
  const firefox = await launchFirefox({camera: true});
  try {
    await t.test('Firefox publishes through an ICE restart', async () => {
      const [publisher, viewer] = [await firefox.page(), await chromium.page()];
      await publisher.beforeLoad(cameraShowsTestPicture, {width: 640, height: 360});
      await publisher.open(`${daemon.address}/?room=restart-firefox&publish=camera&simulcast=0`);
      await publishing(publisher);
      await watch(viewer, daemon.address, 'restart-firefox');
      report('firefox-publisher-restart', await holdsThroughRestart(publisher, viewer, 'restart-firefox', 'whip'));
      assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
      for (const page of [publisher, viewer]) await page.close();
    });
    await t.test('Firefox watches through an ICE restart', async () => {
      const [publisher, viewer] = [await chromium.page(), await firefox.page()];
      await publish(publisher, daemon.address, 'restart-firefox-viewer');
      await pressWatch(viewer, daemon.address, 'restart-firefox-viewer');
      report('firefox-viewer-restart', await holdsThroughRestart(viewer, viewer, 'restart-firefox-viewer', 'whep'));
      assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
      for (const page of [publisher, viewer]) await page.close();
    });
  } finally {
    await firefox.close();
  }
});
