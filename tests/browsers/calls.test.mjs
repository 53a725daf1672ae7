// Every pair of browsers through the relay: VP8 and Opus, in and out.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from './support/browsers.mjs';
import {startDaemon} from './support/daemon.mjs';
import {cameraShowsTestPicture} from './support/in_page.mjs';
import {goodTenSeconds, report} from './support/measure.mjs';
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

async function closing(pages, action) {
  try {
    return await action();
  } finally {
    for (const page of pages) await page.close();
  }
}

test('Chromium to Chromium: the picture goes on and the sound is heard', async () => {
  const [publisher, viewer] = [await chromium.page(), await chromium.page()];
  await closing([publisher, viewer], async () => {
    await publish(publisher, daemon.address, 'chromium-chromium');
    await watch(viewer, daemon.address, 'chromium-chromium');
    report('chromium-to-chromium', await goodTenSeconds(viewer));
    assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
  });
});

test('Chromium to stock Firefox and back: no preference is needed to watch or to publish', async (t) => {
  const firefox = await launchFirefox();
  try {
    await t.test('Chromium to stock Firefox: the picture goes on and the sound is heard', async () => {
      const [publisher, viewer] = [await chromium.page(), await firefox.page()];
      await closing([publisher, viewer], async () => {
        await publish(publisher, daemon.address, 'chromium-firefox');
        await pressWatch(viewer, daemon.address, 'chromium-firefox');
        report('chromium-to-stock-firefox', await goodTenSeconds(viewer));
        assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
      });
    });
    await t.test('stock Firefox to Chromium: the picture goes on', async () => {
      const [publisher, viewer] = [await firefox.page(), await chromium.page()];
      await closing([publisher, viewer], async () => {
        await publish(publisher, daemon.address, 'stock-firefox-chromium');
        await watch(viewer, daemon.address, 'stock-firefox-chromium');
        // Without an audio device it has no tone to send.
        report('stock-firefox-to-chromium', await goodTenSeconds(viewer, {sound: false}));
      });
    });
  } finally {
    await firefox.close();
  }
});

test('Firefox to Chromium: the picture goes on and the sound is heard', async () => {
  const firefox = await launchFirefox({camera: true});
  try {
    const [publisher, viewer] = [await firefox.page(), await chromium.page()];
    await publisher.beforeLoad(cameraShowsTestPicture, {width: 640, height: 360});
    await publisher.open(`${daemon.address}/?room=firefox-chromium&publish=camera&simulcast=0`);
    await publishing(publisher);
    await watch(viewer, daemon.address, 'firefox-chromium');
    report('firefox-to-chromium', await goodTenSeconds(viewer));
    assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
    await viewer.close();
  } finally {
    await firefox.close();
  }
});
