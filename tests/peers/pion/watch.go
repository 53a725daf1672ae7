package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
)

const keptFramesMax = 300 // what a file of received frames holds at most

// What arrived of one track.
type receivedMedia struct {
	codec   string
	packets int
	whole   int // of the packets of H.264, those that are one unit each
	hashes  map[string]bool
	order   reorderer
	frames  frameAssembler
	kept    [][]byte
}

// A payload without what the relay numbers anew: the descriptors of VP8 and VP9.
func contentOf(codec string, payload []byte) ([]byte, error) {
	switch codec {
	case "vp8":
		return (&codecs.VP8Packet{}).Unmarshal(payload)
	case "vp9":
		return (&codecs.VP9Packet{}).Unmarshal(payload)
	}
	return payload, nil
}

func (s *session) watch() error {
	s.connection.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		codec := strings.ToLower(strings.SplitN(track.Codec().MimeType, "/", 2)[1])
		media := &receivedMedia{codec: codec, hashes: map[string]bool{}, frames: newFrameAssembler(codec)}
		s.lock.Lock()
		s.tracks[track.Kind().String()] = media
		s.lock.Unlock()
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if len(packet.Payload) > 0 {
				s.take(media, packet)
			}
		}
	})
	receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := s.connection.AddTransceiverFromKind(kind, receive); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) take(media *receivedMedia, packet *rtp.Packet) {
	s.lock.Lock()
	defer s.lock.Unlock()
	media.packets++
	if media.codec == "h264" && isSingleUnit(packet.Payload) {
		media.whole++
	}
	if content, err := contentOf(media.codec, packet.Payload); err == nil {
		media.hashes[hashOf(content)] = true
	}
	for _, next := range media.order.add(packet) {
		frame := media.frames.add(next)
		if frame != nil && len(media.kept) < keptFramesMax {
			media.kept = append(media.kept, frame)
		}
	}
}

func (s *session) observe() interface{} {
	s.lock.Lock()
	defer s.lock.Unlock()
	told := map[string]interface{}{}
	for kind, media := range s.sent {
		told[kind] = map[string]interface{}{"packets": media.packets}
	}
	for kind, media := range s.tracks {
		told[kind] = map[string]interface{}{
			"packets": media.packets, "codec": kind + "/" + media.codec, "frames": len(media.kept),
			"broken": media.frames.broken, "whole": media.whole,
		}
	}
	return told
}

// The hashes of what came or went.
func (s *session) hashes() interface{} {
	s.lock.Lock()
	defer s.lock.Unlock()
	told := map[string][]string{}
	for kind, media := range s.sent {
		told[kind] = keys(media.hashes)
	}
	for kind, media := range s.tracks {
		told[kind] = keys(media.hashes)
	}
	return told
}

// Leaves what was received in files for a decoder, and tells where they are.
func (s *session) finish() (interface{}, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	files := map[string]string{}
	for kind, media := range s.tracks {
		files[kind] = filepath.Join(s.asked.Keep, fmt.Sprintf("%s-%s.ivf", s.asked.Session, kind))
		if err := writeFrames(files[kind], media.codec, media.kept); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func keys(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for key := range set {
		list = append(list, key)
	}
	return list
}
