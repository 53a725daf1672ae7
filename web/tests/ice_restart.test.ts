import {describe, expect, it} from 'vitest';

import {answerWith, fragmentOf} from '../src/ice_restart';

const text = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join('');

describe('the fragment of an offer', () => {
  it('is the ICE of its first section', () => {
    const offer = text(
      'v=0',
      'a=group:BUNDLE 0 1',
      'a=ice-options:trickle ice2',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'a=candidate:1 1 udp 1 192.0.2.1 9 typ host',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:secret',
      'a=fingerprint:sha-256 AA',
      'a=mid:0',
      'm=video 9 UDP/TLS/RTP/SAVPF 96',
      'a=ice-ufrag:abcd',
      'a=mid:1',
    );
    expect(fragmentOf(offer)).toBe(
      text(
        'a=group:BUNDLE 0 1',
        'a=ice-options:trickle ice2',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111',
        'a=mid:0',
        'a=ice-ufrag:abcd',
        'a=ice-pwd:secret',
        'a=candidate:1 1 udp 1 192.0.2.1 9 typ host',
      ),
    );
  });

  it('takes credentials from in front of the m-lines when they stand there', () => {
    const offer = text('v=0', 'a=ice-ufrag:abcd', 'a=ice-pwd:secret', 'm=audio 9 X 0', 'a=mid:0');
    expect(fragmentOf(offer)).toBe(text('m=audio 9 X 0', 'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:secret'));
  });
});

describe('the answer after a restart', () => {
  it('has the new credentials everywhere and the new candidates in the place of the old', () => {
    const section = (mid: number, ...candidates: string[]) => [
      `m=audio 9 X ${mid}`,
      'a=ice-ufrag:old',
      'a=ice-pwd:oldsecret',
      ...candidates,
      'a=recvonly',
    ];
    const answer = text('v=0', 'a=ice-lite', ...section(0, 'a=candidate:1 old', 'a=candidate:2 old', 'a=end-of-candidates'), ...section(1));
    const fragment = text('a=ice-lite', 'm=audio 9 X 0', 'a=mid:0', 'a=ice-ufrag:new', 'a=ice-pwd:newsecret', 'a=candidate:7 new', 'a=end-of-candidates');
    const renew = (lines: string[]) => lines.map((line) => line.replace(':old', ':new'));
    expect(answerWith(answer, fragment)).toBe(
      text('v=0', 'a=ice-lite', ...renew(section(0, 'a=candidate:7 new', 'a=end-of-candidates')), ...renew(section(1))),
    );
  });
});
