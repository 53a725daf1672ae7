// What the files here begin and end with: a relay, browsers in front of it, and what tests open.
import {after, before} from 'node:test';

import {launchChromium, launchFirefox} from './browsers.mjs';
import {startDaemon} from './daemon.mjs';
import {stopAll} from './process.mjs';

/**
 * Starts them before a file's first test and stops them after its last. `daemon` and `firefox` are
 * options of theirs (a promise of them will do), without which there is none; `open` opens what the
 * file needs beside them, and returns it in a list. What startBefore() returns holds them once the
 * tests run.
 */
export function startBefore({daemon, firefox, open} = {}) {
  const own = {};
  let more = [];
  before(async () => {
    if (daemon) own.daemon = await startDaemon(await daemon);
    own.chromium = await launchChromium();
    if (firefox) own.firefox = await launchFirefox(firefox);
    if (open) more = await open(own);
  });
  after(() => stopAll([...more, own.chromium, own.firefox, own.daemon]));
  return own;
}

/** Runs with what `keep` is handed (pages, daemons, paths), and stops or closes that, last first. */
export async function using(action) {
  const opened = [];
  const keep = async (resource) => opened[opened.push(await resource) - 1];
  try {
    return await action(keep);
  } finally {
    await stopAll(opened.reverse());
  }
}
