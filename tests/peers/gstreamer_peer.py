#!/usr/bin/python3
"""GStreamer's webrtcbin as a publisher and as a viewer, driven by requests on standard input."""
import queue
import threading
import time

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402
import numpy  # noqa: E402

import dialogue  # noqa: E402
import marker  # noqa: E402

ENCODERS = {
    'VP8': 'vp8enc deadline=1 cpu-used=8 target-bitrate=300000 keyframe-max-dist=60 ! '
           'rtpvp8pay picture-id-mode=15-bit',
    'VP9': 'vp9enc deadline=1 cpu-used=8 target-bitrate=300000 keyframe-max-dist=60 '
           'lag-in-frames=0 ! rtpvp9pay picture-id-mode=15-bit',
    'H264': 'openh264enc bitrate=300000 gop-size=60 ! '
            'video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! '
            'rtph264pay aggregate-mode=zero-latency',
    'AV1': 'av1enc ! rtpav1pay',
    'OPUS': 'opusenc ! rtpopuspay',
}
DECODERS = {
    'VP8': 'rtpvp8depay request-keyframe=true ! vp8dec',
    'VP9': 'rtpvp9depay request-keyframe=true ! vp9dec',
    'H264': 'rtph264depay request-keyframe=true ! h264parse ! openh264dec',
    'AV1': 'rtpav1depay ! av1dec',
    'OPUS': 'rtpopusdepay ! opusdec',
}
OFFERED = {
    'VP8': 'encoding-name=VP8,payload=96',
    'VP9': 'encoding-name=VP9,payload=98',
    'H264': 'encoding-name=H264,payload=102,packetization-mode=(string)1,'
            'profile-level-id=(string)42e01f',
    'AV1': 'encoding-name=AV1,payload=45',
}
# All that a viewer is to know of H.264: single units.
OFFERED_BARE = {'H264': OFFERED['H264'].replace('mode=(string)1', 'mode=(string)0')}
Gst.init(None)
PICTURE = (f'video/x-raw,format=I420,width={marker.WIDTH},height={marker.HEIGHT},'
           f'framerate={marker.FRAMES_PER_SECOND}/1')


def has(chain):
    """Whether this GStreamer has all elements of a chain."""
    elements = [part.split()[0] for part in chain.split('!') if '/' not in part.split()[0]]
    return all(Gst.ElementFactory.find(name) for name in elements)


def mime_type(codec):
    return f'{"audio" if codec == "OPUS" else "video"}/{codec.lower()}'


def capabilities():
    return {'version': Gst.version_string(),
            'sends': [mime_type(codec) for codec, chain in ENCODERS.items() if has(chain)],
            'receives': [mime_type(codec) for codec, chain in DECODERS.items() if has(chain)]}


