import type {PictureSize} from './test_picture';
import type {Layer} from './whep';

export type Source = 'camera' | 'test';

/** What the page's address asks for, so that a link or a script can set everything. */
export interface Parameters {
  room: string;
  name: string;
  publish: Source | undefined;
  watch: boolean;
  layer: Layer | undefined;
  simulcast: boolean | undefined;
  picture: PictureSize;
}

export const kDefaultRoom = 'stage';
const kId = /^[A-Za-z0-9_.-]{1,64}$/;
const kDefaultPicture: PictureSize = {width: 640, height: 360};
const kPictureSideMax = 1920;

export function isId(text: string): boolean {
  return kId.test(text);
}

export function parseParameters(query: string): Parameters {
  const values = new URLSearchParams(query);
  const text = (name: string) => values.get(name)?.trim() ?? '';
  const flag = (name: string) => ['1', 'true', 'yes'].includes(text(name));
  const one = <T extends string>(name: string, allowed: readonly T[]) =>
    allowed.find((value) => value === text(name));
  return {
    room: isId(text('room')) ? text('room') : kDefaultRoom,
    name: isId(text('name')) ? text('name') : '',
    publish: one('publish', ['camera', 'test'] as const),
    watch: flag('watch'),
    layer: one('layer', ['low', 'mid', 'high'] as const),
    simulcast: values.has('simulcast') ? flag('simulcast') : undefined,
    picture: parsePicture(text('picture')),
  };
}

function parsePicture(text: string): PictureSize {
  const match = /^(\d{2,4})x(\d{2,4})$/.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  const fits = (side: number) => side >= 64 && side <= kPictureSideMax && side % 2 === 0;
  return match && fits(width) && fits(height) ? {width, height} : kDefaultPicture;
}

/** The link that lets somebody else watch the same room. */
export function watchLink(pageAddress: string, room: string): string {
  const link = new URL(pageAddress);
  link.hash = '';
  link.search = new URLSearchParams({room, watch: '1'}).toString();
  return link.href;
}
