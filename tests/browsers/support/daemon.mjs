import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {start} from './process.mjs';

const kBuild = process.env.SIMPUL_BUILD ?? fileURLToPath(new URL('../../../build/release', import.meta.url));
const kReady = /^simpuld ready http=(\S+) media=udp:(\d+)/;
const kRelayReady = /^impairment_relay ready udp=127\.0\.0\.1:(\d+)/;

/** How simpuld ends when somebody else has its port. */
const kPortInUse = 3;
const kPortsTried = 10;

const configuration = (host, httpPort, tcpPort, more) => `
[http]
listen = "${host}:${httpPort}"
[media]
port = 0
tcp_port = ${tcpPort}
workers = 1
${more}`;

/**
 * A daemon of its own, on free ports unless told; no TCP unless told its port, or `tcp` for a free one;
 * `more` is further configuration; `network`, another one that it runs in. stop() holds it to a clean end.
 */
export async function startDaemon({tcp = false, ...options} = {}) {
  for (let triesLeft = tcp ? kPortsTried : 0; ; --triesLeft) {
    try {
      return await startOnce(tcp ? {...options, tcpPort: await freeTcpPort()} : options);
    } catch (error) {
      if (error.end?.code !== kPortInUse || triesLeft <= 1) throw error;
    }
  }
}

async function startOnce({host = '127.0.0.1', httpPort = 0, tcpPort = 0, more = '', network}) {
  const folder = await mkdtemp(join(tmpdir(), 'simpul-daemon-'));
  const file = join(folder, 'simpuld.toml');
  await writeFile(file, configuration(host, httpPort, tcpPort, more));
  const [program, ...inside] = [...(network?.enter ?? []), join(kBuild, 'daemon/simpuld')];
  const forget = () => rm(folder, {recursive: true, force: true});
  const daemon = await start(program, [...inside, '--dev', '--config', file], kReady).catch(async (error) => {
    await forget();
    throw error;
  });
  return {
    address: `http://${network ? await network.reach(daemon.match[1]) : daemon.match[1]}`,
    mediaPort: Number(daemon.match[2]),
    async stop() {
      const end = await daemon.stop();
      await forget();
      assert.deepEqual(end, {code: 0, signal: null}, `how simpuld ended:\n${daemon.lines.join('\n')}`);
    },
  };
}

/** A TCP port that is free now, and most likely still is in a moment. */
async function freeTcpPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The publisher without a browser that `scripts/run --demo` starts. */
export function startDemo(address, room) {
  return start(join(kBuild, 'bench/demo_publisher'), ['--url', address, '--room', room]);
}

/**
 * A path of the given loss and delay, each way, and of the given rates towards the clients and from
 * them, to a media port. rebind() makes it a NAT that has lost its table: the daemon sees its clients at other
 * addresses. change() takes options of the program; it resolves to what has passed so far, and what
 * datagrams waited for the rate since the call before.
 */
export async function startImpairment(mediaPort, {
  loss = 0, delayMs = 0, jitterMs = 0, reorder = 0, seed = 1, rateBps = 0, upRateBps = 0, queueMs = 300,
} = {}) {
  const relay = await start(
    join(kBuild, 'tests/impairment/impairment_relay'),
    ['--listen', '127.0.0.1:0', '--to', `127.0.0.1:${mediaPort}`, '--loss', `${loss}`,
      '--delay-ms', `${delayMs}`, '--jitter-ms', `${jitterMs}`, '--reorder', `${reorder}`,
      '--down-rate-bps', `${rateBps}`, '--up-rate-bps', `${upRateBps}`, '--queue-ms', `${queueMs}`, '--seed', `${seed}`],
    kRelayReady,
    {listens: true},
  );
  return {
    port: Number(relay.match[1]),
    lines: relay.lines,
    rebind: () => relay.signal('SIGUSR1'),
    async change(options = '') {
      const answer = await relay.ask(options);
      const [, counts] = /^impairment_relay changed (\{.*\})$/.exec(answer) ?? assert.fail(`${options}: ${answer}`);
      return JSON.parse(counts);
    },
    stop: () => relay.stop(),
  };
}
