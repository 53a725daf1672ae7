import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

const kReadyLimitMs = 60_000;
const kStopLimitMs = 60_000;

/**
 * Runs a program, at first until it has printed a line that matches; stop() ends it by SIGTERM.
 * One that `listens` reads its standard input.
 */
export async function start(program, programArguments, ready, {listens = false} = {}) {
  const child = spawn(program, programArguments, {stdio: [listens ? 'pipe' : 'ignore', 'pipe', 'pipe']});
  const lines = [];
  const asked = [];
  const ended = new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({code, signal}));
    child.on('error', (error) => resolve({code: -1, signal: error.message}));
  });
  createInterface({input: child.stderr}).on('line', (line) => lines.push(line));
  const match = new Promise((resolve) => {
    if (!ready) resolve([]);
    createInterface({input: child.stdout}).on('line', (line) => {
      lines.push(line);
      const found = ready?.exec(line);
      if (found) return resolve(found);
      asked.shift()?.(line);
    });
  });
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, kReadyLimitMs, 'late')));
  const first = await Promise.race([match, ended, late]);
  clearTimeout(timer);
  if (!Array.isArray(first)) {
    child.kill('SIGKILL');
    const words = `${program} did not get ready: ${JSON.stringify(first)}\n${lines.join('\n')}`;
    throw Object.assign(new Error(words), {end: first});
  }
  return {
    match: first,
    lines,
    /** Tells the program something. */
    signal: (name) => child.kill(name),
    /** Writes a line, and resolves to the one that the program prints next; undefined when it has ended. */
    ask(line) {
      const answer = new Promise((resolve) => asked.push(resolve));
      child.stdin.write(`${line}\n`);
      return Promise.race([answer, ended.then(() => undefined)]);
    },
    /** Resolves to {code, signal}; a program that does not stop is killed, and shows as such. */
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), kStopLimitMs);
      const end = await ended;
      clearTimeout(killer);
      return end;
    },
  };
}

/** Stops (or closes) each of them, one after the other, and then fails if one did. */
export async function stopAll(all) {
  const failures = [];
  for (const one of all.filter(Boolean)) {
    await (one.stop ?? one.close).call(one).catch((error) => failures.push(error));
  }
  if (failures.length > 0) throw failures.length > 1 ? new AggregateError(failures) : failures[0];
}
