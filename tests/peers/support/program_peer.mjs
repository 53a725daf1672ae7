// aiortc, GStreamer and Pion behind the face that the matrix knows (browser_peer.mjs has it too).
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

import {Program} from './program.mjs';

const run = promisify(execFile);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const kRecorder = file('../recordings.py');
const kPionProgram = file('../../../build/pion/pion_peer');

const kSoundPacketsMin = 50;
const kLoudnessMin = 0.01;
const kLinesTold = 20;
/** Frames more than pictures are wanted: some show no other counter than the one before, or none yet. */
const kFramesMore = 20;

class ProgramPeer {
  constructor(name, path) {
    this.name = name;
    this.program = new Program(path);
    this.sessions = 0;
  }

  async learn() {
    this.can = await this.program.ask('capabilities');
  }

  /**
   * Options: passive, to be the DTLS server; path, where media goes; tcp, to use nothing else;
   * trickle, to offer without candidates and tell them one by one; data, to offer a data channel
   * too; bare, to know of H.264 packetization mode 0 only (Pion: and no RTX).
   */
  publish(address, room, codec, options = {}) {
    return this.begin('publish', `${address}/whip/${room}`, {...options, video: codec});
  }

  async watch(address, room, options = {}) {
    const session = await this.begin('watch', `${address}/whep/${room}`, options);
    const soundOnly = async () => {
      const {audio, video} = await session.observe();
      return audio?.packets > 2 * kSoundPacketsMin && {pictures: video?.packets ?? 0};
    };
    return {...session, soundOnly, enough: (wanted) => this.enough(session, wanted)};
  }

  async begin(role, url, options) {
    const session = `${role}-${++this.sessions}`;
    const outcome = await this.program.ask(role, {...options, ...this.folders, session, url});
    return {
      session,
      ...outcome,
      answered: () => outcome,
      lines: () => this.program.lines.slice(-kLinesTold),
      observe: () => this.program.ask('observe', {session}),
      close: () => this.program.ask('close', {session}),
    };
  }

  async stop() {
    assert.equal(await this.program.stop(), 'code 0, signal null', this.program.lines.join('\n'));
  }
}

/** A program that decodes what it watches, and reads the marker itself. */
export class DecodingPeer extends ProgramPeer {
  async enough(session, {codec, pictures}) {
    const {audio, video} = await session.observe();
    const heard = audio.packets >= kSoundPacketsMin && audio.peak >= kLoudnessMin;
    if (!heard || video.advances < pictures || !video.codecs.includes(codec)) return undefined;
    const {advances, unreadable, packets, lost} = video;
    const sound = {packets: audio.packets, loudness: audio.peak};
    return {pictures: advances, unreadable, packets, lost, sound};
  }
}

/**
 * Sends what an encoder recorded, and leaves what it receives to a decoder; what another Pion sent
 * it compares packet by packet.
 */
export class PionPeer extends ProgramPeer {
  static async launch() {
    const folder = await mkdtemp(join(tmpdir(), 'simpul-pion-'));
    await run(kRecorder, ['make', folder]);
    const peer = new PionPeer('pion', kPionProgram);
    peer.folders = {recordings: folder, keep: folder};
    return peer;
  }

  async begin(role, url, options) {
    const begun = await super.begin(role, url, options);
    return {...begun, hashes: () => this.program.ask('hashes', {session: begun.session})};
  }

  async enough(session, {codec, pictures}) {
    const {audio, video} = await session.observe();
    if (!(audio?.packets >= kSoundPacketsMin) || !(video?.frames >= pictures + kFramesMore)) return undefined;
    assert.equal(video.codec, codec);
    const {packets, broken, whole} = video;
    return {packets, broken, ...(codec === 'video/h264' ? {whole} : {})};
  }

  async watch(address, room, options) {
    const session = await super.watch(address, room, options);
    const judge = async ({pictures, publication}) => {
      const got = await session.hashes();
      const files = await session.close();
      const {stdout} = await run(kRecorder, ['read', files.video, files.audio]);
      const [video, audio] = stdout.trim().split('\n').map(JSON.parse);
      assert.ok(video.advances >= pictures, `decoded ${stdout}`);
      assert.ok(audio.peak >= kLoudnessMin, `decoded ${stdout}`);
      const compared = publication?.hashes ? compare(got, await publication.hashes()) : {};
      const sound = {packets: audio.encoded, loudness: audio.peak, compared: compared.audio};
      return {pictures: video.advances, unreadable: video.unreadable, compared: compared.video, sound};
    };
    return {...session, judge, close: async () => {}};
  }

  async stop() {
    await super.stop();
    await rm(this.folders.keep, {recursive: true, force: true});
  }
}

/** Every payload that arrived is one that was sent. Tells how many there were. */
function compare(got, sent) {
  const compared = {};
  for (const kind of ['audio', 'video']) {
    const known = new Set(sent[kind]);
    const foreign = got[kind].filter((hash) => !known.has(hash));
    assert.ok(got[kind].length > 0);
    assert.deepEqual(foreign, [], `${kind} payloads that nobody sent`);
    compared[kind] = got[kind].length;
  }
  return compared;
}
