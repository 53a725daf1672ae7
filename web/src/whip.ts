import {asOneOfFew, followLayers, kLayersRelation, linkOf, type LayersEvent} from './layer_events';
import {browser, Session, type Environment, type SessionState} from './session';

export interface WhipOptions {
  room: string;
  stream: MediaStream;
  /** The publisher's id in the room; the relay makes one up without it. */
  participant?: string;
  /** Three sizes of the picture at once, for viewers with less bandwidth. */
  simulcast: boolean;
  /** The layers (by rid) that are not sent now, because nobody watches them. */
  onSuspended?: (rids: string[]) => void;
  onState: (state: SessionState) => void;
}

/** A quarter, a half and the full size: 320x180, 640x360 and 1280x720 of a 720p camera. */
export const kSimulcastLayers: RTCRtpEncodingParameters[] = [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 200_000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 700_000},
  {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 2_500_000},
];

/**
 * Publishes one stream into a room (WHIP, RFC 9725). Of several sizes of the picture it sends those
 * that somebody watches, as far as the relay tells.
 */
export class WhipClient extends Session {
  /** Where the relay tells which layers are watched. */
  private events: string | undefined;
  /** What it said last, by mid; nothing: all layers are sent. */
  private readonly wanted = new Map<string, LayersEvent['rids']>();
  private isObeying = false;
  private isObeyed = true;

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

  protected override joined(response: Response): void {
    this.wanted.clear();
    this.options.onSuspended?.([]);
    this.events = this.options.simulcast
      ? linkOf(response.headers.get('Link'), kLayersRelation, this.address ?? '')
      : undefined;
  }

  protected override connected(): void {
    const {events, environment, lifetime: signal} = this;
    this.events = undefined; // It is followed once for each session.
    if (events === undefined) return;
    const onLayers = ({mid, rids}: LayersEvent) => {
      this.wanted.set(mid, rids);
      void this.obey();
    };
    const onLost = () => {
      this.wanted.clear();
      void this.obey();
    };
    void asOneOfFew(() => followLayers(events, {environment, signal, onLayers, onLost}));
  }

  /** One change at a time, and then what was said meanwhile. */
  private async obey(): Promise<void> {
    this.isObeyed = false;
    if (this.isObeying) return;
    this.isObeying = true;
    try {
      while (!this.isObeyed) {
        this.isObeyed = true;
        const {connection} = this;
        const suspended: string[] = [];
        for (const {mid, sender} of connection?.getTransceivers() ?? []) {
          if (sender.track?.kind !== 'video') continue;
          suspended.push(...(await activate(sender, this.wanted.get(mid ?? '') ?? [])));
        }
        // A session that came meanwhile has said for itself what it does not send.
        if (connection === this.connection) this.options.onSuspended?.(suspended);
      }
    } finally {
      this.isObeying = false;
    }
  }
}

/** Sends the layers that are wanted, and those of which nothing was said; returns the others. */
async function activate(sender: RTCRtpSender, wanted: LayersEvent['rids']): Promise<string[]> {
  const parameters = sender.getParameters();
  const isWanted = (rid: string | undefined) => wanted.find((layer) => layer.rid === rid)?.active ?? true;
  const differs = parameters.encodings.filter(({rid, active}) => active !== isWanted(rid));
  for (const encoding of differs) encoding.active = isWanted(encoding.rid);
  // It fails when the connection is being closed.
  if (differs.length > 0) await sender.setParameters(parameters).catch(() => {});
  return parameters.encodings.flatMap(({rid, active}) => (rid !== undefined && !active ? [rid] : []));
}

/** Puts VP8 first: the one video codec that every browser has and the relay always forwards. */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const isVp8 = (codec: {mimeType: string}) => codec.mimeType.toLowerCase() === 'video/vp8';
  if (!codecs.some(isVp8)) return;
  transceiver.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((c) => !isVp8(c))]);
}
