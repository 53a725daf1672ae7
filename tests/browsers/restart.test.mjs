// ICE restarts by PATCH in the middle of a call: the browser gathers anew, the page sends the
// fragment and takes the relay's, and the same picture goes on by another path.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {goesOn, observation, report, until} from './support/measure.mjs';
import {connectionsOf, firstPicture, pressWatch, publish, publishCamera, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const own = startBefore({daemon: {}, firefox: {camera: true}});

/** Where the relay sends to the room's connections of that role. */
async function remotesOf(room, role) {
  const connections = await connectionsOf(own.daemon.address, room);
  return connections.filter((connection) => connection.role === role).map(({path}) => path?.remote);
}

async function handshakes() {
  const metrics = await (await fetch(`${own.daemon.address}/metrics`)).text();
  return /^simpul_handshakes_total\{result="ok"\} (\d+)$/m.exec(metrics)?.[1];
}

/** Restarts ICE of what the pages of a room publish or watch, until the relay uses new paths. */
async function restart(room, role, ...pages) {
  const before = await remotesOf(room, role);
  assert.ok(before.length === pages.length && before.every(Boolean));
  const kind = role === 'whip' ? 'publishing' : 'watching';
  for (const page of pages) {
    assert.equal(await page.evaluate((name) => window.simpul[name].client.restartIce(), kind), true);
  }
  await until('other paths', async () => {
    const now = await remotesOf(room, role);
    return now.every((remote) => remote && !before.includes(remote));
  });
}

test('publishers and viewers of both browsers go on through ICE restarts', (t) => using(async (keep) => {
  const {daemon, chromium, firefox} = own;
  const {address} = daemon;
  const publishers = {chromium: await keep(chromium.page()), firefox: await keep(firefox.page())};
  const viewers = {chromium: await keep(chromium.page()), firefox: await keep(firefox.page())};
  const other = await keep(chromium.page()); // watches what Firefox publishes
  await publish(publishers.chromium, address, 'from-chromium', 'picture=320x180');
  await publishCamera(publishers.firefox, address, 'from-firefox', {width: 320, height: 180});
  await watch(viewers.chromium, address, 'from-chromium');
  await pressWatch(viewers.firefox, address, 'from-chromium');
  await watch(other, address, 'from-firefox');
  const watching = {chromium: viewers.chromium, firefox: viewers.firefox, other};
  for (const viewer of Object.values(watching)) await firstPicture(viewer);
  const pages = [...Object.values(publishers), ...Object.values(watching)];
  const made = await until('a handshake of each', async () => {
    const count = Number(await handshakes());
    return count >= pages.length && count;
  });

  async function goOn(names) {
    const good = [];
    for (const name of names) good.push(await goesOn(watching[name]));
    for (const name of names) assert.equal((await observation(watching[name])).answers, 1, 'still the same session');
    assert.equal(Number(await handshakes()), made, 'still the same DTLS associations');
    return good;
  }
  await t.test('Chromium and Firefox publish through a restart', async () => {
    await Promise.all([restart('from-chromium', 'whip', publishers.chromium), restart('from-firefox', 'whip', publishers.firefox)]);
    const [chromiumSeen, firefoxSeen] = await goOn(['chromium', 'other']);
    report('chromium-publisher-restart', chromiumSeen);
    report('firefox-publisher-restart', firefoxSeen);
  });
  await t.test('Chromium and Firefox watch through a restart', async () => {
    await restart('from-chromium', 'whep', viewers.chromium, viewers.firefox);
    const [chromiumSeen, firefoxSeen] = await goOn(['chromium', 'firefox']);
    report('chromium-viewer-restart', chromiumSeen);
    report('firefox-viewer-restart', firefoxSeen);
  });
  for (const page of pages) assert.deepEqual(page.errors, []);
}));
