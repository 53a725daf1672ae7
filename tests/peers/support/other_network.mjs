// A second network (network_namespaces(7)) with a cable to this one: the relay is there, peers are
// here. It ends with the process that made it.
import assert from 'node:assert/strict';
import {execFile, fork, spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {networkInterfaces} from 'node:os';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

const run = promisify(execFile);
const kForwarder = fileURLToPath(new URL('forwarder.mjs', import.meta.url));

/**
 * Makes it: `near` are the addresses of this end of the cable ("10.0.0.1/24"), `far` of the other,
 * `mtu` is what the cable carries at once.
 */
export async function openNetwork({near, far, mtu = 1500}) {
  assert.ok(networkInterfaces().peers0, 'run this by tests/peers/in_namespace, not in the network of the machine');
  const keeper = spawn('unshare', ['--net', 'sh', '-c', 'echo made; exec cat'], {stdio: ['pipe', 'pipe', 'pipe']});
  let complaint = '';
  keeper.stderr.on('data', (text) => (complaint += text));
  const [made] = await Promise.race([once(keeper.stdout, 'data'), once(keeper, 'exit')]);
  assert.match(String(made), /made/, `another network: ${complaint}`);
  const enter = ['nsenter', `--net=/proc/${keeper.pid}/ns/net`];
  const ip = (line) => run('ip', line.split(' '));
  const ipThere = (line) => run(enter[0], [...enter.slice(1), 'ip', ...line.split(' ')]);
  await ip(`link add near0 mtu ${mtu} type veth peer name far0 mtu ${mtu} netns ${keeper.pid}`);
  for (const address of near) await ip(`address add ${address} dev near0`);
  for (const address of far) await ipThere(`address add ${address} dev far0`);
  await ip('link set near0 up');
  for (const name of ['lo', 'far0']) await ipThere(`link set ${name} up`);
  const open = [];
  return {
    enter,
    ip,
    ipThere,
    /** An address here behind which is one of the other network's loopback ("127.0.0.1:80"). */
    async reach(there) {
      const [host, port] = there.split(':');
      const options = {execPath: enter[0], execArgv: [...enter.slice(1), process.execPath]};
      const forwarder = fork(kForwarder, [host, port], options);
      const server = createServer({pauseOnConnect: true}, (socket) => forwarder.send('take it', socket));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      open.push(server, forwarder);
      return `127.0.0.1:${server.address().port}`;
    },
    /** Datagrams that this end, or the other, cut into fragments. */
    async cut(isThere) {
      const command = [...(isThere ? enter : []), 'cat', '/proc/net/snmp'];
      const {stdout} = await run(command[0], command.slice(1));
      const lines = stdout.split('\n').filter((line) => line.startsWith('Ip:'));
      const [names, values] = lines.map((line) => line.split(' '));
      return Number(values[names.indexOf('FragOKs')]);
    },
    async stop() {
      for (const one of open) one.close ? one.close() : one.disconnect();
      keeper.stdin.end();
      await once(keeper, 'exit');
    },
  };
}
