#!/usr/bin/python3
"""aiortc as a publisher and as a viewer, driven by requests on standard input."""
import asyncio
import fractions
import sys

import aiortc
import aiortc.codecs.h264
import av
import numpy
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

import dialogue
import marker

SAMPLE_RATE = 48000
SAMPLES_PER_FRAME = 960
KEY_FRAME_EVERY = 30


def open_h264_encoder(name, width, height, bitrate):
    """aiortc's own makes a key frame every 250 frames and ignores all requests for one."""
    context = av.CodecContext.create(name, 'w')
    context.width, context.height, context.bit_rate, context.pix_fmt = width, height, bitrate, 'yuv420p'
    context.framerate = fractions.Fraction(marker.FRAMES_PER_SECOND)
    context.time_base = 1 / context.framerate
    context.gop_size = KEY_FRAME_EVERY
    context.options = {'profile': 'baseline', 'level': '31', 'tune': 'zerolatency',
                       'preset': 'ultrafast'}
    context.open()
    return context, False


aiortc.codecs.h264.create_encoder_context = open_h264_encoder


class TestPicture(VideoStreamTrack):
    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(marker.picture(marker.counter_now()), format='yuv420p')
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A sine where the base class has silence."""

    sent = 0

    async def recv(self):
        await super().recv()  # keeps the pace: 20 ms
        samples = marker.tone(self.sent, SAMPLES_PER_FRAME, SAMPLE_RATE)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format='s16', layout='mono')
        frame.pts, frame.sample_rate = self.sent, SAMPLE_RATE
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self.sent += SAMPLES_PER_FRAME
        return frame


class Session:
    def __init__(self, request):
        self.request = request
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.url = None
        self.readers = []
        self.tally, self.sound = marker.Tally(), marker.Sound()
        if request.get('data'):
            self.connection.createDataChannel('unused')

    def publish(self):
        self.connection.addTransceiver(Tone(), direction='sendonly')
        video = self.connection.addTransceiver(TestPicture(), direction='sendonly')
        wanted = {f'video/{self.request["video"]}'.lower(), 'video/rtx'}
        codecs = aiortc.RTCRtpSender.getCapabilities('video').codecs
        video.setCodecPreferences([codec for codec in codecs if codec.mimeType.lower() in wanted])

    def watch(self):
        self.connection.on('track', self.on_track)
        self.connection.addTransceiver('audio', direction='recvonly')
        self.connection.addTransceiver('video', direction='recvonly')

    async def connect(self):
        connection, request = self.connection, self.request
        await connection.setLocalDescription(await connection.createOffer())
        offer = dialogue.in_role(connection.localDescription.sdp, request.get('passive'))
        in_thread = asyncio.get_running_loop().run_in_executor
        text, self.url, _ = await in_thread(None, dialogue.join, request['url'], offer)
        text_there = dialogue.redirected(text, request)
        answer = aiortc.RTCSessionDescription(sdp=text_there, type='answer')
        await connection.setRemoteDescription(answer)
        await asyncio.wait_for(self.connected(), dialogue.LIMIT_S)
        return {'setup': dialogue.setup_of(text), 'location': self.url}

    async def connected(self):
        """When the media's transport is: a refused data channel keeps one of its own, which fails."""
        transport = self.connection.getTransceivers()[0].receiver.transport
        while transport.state != 'connected':
            if transport.state in ('closed', 'failed'):
                raise ConnectionError(f'DTLS {transport.state}, ICE {transport.transport.state}')
            await asyncio.sleep(0.02)

    def on_track(self, track):
        self.readers.append(asyncio.ensure_future(self.read(track)))

    async def read(self, track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == 'video':
                    plane = frame.planes[0]
                    rows = numpy.frombuffer(plane, numpy.uint8).reshape(-1, plane.line_size)
                    self.tally.look(rows[:frame.height, :frame.width])
                else:
                    self.sound.hear(frame.to_ndarray().ravel())
        except aiortc.mediastreams.MediaStreamError:
            pass  # the session has ended

    def observe(self):
        nothing = {'packets': 0, 'lost': 0}
        told = {'audio': {**nothing, **self.sound.told()}, 'video': {**nothing, **self.tally.told()}}
        for receiver in self.connection.getReceivers():
            kind = told[receiver.track.kind]
            # getStats() shows one SSRC of a receiver only: the last, which may be that of RTX.
            for stream in receiver._RTCRtpReceiver__remote_streams.values():
                kind['packets'] += stream.packets_received
                kind['lost'] += stream.packets_lost
            codecs = receiver._RTCRtpReceiver__codecs
            kind['codecs'] = [codec.mimeType.lower() for codec in codecs.values()]
        return told

    async def close(self):
        if self.url:
            await asyncio.get_running_loop().run_in_executor(None, dialogue.leave, self.url)
        await self.connection.close()
        await asyncio.gather(*self.readers)
        return {}


async def candidates(request):
    """What kinds it has. It knows no setting for them."""
    session = Session(request)
    session.watch()
    await session.connection.setLocalDescription(await session.connection.createOffer())
    lines = session.connection.localDescription.sdp.splitlines()
    await session.close()
    return dialogue.candidate_kinds(lines)


def capabilities():
    of = lambda side: [codec.mimeType.lower() for kind in ('audio', 'video')
                       for codec in side.getCapabilities(kind).codecs]
    return {'version': f'aiortc {aiortc.__version__}', 'sends': of(aiortc.RTCRtpSender),
            'receives': of(aiortc.RTCRtpReceiver)}


async def perform(request, sessions):
    match request['do']:
        case 'capabilities':
            return capabilities()
        case 'candidates':
            return await candidates(request)
        case 'publish' | 'watch' as role:
            session = sessions[request['session']] = Session(request)
            session.publish() if role == 'publish' else session.watch()
            return await session.connect()
        case 'observe':
            return sessions[request['session']].observe()
        case 'close':
            return await sessions.pop(request['session']).close()
    raise ValueError(request['do'])


async def respond(request, sessions):
    try:
        dialogue.answer(request, await perform(request, sessions))
    except Exception as error:  # told to the test, which decides
        dialogue.fail(request, error)


async def main():
    sessions, tasks = {}, set()
    requests = dialogue.requests()
    next_request = lambda: next(requests, None)
    while request := await asyncio.get_running_loop().run_in_executor(None, next_request):
        task = asyncio.ensure_future(respond(request, sessions))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
sys.exit()