class Session:
    def __init__(self, request):
        self.request = request
        self.url = None
        self.tally, self.sound = marker.Tally(), marker.Sound()
        self.packets, self.codecs = {'audio': 0, 'video': 0}, {}
        self.wanted, self.connected = threading.Event(), threading.Event()
        self.running = True
        self.pictures = None
        # It asks for what it lost a few times a second only, and shows what comes within the latency.
        self.pipeline = Gst.Pipeline.new()
        self.pipeline.add(Gst.parse_bin_from_description(
            'webrtcbin name=webrtc bundle-policy=max-bundle latency=500 ' + self.sources(), False))
        self.webrtc = self.pipeline.get_by_name('webrtc')
        self.candidates = queue.SimpleQueue()  # and None when there are no more
        self.webrtc.connect('on-ice-candidate', self.on_candidate)
        self.webrtc.connect('notify::ice-gathering-state', self.on_gathering)
        self.webrtc.connect('on-negotiation-needed', lambda *_: self.wanted.set())
        self.webrtc.connect('notify::connection-state', self.on_state)
        self.webrtc.connect('pad-added', self.on_pad)

    def sources(self):
        if self.request['do'] == 'watch':
            return ''
        codec = self.request['video']
        video = f'application/x-rtp,media=video,encoding-name={codec},payload=96'
        audio = 'application/x-rtp,media=audio,encoding-name=OPUS,payload=97'
        return (f'appsrc name=pictures is-live=true format=time do-timestamp=true caps={PICTURE} ! '
                f'{ENCODERS[codec]} ! {video} ! webrtc. '
                'audiotestsrc is-live=true freq=440 volume=0.25 ! audioconvert ! audioresample ! '
                f'{ENCODERS["OPUS"]} ! {audio} ! webrtc. ')

    def connect(self):
        watching = self.request['do'] == 'watch'
        self.pipeline.set_state(Gst.State.READY)
        if self.request.get('data'):
            self.channel = self.webrtc.emit('create-data-channel', 'unused', None)
        if watching:
            self.offer_to_receive()
        self.pipeline.set_state(Gst.State.PLAYING)
        if not watching:
            self.pictures = threading.Thread(target=self.draw)
            self.pictures.start()
            self.wait(self.wanted, 'nothing to negotiate')
            self.send_only()
        self.negotiate()
        trickled = self.trickle() if self.request.get('trickle') else None
        self.wait(self.connected, 'the connection hangs')
        return {'setup': dialogue.setup_of(self.answered), 'trickled': trickled}

    def wait(self, event, complaint):
        if not event.wait(dialogue.LIMIT_S):
            state = self.webrtc.get_property('connection-state').value_nick
            raise TimeoutError(f'{complaint} (connection {state})')

    def offer_to_receive(self):
        receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        offered = OFFERED_BARE if self.request.get('bare') else OFFERED
        video = [f'application/x-rtp,media=video,clock-rate=90000,rtcp-fb-nack-pli=true,{caps}'
                 for codec, caps in offered.items() if has(DECODERS[codec])]
        audio = ('application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,'
                 'encoding-params=(string)2')
        for caps in (audio, ';'.join(video)):
            transceiver = self.webrtc.emit('add-transceiver', receive, Gst.Caps.from_string(caps))
            transceiver.set_property('do-nack', 'media=video' in caps)

    def send_only(self):
        for index in range(2):
            transceiver = self.webrtc.emit('get-transceiver', index)
            transceiver.set_property('direction', GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            transceiver.set_property('do-nack', True)

    def negotiate(self):
        promise = Gst.Promise.new()
        self.webrtc.emit('create-offer', None, promise)
        promise.wait()
        reply = promise.get_reply()  # owns the offer: it must stay referenced
        self.settle('set-local-description', reply.get_value('offer'))
        # Without its candidates: the relay is ICE-lite and does not read any.
        offer = self.webrtc.get_property('local-description').sdp.as_text()
        self.offer = dialogue.in_role(dialogue.without_candidates(offer), self.request.get('passive'))
        self.answered, self.url, self.tag = dialogue.join(self.request['url'], self.offer)
        text = dialogue.redirected(self.answered, self.request)
        answer = GstWebRTC.WebRTCSDPType.ANSWER
        _, message = GstSdp.SDPMessage.new_from_text(text)
        self.settle('set-remote-description',
                    GstWebRTC.WebRTCSessionDescription.new(answer, message))

    def settle(self, action, description):
        promise = Gst.Promise.new()
        self.webrtc.emit(action, description, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply and reply.has_field('error'):
            raise RuntimeError(f'{action}: {reply.get_value("error")}')

    def on_candidate(self, _, section, line):
        if line:
            self.candidates.put(line)

    def on_gathering(self, *_):
        if self.webrtc.get_property('ice-gathering-state') == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.candidates.put(None)

    def trickle(self):
        """Tells the relay each candidate as it is found. Returns what was answered."""
        tell = lambda line: dialogue.trickle(self.url, self.tag, self.offer, line)
        found = iter(lambda: self.candidates.get(timeout=dialogue.LIMIT_S), None)
        return [*(tell(f'a={line}') for line in found), tell(dialogue.END_OF_CANDIDATES)]

    def on_state(self, *_):
        if self.webrtc.get_property('connection-state') == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            self.connected.set()

    def draw(self):
        """Feeds the encoder, thirty times a second."""
        source = self.pipeline.get_by_name('pictures')
        due = time.monotonic()
        while self.running:
            frame = marker.picture(marker.counter_now()).tobytes()
            source.emit('push-buffer', Gst.Buffer.new_wrapped(frame))
            due += 1 / marker.FRAMES_PER_SECOND
            time.sleep(max(0, due - time.monotonic()))

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = (pad.get_current_caps() or pad.query_caps(None)).get_structure(0)
        media, codec = caps.get_string('media'), caps.get_string('encoding-name')
        self.codecs[media] = mime_type(codec)
        raw = PICTURE.split(',')[0] + ',format=I420' if media == 'video' else \
            'audio/x-raw,format=S16LE,channels=1,rate=48000'
        convert = 'videoconvert' if media == 'video' else 'audioconvert ! audioresample'
        chain = Gst.parse_bin_from_description(
            f'{DECODERS[codec]} ! {convert} ! {raw} ! '
            'appsink name=sink emit-signals=true sync=false', True)
        chain.get_by_name('sink').connect('new-sample', self.on_sample, media)
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self.on_packet, media)
        self.webrtc.get_parent().add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad('sink'))

    def on_packet(self, _, info, media):
        listed = info.type & Gst.PadProbeType.BUFFER_LIST
        self.packets[media] += info.get_buffer_list().length() if listed else 1
        return Gst.PadProbeReturn.OK

    def on_sample(self, sink, media):
        sample = sink.emit('pull-sample')
        buffer = sample.get_buffer()
        mapped, info = buffer.map(Gst.MapFlags.READ)
        if mapped and media == 'audio':
            self.sound.hear(numpy.frombuffer(info.data, numpy.int16))
        elif mapped:
            caps = sample.get_caps().get_structure(0)
            width, height = caps.get_value('width'), caps.get_value('height')
            stride = (width + 3) // 4 * 4
            rows = numpy.frombuffer(info.data, numpy.uint8, stride * height).reshape(height, stride)
            self.tally.look(rows[:, :width])
        buffer.unmap(info)
        return Gst.FlowReturn.OK

    def observe(self):
        seen = {'audio': self.sound.told(), 'video': self.tally.told()}
        return {kind: {'packets': self.packets[kind], 'codecs': [self.codecs.get(kind)], **told}
                for kind, told in seen.items()}

    def close(self):
        self.running = False
        if self.pictures:
            self.pictures.join()
        if self.url:
            dialogue.leave(self.url)
        self.pipeline.set_state(Gst.State.NULL)
        return {}


def perform(request, sessions):
    match request['do']:
        case 'capabilities':
            return capabilities()
        case 'publish' | 'watch':
            session = sessions[request['session']] = Session(request)
            return session.connect()
        case 'observe':
            return sessions[request['session']].observe()
        case 'close':
            return sessions.pop(request['session']).close()
    raise ValueError(request['do'])


def respond(request, sessions):
    try:
        dialogue.answer(request, perform(request, sessions))
    except Exception as error:  # told to the test, which decides
        dialogue.fail(request, error)


def main():
    sessions = {}
    for request in dialogue.requests():
        threading.Thread(target=respond, args=(request, sessions), daemon=True).start()


main()
