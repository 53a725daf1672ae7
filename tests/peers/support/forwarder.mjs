// Runs in another network, and connects what it is handed to one address there: HOST PORT.
import {connect} from 'node:net';

const [host, port] = process.argv.slice(2);
process.on('message', (_, near) => {
  if (!near) return; // it closed on the way
  const far = connect(Number(port), host);
  for (const [from, to] of [[near, far], [far, near]]) {
    from.on('error', () => to.destroy());
    from.pipe(to);
  }
});
process.on('disconnect', () => process.exit());
