// Debian's Chromium and Firefox behind one small face: pages that open, evaluate, click and tell
// what they loaded.
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {chromium} from 'playwright-core';
import puppeteer from 'puppeteer-core';

// A loaded machine of two cores has taken more than a minute to show Firefox's first window.
const kLaunchLimitMs = 300_000;
const kPageLimitMs = 180_000;

const kChromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
];

// Nothing here is about media: it keeps a fresh profile from talking to its maker.
const kQuietPreferences = {
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-provider.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
};

const kFakeCameraPreferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
};

/** What both browsers' pages can do. `errors` gathers what the page itself complained about. */
class Page {
  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.errors = [];
    this.requests = [];
    page.setDefaultTimeout(kPageLimitMs);
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('request', (request) => this.requests.push(request.url()));
  }
  evaluate(action, argument) {
    return this.page.evaluate(action, argument);
  }
  async open(url) {
    await this.page.goto(url, {timeout: kPageLimitMs});
  }
  click(selector) {
    return this.page.click(selector);
  }
  screenshot(path) {
    return this.page.screenshot({path, fullPage: true});
  }
  close() {
    return this.page.close();
  }
}

class ChromiumPage extends Page {
  beforeLoad(action, argument) {
    return this.page.addInitScript(action, argument);
  }
  resize(width, height) {
    return this.page.setViewportSize({width, height});
  }
}

class FirefoxPage extends Page {
  async beforeLoad(action, argument) {
    await this.page.evaluateOnNewDocument(action, argument);
  }
  resize(width, height) {
    return this.page.setViewport({width, height});
  }
}

export async function launchChromium() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    timeout: kLaunchLimitMs,
    args: kChromiumArguments,
  });
  return {
    name: `chromium ${browser.version()}`,
    async page(options = {}) {
      const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
      const page = new ChromiumPage(await context.newPage(), 'chromium');
      page.close = () => context.close();
      return page;
    },
    close: () => browser.close(),
  };
}

/**
 * Firefox as it comes; `camera` adds a fake camera and the permission to use it, `loopback` lets it
 * use this machine's loopback addresses.
 */
export async function launchFirefox({camera = false, loopback = false} = {}) {
  const home = await mkdtemp(join(tmpdir(), 'simpul-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    timeout: kLaunchLimitMs,
    protocolTimeout: kLaunchLimitMs,
    extraPrefsFirefox: {
      ...kQuietPreferences,
      ...(camera ? kFakeCameraPreferences : {}),
      ...(loopback ? {'media.peerconnection.ice.loopback': true} : {}),
    },
    // Root in a container cannot make the namespaces that Firefox's content sandbox wants.
    env: {...process.env, HOME: home, MOZ_DISABLE_CONTENT_SANDBOX: '1'},
  });
  return {
    name: await browser.version(),
    page: async () => new FirefoxPage(await browser.newPage(), 'firefox'),
    async close() {
      await browser.close();
      await rm(home, {recursive: true, force: true, maxRetries: 5});
    },
  };
}
