// Functions that run inside a page before its own scripts do.

/**
 * Makes the page's camera the test picture, with the browser's fake microphone for sound. Firefox
 * runs no AudioContext on a machine without an audio device, so it cannot make the tone itself.
 */
export function cameraShowsTestPicture(size) {
  const media = navigator.mediaDevices;
  if (!media) return; // an empty page, before the real one
  const open = media.getUserMedia.bind(media);
  media.getUserMedia = async () => {
    const raw = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
    const microphone = await open({audio: raw});
    const picture = new window.simpul.TestPicture(size, 'Fake camera');
    return new MediaStream([...picture.stream.getVideoTracks(), ...microphone.getAudioTracks()]);
  };
}

/**
 * Offers one video codec only ("video/VP9", with its repair), and RED in front of Opus when that is
 * asked for.
 */
export function offersOnly({video, red}) {
  if (!window.RTCRtpTransceiver) return;
  const original = RTCRtpTransceiver.prototype.setCodecPreferences;
  const isOne = ({mimeType}, ...names) => names.some((name) => mimeType.toLowerCase() === name.toLowerCase());
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const kept = codecs.filter((codec) => isOne(codec, video, 'video/rtx'));
    return original.call(this, kept.length > 1 ? kept : codecs);
  };
  const addTransceiver = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = addTransceiver.call(this, track, init);
    if (red && track.kind === 'audio') {
      const {codecs} = RTCRtpSender.getCapabilities('audio');
      const of = (name) => codecs.filter((codec) => isOne(codec, name));
      original.call(transceiver, [...of('audio/red'), ...of('audio/opus')]);
    }
    return transceiver;
  };
}

/** Sends fewer pictures on a slow machine, not smaller ones. */
export function keepsSize() {
  if (!window.RTCPeerConnection) return;
  const original = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = original.call(this, track, init);
    const {sender} = transceiver;
    if (track.kind === 'video') {
      void sender.setParameters({...sender.getParameters(), degradationPreference: 'maintain-resolution'});
    }
    return transceiver;
  };
}

/** Sends media to one port of this machine instead of where the relay's answers say. */
export function answersPointTo(port) {
  const original = window.fetch.bind(window);
  window.fetch = async (url, init) => {
    const response = await original(url, init);
    if (init?.method !== 'POST' || response.status !== 201) return response;
    let kept = false;
    const lines = (await response.text()).split('\r\n').flatMap((line) => {
      if (!line.startsWith('a=candidate:')) return [line];
      if (kept || !/ udp /i.test(line)) return [];
      kept = true;
      const fields = line.split(' ');
      [fields[4], fields[5]] = ['127.0.0.1', `${port}`];
      return [fields.join(' ')];
    });
    return new Response(lines.join('\r\n'), {status: 201, headers: response.headers});
  };
}

/** Takes the candidates over UDP out of the relay's answers, as a firewall that lets no UDP out would. */
export function answersWithoutUdp() {
  const original = window.fetch.bind(window);
  window.fetch = async (url, init) => {
    const response = await original(url, init);
    if (init?.method !== 'POST' || response.status !== 201) return response;
    const kept = (line) => !line.startsWith('a=candidate:') || !/ udp /i.test(line);
    const lines = (await response.text()).split('\r\n').filter(kept);
    return new Response(lines.join('\r\n'), {status: 201, headers: response.headers});
  };
}
