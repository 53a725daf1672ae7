"""The number in the top strip of a picture; its format is the page's own (web/src/marker.ts)."""
import time

import numpy

WIDTH, HEIGHT, FRAMES_PER_SECOND = 320, 180, 30
CELLS = 32
COUNTER_BITS = 20
MODULUS = 1 << COUNTER_BITS
STRIP_SHARE = 16 / 180
CONTRAST_MIN = 60  # luma steps between black and white below which a strip is no marker


def counter_now():
    return int(time.time() * FRAMES_PER_SECOND) % MODULUS


def _checksum(counter):
    crc = 0
    for byte in (counter >> 16 & 255, counter >> 8 & 255, counter & 255):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 128 else 0)) & 255
    return crc ^ 0x5A


def _cells(counter):
    bits = counter << 8 | _checksum(counter)
    return [True, False, *(bits >> 27 - i & 1 == 1 for i in range(COUNTER_BITS + 8)), False, True]


# Still, and hard to encode: a key frame takes several packets.
_NOISE = numpy.random.default_rng(1).integers(90, 166, (HEIGHT // 2, WIDTH), numpy.uint8)


def picture(counter):
    """A frame of I420 with the marker over a moving gradient, as rows of WIDTH bytes."""
    frame = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
    frame[:HEIGHT] = 64 + (numpy.arange(WIDTH) + 2 * counter) % WIDTH // 3
    frame[HEIGHT - len(_NOISE):HEIGHT] = _NOISE
    strip = round(HEIGHT * STRIP_SHARE)
    edges = [round(i * WIDTH / CELLS) for i in range(CELLS + 1)]
    for i, white in enumerate(_cells(counter)):
        frame[:strip, edges[i]:edges[i + 1]] = 235 if white else 16
    return frame


def read(luma):
    """The counter in a frame's luma (rows of bytes), or None if there is none to be read."""
    height, width = luma.shape
    strip = round(height * STRIP_SHARE)
    if strip < 1 or width < CELLS:
        return None
    rows = luma[int(strip * 0.25):max(int(strip * 0.25) + 1, int(strip * 0.75))]
    # The middle of each cell: its edges are where the codec blurs.
    cell = width / CELLS
    lefts = [int((i + 0.3) * cell) for i in range(CELLS)]
    rights = [max(lefts[i] + 1, int((i + 0.7) * cell)) for i in range(CELLS)]
    values = [float(rows[:, left:right].mean()) for left, right in zip(lefts, rights)]
    white, black = (values[0] + values[-1]) / 2, (values[1] + values[-2]) / 2
    if white - black < CONTRAST_MIN:
        return None
    cells = [value > (white + black) / 2 for value in values]
    counter = sum(1 << COUNTER_BITS - 1 - i for i in range(COUNTER_BITS) if cells[2 + i])
    return counter if cells == _cells(counter) else None


class Tally:
    """What was read of a stream of pictures: how many differed from the one before, for instance."""

    def __init__(self):
        self.frames = self.unreadable = self.advances = 0
        self.counter = None

    def look(self, luma):
        counter = read(luma)
        self.frames += 1
        if counter is None:
            self.unreadable += 1
        elif counter != self.counter:
            self.advances += 1
            self.counter = counter

    def refuse(self):
        """A picture that no decoder makes anything of."""
        self.frames += 1
        self.unreadable += 1

    def told(self):
        return {'frames': self.frames, 'unreadable': self.unreadable, 'advances': self.advances}


class Sound:
    """How much was heard, and how loud it was: 1 is full scale."""

    def __init__(self):
        self.samples, self.peak = 0, 0.0

    def hear(self, samples):
        """Takes 16-bit samples."""
        if samples.size:
            self.samples += samples.size
            self.peak = max(self.peak, float(numpy.abs(samples.astype(numpy.int32)).max()) / 32768)

    def told(self):
        return {'samples': self.samples, 'peak': round(self.peak, 3)}


def tone(start, count, rate, hertz=440):
    """A sine of 16-bit samples."""
    phase = 2 * numpy.pi * hertz * (numpy.arange(count) + start) / rate
    return (numpy.sin(phase) * 8000).astype(numpy.int16)
