package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

const (
	fileHeaderSize  = 32
	frameHeaderSize = 12
)

// The frames of an IVF file.
func framesOf(file []byte) ([][]byte, error) {
	if len(file) < fileHeaderSize {
		return nil, errors.New("not an IVF file")
	}
	frames := [][]byte{}
	for rest := file[fileHeaderSize:]; len(rest) > frameHeaderSize; {
		size := frameHeaderSize + int(binary.LittleEndian.Uint32(rest))
		if size > len(rest) {
			return nil, errors.New("an IVF file that is cut short")
		}
		frames = append(frames, rest[frameHeaderSize:size])
		rest = rest[size:]
	}
	return frames, nil
}

var fourCC = map[string]string{"vp8": "VP80", "vp9": "VP90", "h264": "H264", "av1": "AV01", "opus": "Opus"}

func writeFrames(path, codec string, frames [][]byte) error {
	var file bytes.Buffer
	header := make([]byte, fileHeaderSize)
	copy(header, "DKIF")
	binary.LittleEndian.PutUint16(header[6:], fileHeaderSize)
	copy(header[8:], fourCC[codec])
	file.Write(header)
	for number, frame := range frames {
		var header [frameHeaderSize]byte
		binary.LittleEndian.PutUint32(header[:], uint32(len(frame)))
		binary.LittleEndian.PutUint64(header[4:], uint64(number))
		file.Write(header[:])
		file.Write(frame)
	}
	return os.WriteFile(path, file.Bytes(), 0o644)
}

// Puts the packets of a stream together to frames; one with a gap is broken and left out.
type frameAssembler struct {
	codec    string
	unpack   rtp.Depacketizer
	frame    []byte
	previous uint16
	begun    bool
	damaged  bool
	broken   int
}

func newFrameAssembler(codec string) frameAssembler {
	made := frameAssembler{codec: codec}
	switch codec {
	case "vp8":
		made.unpack = &codecs.VP8Packet{}
	case "vp9":
		made.unpack = &codecs.VP9Packet{}
	case "h264":
		made.unpack = &codecs.H264Packet{}
	case "av1":
		made.unpack = &av1Depacketizer{}
	default:
		made.unpack = &codecs.OpusPacket{}
	}
	return made
}

// Returns the frame that this packet completes, or nothing.
func (a *frameAssembler) add(packet *rtp.Packet) []byte {
	if a.begun && packet.SequenceNumber != a.previous+1 {
		a.damaged = true
	}
	a.begun, a.previous = true, packet.SequenceNumber
	content, err := a.unpack.Unmarshal(packet.Payload)
	if err != nil {
		a.damaged = true
	}
	a.frame = append(a.frame, content...)
	if !packet.Marker && a.codec != "opus" {
		return nil
	}
	frame, damaged := a.frame, a.damaged
	a.frame, a.damaged = nil, false
	if damaged {
		a.broken++
		return nil
	}
	return frame
}
