import {describe, expect, it} from 'vitest';

import {runs} from '../src/chart';
import {parseParameters, watchLink} from '../src/parameters';
import {formatBitrate} from '../src/tiles';

describe('the page address', () => {
  it('sets everything', () => {
    const query = '?room=table-7&publish=test&watch=1&layer=mid&name=alice&simulcast=1&picture=320x180';
    expect(parseParameters(query)).toEqual({
      room: 'table-7',
      name: 'alice',
      publish: 'test',
      watch: true,
      layer: 'mid',
      simulcast: true,
      picture: {width: 320, height: 180},
    });
  });

  it('may leave everything out', () => {
    expect(parseParameters('')).toEqual({
      room: 'stage',
      name: '',
      publish: undefined,
      watch: false,
      layer: undefined,
      simulcast: undefined,
      picture: {width: 640, height: 360},
    });
  });

  it.each(['?room=a/b', '?room=', `?room=${'a'.repeat(65)}`, '?room=<script>'])('falls back on %s', (query) => {
    expect(parseParameters(query).room).toBe('stage');
  });

  it.each(['0x0', '99999x1', '641x360', '640', 'axb', '32x32'])('takes no picture of %s', (size) => {
    expect(parseParameters(`?picture=${size}`).picture).toEqual({width: 640, height: 360});
  });

  it('ignores unknown words', () => {
    const {publish, layer, watch} = parseParameters('?publish=tv&layer=best&watch=0');
    expect([publish, layer, watch]).toEqual([undefined, undefined, false]);
  });

  it('is shared without what is only ours', () => {
    const link = watchLink('http://relay.example:8080/?room=x&publish=camera&name=bob#top', 'stage');
    expect(link).toBe('http://relay.example:8080/?room=stage&watch=1');
  });
});

describe('bit rates', () => {
  it.each([
    [0, '0 kbit/s'],
    [64_400, '64 kbit/s'],
    [999_499, '999 kbit/s'],
    [999_500, '1.00 Mbit/s'],
    [2_345_678, '2.35 Mbit/s'],
  ])('%i reads %s', (rate, text) => {
    expect(formatBitrate(rate)).toBe(text);
  });
});

describe('a chart', () => {
  it('breaks its line where values are missing', () => {
    expect(runs([1, 2, undefined, 3, undefined, undefined, 4])).toEqual([
      [0, 2],
      [3, 4],
      [6, 7],
    ]);
    expect(runs([])).toEqual([]);
  });
});
