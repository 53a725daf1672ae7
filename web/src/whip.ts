import {browser, Session, type Environment, type SessionState} from './session';

export interface WhipOptions {
  room: string;
  stream: MediaStream;
  /** The publisher's id in the room; the relay makes one up without it. */
  participant?: string;
  /** Three sizes of the picture at once, for viewers with less bandwidth. */
  simulcast: boolean;
  onState: (state: SessionState) => void;
}

/** A quarter, a half and the full size: 320x180, 640x360 and 1280x720 of a 720p camera. */
export const kSimulcastLayers: RTCRtpEncodingParameters[] = [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 200_000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 700_000},
  {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 2_500_000},
];

/** Publishes one stream into a room (WHIP, RFC 9725). */
export class WhipClient extends Session {
  constructor(
    private readonly options: WhipOptions,
    environment: Environment = browser,
  ) {
    const query = options.participant ? `?participant=${encodeURIComponent(options.participant)}` : '';
    super(`/whip/${encodeURIComponent(options.room)}${query}`, options.onState, environment);
  }

  protected override prepare(connection: RTCPeerConnection): void {
    const {stream, simulcast} = this.options;
    for (const track of stream.getTracks()) {
      const video = track.kind === 'video';
      const transceiver = connection.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(video && simulcast ? {sendEncodings: kSimulcastLayers} : {}),
      });
      if (video) preferVp8(transceiver);
    }
  }
}

/** Puts VP8 first: the one video codec that every browser has and the relay always forwards. */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const isVp8 = (codec: {mimeType: string}) => codec.mimeType.toLowerCase() === 'video/vp8';
  if (!codecs.some(isVp8)) return;
  transceiver.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((c) => !isVp8(c))]);
}
