package main

import "errors"

// AV1 over RTP (RTP Payload Format For AV1, version 1.0), which this version of Pion has in parts
// only: one unit of the stream (OBU) for each packet or for several.
const (
	continuesBit   = 0x80 // Z: the first element goes on from the packet before
	goesOnBit      = 0x40 // Y: the last element goes on in the next packet
	newSequenceBit = 0x08 // N
	hasSizeBit     = 0x02 // of an OBU's header
	extensionBit   = 0x04
	sequenceHeader = 1
	temporalUnit   = 2
	elementSizeMax = 2 // of an element's size before it (W is 0: all have one)
)

var errAV1 = errors.New("malformed AV1")

func readLEB128(from []byte) (value int, size int, err error) {
	for size < len(from) && size < 5 {
		value |= int(from[size]&0x7f) << (7 * size)
		size++
		if from[size-1]&0x80 == 0 {
			return value, size, nil
		}
	}
	return 0, 0, errAV1
}

func writeLEB128(value int) []byte {
	var written []byte
	for value >= 0x80 {
		written = append(written, byte(value)|0x80)
		value >>= 7
	}
	return append(written, byte(value))
}

func typeOf(unit []byte) byte { return unit[0] >> 3 & 15 }

func headerSize(unit []byte) int {
	if unit[0]&extensionBit != 0 {
		return 2
	}
	return 1
}

// The units of a frame without their sizes and without the delimiter.
func unitsOf(frame []byte) (units [][]byte, err error) {
	for rest := frame; len(rest) > 0; {
		header := headerSize(rest)
		if rest[0]&hasSizeBit == 0 || len(rest) < header {
			return nil, errAV1
		}
		size, sizeSize, err := readLEB128(rest[header:])
		end := header + sizeSize + size
		if err != nil || end > len(rest) {
			return nil, errAV1
		}
		if typeOf(rest) != temporalUnit {
			unit := append([]byte{rest[0] &^ hasSizeBit}, rest[1:header]...)
			units = append(units, append(unit, rest[header+sizeSize:end]...))
		}
		rest = rest[end:]
	}
	return units, nil
}

type av1Payloader struct{}

// A frame's first packet begins with its first unit, and the units follow one another without a
// gap: Chromium takes each packet that begins with a whole unit for the beginning of a frame.
func (*av1Payloader) Payload(mtu uint16, frame []byte) (payloads [][]byte) {
	units, err := unitsOf(frame)
	if err != nil || len(units) == 0 {
		return nil
	}
	packet := []byte{0}
	if typeOf(units[0]) == sequenceHeader {
		packet[0] = newSequenceBit
	}
	for _, unit := range units {
		for len(unit) > 0 {
			room := int(mtu) - len(packet) - elementSizeMax
			part := unit
			if len(part) > room {
				part = part[:room]
				packet[0] |= goesOnBit
			}
			packet = append(append(packet, writeLEB128(len(part))...), part...)
			unit = unit[len(part):]
			if len(unit) > 0 {
				payloads = append(payloads, packet)
				packet = []byte{continuesBit}
			} else if int(mtu)-len(packet) <= elementSizeMax {
				payloads = append(payloads, packet)
				packet = []byte{0}
			}
		}
	}
	if len(packet) > 1 {
		payloads = append(payloads, packet)
	}
	return payloads
}

// Gives the units back their sizes, as a decoder wants them.
type av1Depacketizer struct{ unfinished []byte }

func (d *av1Depacketizer) Unmarshal(payload []byte) (content []byte, err error) {
	if len(payload) < 1 {
		return nil, errAV1
	}
	header, rest := payload[0], payload[1:]
	count := int(header >> 4 & 3)
	if header&continuesBit == 0 {
		d.unfinished = nil
	}
	for index := 1; len(rest) > 0; index++ {
		size := len(rest)
		if index != count {
			given, sizeSize, err := readLEB128(rest)
			if err != nil || sizeSize+given > len(rest) {
				return nil, errAV1
			}
			size, rest = given, rest[sizeSize:]
		}
		d.unfinished = append(d.unfinished, rest[:size]...)
		rest = rest[size:]
		if len(rest) == 0 && header&goesOnBit != 0 {
			break
		}
		if len(d.unfinished) == 0 {
			return nil, errAV1
		}
		content = append(content, withSize(d.unfinished)...)
		d.unfinished = nil
	}
	return content, nil
}

func withSize(unit []byte) []byte {
	if unit[0]&hasSizeBit != 0 {
		return unit
	}
	header := headerSize(unit)
	sized := append([]byte{unit[0] | hasSizeBit}, unit[1:header]...)
	sized = append(sized, writeLEB128(len(unit)-header)...)
	return append(sized, unit[header:]...)
}

func (*av1Depacketizer) IsPartitionHead([]byte) bool { return false }

func (*av1Depacketizer) IsPartitionTail(marker bool, _ []byte) bool { return marker }
