package main

import "github.com/pion/rtp"

const waitingMax = 64 // packets that wait for one that is missing

// Puts packets back into the order of their numbers, those that were sent again among them.
type reorderer struct {
	waiting map[uint16]*rtp.Packet
	next    uint16
}

// Returns what is in order now.
func (r *reorderer) add(packet *rtp.Packet) (inOrder []*rtp.Packet) {
	if r.waiting == nil {
		r.waiting, r.next = map[uint16]*rtp.Packet{}, packet.SequenceNumber
	}
	if int16(packet.SequenceNumber-r.next) < 0 {
		return nil // too late, or for the second time
	}
	r.waiting[packet.SequenceNumber] = packet
	for len(r.waiting) > 0 {
		first, ok := r.waiting[r.next]
		if !ok && len(r.waiting) < waitingMax {
			break
		}
		if ok {
			inOrder = append(inOrder, first)
			delete(r.waiting, r.next)
		}
		r.next++
	}
	return inOrder
}
