package main

import (
	"bytes"
	"errors"
)

var errTooLarge = errors.New("a unit that fits in no packet")

// H.264 over RTP in packetization mode 0 (RFC 6184 §6.2): each packet is one unit. Pion's own
// payloader puts units together and cuts them, which is mode 1.
type singleUnitPayloader struct{}

func (singleUnitPayloader) Payload(mtu uint16, frame []byte) (payloads [][]byte) {
	for _, unit := range bytes.Split(frame, []byte{0, 0, 1}) {
		unit = bytes.TrimRight(unit, "\x00") // of a start code of four bytes
		if len(unit) > int(mtu) {
			panic(errTooLarge) // the recording is not for this mode
		}
		if len(unit) > 0 {
			payloads = append(payloads, unit)
		}
	}
	return payloads
}

// A packet that holds parts of units, or several: what mode 0 has not.
func isSingleUnit(payload []byte) bool {
	const singleMax = 23
	kind := payload[0] & 31
	return kind > 0 && kind <= singleMax
}
