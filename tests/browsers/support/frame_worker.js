// A worker of the page that stands between encoder and packets: it hides what is in the encoded
// frames, and shows it again at the other end. XOR stands in for a cipher, so both are the same.
// What RTP's packetizers have to find stays as it is, as with any such transform.

const kMask = 0x5a;
/** Bytes of a slice that stay: receivers look up the parameter sets that its header names. */
const kSliceClear = 32;
const kToldEvery = 10;

function scramble(bytes, from, to) {
  for (let i = from; i < to; ++i) bytes[i] ^= kMask;
}

/** The frame header stays when `clear` asks for it: 10 bytes of key frames, 3 of others. */
function scrambleVp8(bytes, {clear, key}) {
  scramble(bytes, clear ? Math.min(bytes.length, key ? 10 : 3) : 0, bytes.length);
}

/** Slices only, and without touching or making a byte that could belong to a start code. */
function scrambleH264(bytes) {
  let from = bytes.length;
  for (let i = 0; i < bytes.length; ++i) {
    if (i >= 2 && bytes[i] === 1 && bytes[i - 1] === 0 && bytes[i - 2] === 0) {
      const type = bytes[i + 1] & 0x1f;
      from = type === 1 || type === 5 ? i + 2 + kSliceClear : bytes.length;
    }
    if (i >= from && bytes[i] > 3 && (bytes[i] ^ kMask) > 3) bytes[i] ^= kMask;
  }
}

/** What is in the units, but for sequence headers; headers and lengths stay. */
function scrambleAv1(bytes) {
  const kSequenceHeader = 1;
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at++];
    if (head & 0x04) ++at;
    let size = bytes.length - at;
    if (head & 0x02) {
      size = 0;
      let byte;
      for (let shift = 0; shift < 35; shift += 7) {
        byte = bytes[at++];
        size += (byte & 0x7f) * 2 ** shift;
        if (!(byte & 0x80)) break;
      }
    }
    if (((head >> 3) & 0x0f) !== kSequenceHeader) scramble(bytes, at, Math.min(bytes.length, at + size));
    at += size;
  }
}

/** Of RED (RFC 2198) the blocks, each of which is a frame; their headers may be the relay's. */
function scrambleSound(bytes, {red}) {
  let at = 0;
  if (red) {
    while (bytes[at] & 0x80) at += 4;
    ++at;
  }
  scramble(bytes, at, bytes.length);
}

const kScramblers = {
  opus: scrambleSound,
  VP8: scrambleVp8,
  VP9: (bytes) => scramble(bytes, 0, bytes.length),
  H264: scrambleH264,
  AV1: scrambleAv1,
};

/** `codec` absent: frames are counted and pass as they are. Held ones pass so much later. */
function pass(readable, writable, {name, kind, codec, clear, heldMs}) {
  let frames = 0;
  let described = 0;
  const transform = (frame, controller) => {
    if (codec) {
      const bytes = new Uint8Array(frame.data);
      const red = /red$/i.test(frame.getMetadata().mimeType ?? '');
      kScramblers[codec](bytes, {clear, red, key: frame.type === 'key'});
      frame.data = bytes.buffer;
    }
    // Frames have an id of their own only where a dependency descriptor came with them.
    if (frame.getMetadata().frameId !== undefined) ++described;
    if (++frames % kToldEvery === 0) postMessage({name, kind, frames, described});
    if (!heldMs) return void controller.enqueue(frame);
    setTimeout(() => isOpen && controller.enqueue(frame), heldMs);
  };
  let isOpen = true;
  const close = () => (isOpen = false);
  void readable.pipeThrough(new TransformStream({transform, flush: close})).pipeTo(writable).catch(close);
}

self.onrtctransform = ({transformer}) => pass(transformer.readable, transformer.writable, transformer.options);
self.onmessage = ({data}) => pass(data.readable, data.writable, data.options);
