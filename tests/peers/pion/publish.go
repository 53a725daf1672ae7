package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
)

const payloadSizeMax = 1188 // an RTP packet of 1,200 bytes

// Hashes of the payloads that left, without their codec's descriptor.
type sentMedia struct {
	packets int
	hashes  map[string]bool
}

func hashOf(payload []byte) string {
	hash := fnv.New64a()
	_, _ = hash.Write(payload)
	return fmt.Sprintf("%016x", hash.Sum64())
}

func payloaderOf(codec string, bare bool) (rtp.Payloader, error) {
	switch codec {
	case "VP8":
		return &codecs.VP8Payloader{EnablePictureID: true}, nil
	case "VP9":
		return &vp9Payloader{}, nil
	case "H264":
		if bare {
			return singleUnitPayloader{}, nil
		}
		return &codecs.H264Payloader{}, nil
	case "AV1":
		return &av1Payloader{}, nil
	case "opus":
		return &codecs.OpusPayloader{}, nil
	}
	return nil, fmt.Errorf("no recording of %q", codec)
}

// The names of the recordings are their files' FourCC.
func recordingOf(codec string, bare bool) string {
	name := fourCC[strings.ToLower(codec)]
	if bare && codec == "H264" {
		name += "-slices"
	}
	return name + ".ivf"
}

func (s *session) publish() error {
	if err := s.send("audio", "opus", 48000, 20*time.Millisecond); err != nil {
		return err
	}
	return s.send("video", s.asked.Video, 90000, time.Second/30)
}

// Plays a recording over and over, once the connection is made.
func (s *session) send(kind, codec string, clockRate uint32, every time.Duration) error {
	payloader, err := payloaderOf(codec, s.asked.Bare)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(filepath.Join(s.asked.Recordings, recordingOf(codec, s.asked.Bare)))
	if err != nil {
		return err
	}
	frames, err := framesOf(file)
	if err != nil {
		return err
	}
	capability := webrtc.RTPCodecCapability{MimeType: kind + "/" + codec, ClockRate: clockRate}
	if kind == "audio" {
		capability.Channels = 2
	}
	track, err := webrtc.NewTrackLocalStaticRTP(capability, kind, "pion")
	if err != nil {
		return err
	}
	transceiver, err := s.connection.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	go readFeedback(transceiver.Sender())
	media := &sentMedia{hashes: map[string]bool{}}
	s.sent[kind] = media
	packetizer := rtp.NewPacketizer(payloadSizeMax+12, 0, 0, payloader, rtp.NewRandomSequencer(), clockRate)
	samples := uint32(every.Seconds() * float64(clockRate))
	s.senders.Add(1)
	go func() {
		defer s.senders.Done()
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for next := 0; ; next = (next + 1) % len(frames) {
			select {
			case <-s.ended:
				return
			case <-ticker.C:
			}
			if s.connection.ConnectionState() != webrtc.PeerConnectionStateConnected {
				next = -1
				continue
			}
			s.write(track, media, strings.ToLower(codec), packetizer.Packetize(frames[next], samples))
		}
	}()
	return nil
}

// Interceptors answer what is read here: NACKs, for instance.
func readFeedback(sender *webrtc.RTPSender) {
	for {
		if _, _, err := sender.ReadRTCP(); err != nil {
			return
		}
	}
}

func (s *session) write(track *webrtc.TrackLocalStaticRTP, media *sentMedia, codec string,
	packets []*rtp.Packet) {
	for _, packet := range packets {
		s.lock.Lock()
		media.packets++
		if content, err := contentOf(codec, packet.Payload); err == nil {
			media.hashes[hashOf(content)] = true
		}
		s.lock.Unlock()
		_ = track.WriteRTP(packet)
	}
}
