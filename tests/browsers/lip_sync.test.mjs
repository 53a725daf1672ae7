// Lip sync: a publisher flashes and beeps at once, every second, and the viewers of both browsers say
// when they saw the one and heard the other, before and after another publisher takes the first one's place.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {openLab, serveLab} from './support/lab.mjs';
import {offsets} from './support/lip_sync.mjs';
import {median, report, until} from './support/measure.mjs';
import {startBefore} from './support/suite.mjs';

const kSize = {width: 320, height: 180};
const kFull = process.env.SIMPUL_FULL === '1';
/**
 * What may be between the flash that was seen and the beep that was heard, and between them by the sender
 * reports. Browsers leave up to 60 ms as they are, go beyond by as much when they are busy, and reports
 * of the publisher's browser have been 35 ms beside what its page made: all of that is in it. On a machine
 * that may be busy with anything it only tells sender reports that are heeded from those that are not.
 */
const kApartMaxMs = kFull ? 80 : 200;
/** From when on that holds after a switch of the source. */
const kSettleMs = 2_000;
/**
 * Flashes of which the middle one counts: single ones are late whenever the machine is busy, and
 * without an audio device Firefox plays sound a hundredth too fast, for some eight seconds at a time.
 */
const kFlashes = 9;
/**
 * So long the publishers' encoded pictures wait, and their sound does not. Who plays what comes when it
 * comes is wrong by more than that: only the sender reports tell what belongs together.
 */
const kHeldMs = 300;

const labs = {};
const own = startBefore({daemon: {}, firefox: {}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  for (const name of ['chromium', 'firefox']) labs[name] = await openLab(opened[name], site);
  return [site];
}});

/**
 * By how much beeps came later than their flashes, of late, from a time on: in the viewer, where they
 * were made, and by what the viewer's browser makes of the sender reports.
 */
async function lookSince(browser, publisher, from) {
  const {sync} = await labs[browser].look('viewer');
  const made = (await labs.chromium.look(publisher)).sync;
  const all = {
    apart: offsets(sync, from),
    made: offsets(made, from),
    playout: sync.playout.filter(({at}) => at >= from).map(({apart}) => apart),
  };
  return Object.fromEntries(Object.entries(all).map(([what, list]) => [what, list.slice(-kFlashes).map(Math.round)]));
}

const isWhole = (seen) => Object.values(seen).every(({length}) => length === kFlashes);

const isTogether = ({apart, playout}) =>
  Math.abs(median(apart)) < kApartMaxMs && Math.abs(median(playout)) < kApartMaxMs;

/** Waits until flashes and beeps are together: a browser brings them there by 25 ms a second. */
function together(browser, publisher) {
  let seen;
  return until(`flash and beep together in ${browser}`, async () => {
    seen = await lookSince(browser, publisher, 0);
    return isWhole(seen) && isTogether(seen) && seen;
  }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(seen)}`));
}

/** The flashes that follow a moment. */
function seenAfter(browser, publisher, from) {
  return until(`${kFlashes} flashes of ${publisher}`, async () => {
    const seen = await lookSince(browser, publisher, from);
    return isWhole(seen) && seen;
  });
}

const told = (seen) => ({apartMs: median(seen.apart), playoutMs: median(seen.playout), ...seen});

for (const browser of ['chromium', 'firefox']) {
  test(`${browser} plays the beep when it shows the flash, before and after a switch of the source`, async () => {
    const room = `lip-sync-${browser}`;
    const publish = (name) => labs.chromium.publish({
      name, participant: name, room, codec: 'VP8', size: kSize, flashes: true, transform: {heldMs: kHeldMs},
    });
    try {
      // Who named nobody is shown who came last.
      await publish('second');
      await publish('first');
      await labs[browser].watch({name: 'viewer', room, listens: true});
      const before = await together(browser, 'first');
      const switched = Date.now();
      await labs.chromium.leave('first');
      let after;
      await until(`flash and beep together in ${browser} after the switch`, async () => {
        after = await seenAfter(browser, 'second', switched + kSettleMs);
        return kFull || isTogether(after);
      }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(after)}`));
      report(`lip-sync-${browser}`, {heldMs: kHeldMs, before: told(before), after: told(after)});
      assert.ok(isTogether(after), `after the switch: ${JSON.stringify(told(after))}`);
    } finally {
      for (const lab of Object.values(labs)) await lab.stop();
    }
  });
}
