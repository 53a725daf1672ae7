#!/usr/bin/python3
"""Encodes and decodes for the peer that does neither: IVF files, one for each codec.

usage: recordings.py make FOLDER     three seconds of the test picture and of a tone
       recordings.py read FILE...    what a decoder makes of them, a line of JSON for each

A file of sound is an IVF file too, with an Opus packet of 20 ms as a frame.
"""
import json
import pathlib
import struct
import sys
from fractions import Fraction

import av
import numpy

import marker

SECONDS = 3
SAMPLE_RATE = 48000
SAMPLES_PER_FRAME = 960
H264 = {'preset': 'ultrafast', 'tune': 'zerolatency', 'profile': 'baseline'}
# Name in the file (and for its beginning, of the file): encoder and its options, decoder.
CODECS = {
    'VP80': ('libvpx', {'deadline': 'realtime', 'cpu-used': '8'}, 'vp8'),
    'VP90': ('libvpx-vp9', {'deadline': 'realtime', 'cpu-used': '8', 'lag-in-frames': '0'}, 'vp9'),
    'H264': ('libx264', H264, 'h264'),
    'H264-slices': ('libx264', {**H264, 'x264-params': 'slice-max-size=1100'}, 'h264'),
    'AV01': ('libaom-av1', {'usage': 'realtime', 'cpu-used': '8', 'lag-in-frames': '0'}, 'libdav1d'),
    'Opus': ('libopus', {'frame_duration': '20'}, 'opus'),
}
KEY_FRAME_EVERY = 15
HEADER, FRAME_HEADER = struct.Struct('<4sHH4sHHIIII'), struct.Struct('<IQ')


def write(path, rate, packets):
    fourcc = path.name[:4]
    with open(path, 'wb') as file:
        file.write(HEADER.pack(b'DKIF', 0, HEADER.size, fourcc.encode(), marker.WIDTH, marker.HEIGHT,
                               rate, 1, len(packets), 0))
        for number, packet in enumerate(packets):
            file.write(FRAME_HEADER.pack(len(packet), number) + packet)


def frames_of(path):
    """The name of the codec and the encoded frames of a file."""
    content = pathlib.Path(path).read_bytes()
    fourcc, frames = content[8:12].decode(), []
    rest = content[HEADER.size:]
    while len(rest) >= FRAME_HEADER.size:
        size, _ = FRAME_HEADER.unpack_from(rest)
        frames.append(rest[FRAME_HEADER.size:FRAME_HEADER.size + size])
        rest = rest[FRAME_HEADER.size + size:]
    return fourcc, frames


def encode(context, frames):
    return [bytes(packet) for frame in [*frames, None] for packet in context.encode(frame)]


def make_video(title, folder):
    name, options, _ = CODECS[title]
    context = av.CodecContext.create(name, 'w')
    context.width, context.height, context.pix_fmt = marker.WIDTH, marker.HEIGHT, 'yuv420p'
    context.time_base = Fraction(1, marker.FRAMES_PER_SECOND)
    context.bit_rate, context.gop_size, context.options = 300_000, KEY_FRAME_EVERY, options
    frames = []
    for number in range(SECONDS * marker.FRAMES_PER_SECOND):
        frame = av.VideoFrame.from_ndarray(marker.picture(number), format='yuv420p')
        frame.pts, frame.time_base = number, context.time_base
        frames.append(frame)
    write(folder / f'{title}.ivf', marker.FRAMES_PER_SECOND, encode(context, frames))


def make_sound(folder):
    name, options, _ = CODECS['Opus']
    context = av.CodecContext.create(name, 'w')
    context.sample_rate, context.layout, context.format = SAMPLE_RATE, 'stereo', 's16'
    context.bit_rate, context.options = 48_000, options
    frames = []
    for start in range(0, SECONDS * SAMPLE_RATE, SAMPLES_PER_FRAME):
        samples = numpy.repeat(marker.tone(start, SAMPLES_PER_FRAME, SAMPLE_RATE), 2)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format='s16', layout='stereo')
        frame.pts, frame.sample_rate, frame.time_base = start, SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frames.append(frame)
    write(folder / 'Opus.ivf', SAMPLE_RATE // SAMPLES_PER_FRAME, encode(context, frames))


def read(path):
    fourcc, frames = frames_of(path)
    context = av.CodecContext.create(CODECS[fourcc][2], 'r')
    tally, sound = marker.Tally(), marker.Sound()
    for content in [*map(av.Packet, frames), None]:
        try:
            decoded = context.decode(content)
        except av.error.InvalidDataError:  # on a path that loses packets: of what, nobody repaired
            tally.refuse()
            continue
        for frame in decoded:
            if isinstance(frame, av.VideoFrame):
                plane = frame.planes[0]
                rows = numpy.frombuffer(plane, numpy.uint8).reshape(-1, plane.line_size)
                tally.look(rows[:frame.height, :frame.width])
            else:
                samples = frame.to_ndarray().ravel()
                sound.hear((samples * 32767).astype(numpy.int16) if samples.dtype.kind == 'f' else samples)
    return {'encoded': len(frames), **(sound.told() if fourcc == 'Opus' else tally.told())}


def main():
    match sys.argv[1:]:
        case ['make', folder]:
            folder = pathlib.Path(folder)
            folder.mkdir(parents=True, exist_ok=True)
            for title in CODECS:
                make_sound(folder) if title == 'Opus' else make_video(title, folder)
        case ['read', *paths] if paths:
            for path in paths:
                print(json.dumps(read(path)))
        case _:
            sys.exit(__doc__)


main()
