package main

// VP9 over RTP in flexible mode (RFC 9628 §4.2). Pion's own payloader never sets P, so that every
// frame of it passes for a key frame.
const (
	pictureIDPresent   = 0x80
	interPredicted     = 0x40
	flexibleMode       = 0x10
	startOfFrame       = 0x08
	endOfFrame         = 0x04
	previousPicture    = 1 << 1 // P_DIFF of 1, and no other reference
	notKeyFrame        = 0x04   // of the frame's own first byte, in profile 0
	showsExistingFrame = 0x08
)

type vp9Payloader struct{ pictureID uint16 }

func (p *vp9Payloader) Payload(mtu uint16, frame []byte) (payloads [][]byte) {
	begin := byte(pictureIDPresent | flexibleMode | startOfFrame)
	fields := []byte{0x80 | byte(p.pictureID>>8), byte(p.pictureID)}
	if len(frame) > 0 && frame[0]&(notKeyFrame|showsExistingFrame) != 0 {
		begin |= interPredicted
		fields = append(fields, previousPicture)
	}
	p.pictureID = (p.pictureID + 1) & 0x7fff
	for room := int(mtu) - 1 - len(fields); len(frame) > 0; begin &^= startOfFrame {
		part, header := frame, begin|endOfFrame
		if len(part) > room {
			part, header = part[:room], begin
		}
		payload := append([]byte{header}, fields...)
		payloads = append(payloads, append(payload, part...))
		frame = frame[len(part):]
	}
	return payloads
}
