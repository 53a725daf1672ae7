// Every pair of browsers through the relay: VP8 and Opus, in and out.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {launchFirefox} from './support/browsers.mjs';
import {startDaemon} from './support/daemon.mjs';
import {goesOn, goodTenSeconds, report, until} from './support/measure.mjs';
import {connectionsOf, pressWatch, publish, publishCamera, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const own = startBefore({daemon: {}});

/** What the relay thinks that the path to the room's viewer carries comes to 100 kbit/s at some time. */
function pathIsEstimated(room) {
  return until('an estimate of the path', async () => {
    const connections = await connectionsOf(own.daemon.address, room);
    return connections.find(({role}) => role === 'whep')?.estimate_bps > 100_000;
  });
}

test('Chromium to Chromium: the picture goes on and the sound is heard', () => using(async (keep) => {
  const [publisher, viewer] = [await keep(own.chromium.page()), await keep(own.chromium.page())];
  await publish(publisher, own.daemon.address, 'chromium-chromium');
  await watch(viewer, own.daemon.address, 'chromium-chromium');
  report('chromium-to-chromium', await goodTenSeconds(viewer));
  await pathIsEstimated('chromium-chromium');
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
}));

test('Chromium to stock Firefox and back: no preference is needed to watch or to publish', (t) => using(async (keep) => {
  const firefox = await keep(launchFirefox());
  await t.test('Chromium to stock Firefox: the picture goes on and the sound is heard', () => using(async (keepPage) => {
    const [publisher, viewer] = [await keepPage(own.chromium.page()), await keepPage(firefox.page())];
    await publish(publisher, own.daemon.address, 'chromium-firefox');
    await pressWatch(viewer, own.daemon.address, 'chromium-firefox');
    report('chromium-to-stock-firefox', await goodTenSeconds(viewer));
    await pathIsEstimated('chromium-firefox');
    assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
  }));
  await t.test('stock Firefox to Chromium: the picture goes on', () => using(async (keepPage) => {
    const [publisher, viewer] = [await keepPage(firefox.page()), await keepPage(own.chromium.page())];
    await publish(publisher, own.daemon.address, 'stock-firefox-chromium');
    await watch(viewer, own.daemon.address, 'stock-firefox-chromium');
    // Without an audio device it has no tone to send.
    report('stock-firefox-to-chromium', await goodTenSeconds(viewer, {sound: false}));
  }));
}));

// Everywhere else frames are padded, as is the default.
test('Frames that are not padded are played by Chromium and by Firefox', () => using(async (keep) => {
  const daemon = await keep(startDaemon({more: 'gso_padding = false'}));
  const firefox = await keep(launchFirefox());
  const publisher = await keep(own.chromium.page());
  await publish(publisher, daemon.address, 'unpadded');
  for (const browser of [own.chromium, firefox]) {
    await using(async (keepPage) => {
      const viewer = await keepPage(browser.page());
      await pressWatch(viewer, daemon.address, 'unpadded');
      report(`unpadded-chromium-to-${viewer.name}`, await goesOn(viewer));
      assert.deepEqual(viewer.errors, []);
    });
  }
}));

test('Firefox to Chromium: the picture goes on and the sound is heard', () => using(async (keep) => {
  const firefox = await keep(launchFirefox({camera: true}));
  const [publisher, viewer] = [await keep(firefox.page()), await keep(own.chromium.page())];
  await publishCamera(publisher, own.daemon.address, 'firefox-chromium');
  await watch(viewer, own.daemon.address, 'firefox-chromium');
  report('firefox-to-chromium', await goodTenSeconds(viewer));
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
}));
