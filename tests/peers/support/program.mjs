// A peer that is a program of its own: it reads requests, a line of JSON each, and answers them.
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

const kAnswerLimitMs = 150_000;
const kStopLimitMs = 60_000;
const kLinesKept = 200;

export class Program {
  constructor(path, programArguments = []) {
    this.path = path;
    this.lines = [];
    this.waiting = new Map();
    this.requests = 0;
    this.child = spawn(path, programArguments, {stdio: ['pipe', 'pipe', 'pipe']});
    this.ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(`code ${code}, signal ${signal}`));
      this.child.on('error', (error) => resolve(error.message));
    });
    this.ended.then((how) => {
      for (const {reject} of this.waiting.values()) reject(this.complaint(`has ended: ${how}`));
    });
    this.child.stdin.on('error', () => {}); // it has ended, which `ended` tells
    createInterface({input: this.child.stdout}).on('line', (line) => this.take(line));
    createInterface({input: this.child.stderr}).on('line', (line) => this.keep(line));
  }

  keep(line) {
    this.lines.push(line);
    if (this.lines.length > kLinesKept) this.lines.shift();
  }

  take(line) {
    let answer;
    try {
      answer = JSON.parse(line);
    } catch {
      this.keep(line); // a library's word to the world
      return;
    }
    const asked = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (answer.error === undefined) asked?.resolve(answer.result);
    else asked?.reject(this.complaint(answer.error));
  }

  complaint(text) {
    return new Error(`${this.path}: ${text}\n${this.lines.slice(-40).join('\n')}`);
  }

  ask(what, details = {}) {
    const id = ++this.requests;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.complaint(`no answer to ${what}`)), kAnswerLimitMs);
      const settled = (settle) => (value) => {
        clearTimeout(timer);
        settle(value);
      };
      this.waiting.set(id, {resolve: settled(resolve), reject: settled(reject)});
      this.child.stdin.write(`${JSON.stringify({...details, id, do: what})}\n`);
    });
  }

  /** Its input ends, and so does the program. */
  async stop() {
    this.child.stdin.end();
    const killer = setTimeout(() => this.child.kill('SIGKILL'), kStopLimitMs);
    const how = await this.ended;
    clearTimeout(killer);
    return how;
  }
}
